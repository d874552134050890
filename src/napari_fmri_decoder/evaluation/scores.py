"""How well the folds decoded: numbers, confusions and the tables of a run folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.measures import (
    ClassScore,
    accuracy,
    balanced_accuracy,
    confusion,
    per_class,
)
from napari_fmri_decoder.training.events import FoldResult, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.samples import Samples

Headline = Literal["accuracy", "balanced_accuracy"]
"""Which number heads the report: the balanced accuracy wherever the classes differ in size."""

TABLE_COLUMNS = ("volume", "subject", "session", "run")


@dataclass(frozen=True, slots=True)
class FoldScore:
    """One fold: how many samples it trained on and left out, and how well it did on both."""

    fold: int
    name: str
    n_train: int
    n_test: int
    accuracy: float
    balanced_accuracy: float
    loss: float
    train_accuracy: float
    train_loss: float


@dataclass(frozen=True, slots=True)
class Permutation:
    """What the same analysis gave under exchanged labels: n times, p value, mean score."""

    n: int
    p: float
    mean: float


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """The headline score by each of several seeds; the first is the recipe's own, which heads the report.

    `std` divides by one less than the number of seeds.
    """

    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Another decoder in the same folds: its options, and means over folds."""

    decoder: dict[str, Any]
    accuracy: float
    balanced_accuracy: float
    loss: float
    train_accuracy: float
    accuracy_per_fold: tuple[float, ...]
    seeds: SeedSpread | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The numbers of `scores.json`; losses are mean cross-entropies in nats.

    Attributes
    ----------
    headline : {"accuracy", "balanced_accuracy"}
        Which number heads the report, and which one `baseline` and `permutation` are about.
    accuracy, loss, train_accuracy, train_loss : float
        Means over folds.
    balanced_accuracy : float
        Mean over classes of the recall, over all samples left out, of all folds together.
    folds : tuple of FoldScore
    untrained_train, untrained_test : Quality or None
        Of the network before its first step, means over folds.
    classes : tuple of str
    per_class : tuple of ClassScore
    confusion, train_confusion : (classes, classes) int64 array
        Counts over all folds; rows are the true classes, columns the predicted ones.
    n_samples : int
    baseline : dict of str to float
        Headline score of "dummy" and "linear" in the same folds.
    baseline_by_run : float or None
        Headline score of "linear" with each run left out in turn, where the splits part runs: what a
        random split adds to a score is the difference.
    compared : tuple of Compared
        Other decoders that the recipe puts beside, in the same folds.
    permutation : Permutation or None
    seeds : SeedSpread or None
        Where the recipe asks for several seeds.
    audit : tuple of Finding
    notes : tuple of str
        What was done to the data, what is uncertain of them, what was left out.
    seconds : float
    """

    headline: Headline
    accuracy: float
    balanced_accuracy: float
    loss: float
    train_accuracy: float
    train_loss: float
    folds: tuple[FoldScore, ...]
    untrained_train: Quality | None
    untrained_test: Quality | None
    classes: tuple[str, ...]
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    train_confusion: NDArray[np.int64]
    n_samples: int
    baseline: dict[str, float]
    baseline_by_run: float | None = None
    compared: tuple[Compared, ...] = ()
    permutation: Permutation | None = None
    seeds: SeedSpread | None = None
    audit: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def chance(self) -> float:
        """What guessing gives: 1 / classes."""
        return 1 / len(self.classes)

    @property
    def score(self) -> float:
        """The headline number."""
        return self.by_name(self.headline)

    def by_name(self, headline: Headline) -> float:
        """One of the two numbers that can head the report."""
        return self.balanced_accuracy if headline == "balanced_accuracy" else self.accuracy

    def to_dict(self) -> dict[str, Any]:
        """Give the content of `scores.json`; a number that is not finite becomes null."""
        untrained = None
        if self.untrained_train and self.untrained_test:
            untrained = {"train": asdict(self.untrained_train), "test": asdict(self.untrained_test)}
        content = {
            "headline": self.headline,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "loss": self.loss,
            "chance": self.chance,
            "accuracy_per_fold": [fold.accuracy for fold in self.folds],
            "train_accuracy": self.train_accuracy,
            "train_loss": self.train_loss,
            "untrained": untrained,
            "baseline": dict(self.baseline),
            "baseline_by_run": self.baseline_by_run,
            "compared": [asdict(other) for other in self.compared],
            "permutation": asdict(self.permutation) if self.permutation else None,
            "seeds": asdict(self.seeds) if self.seeds else None,
            "n_samples": self.n_samples,
            "n_classes": len(self.classes),
            "classes": list(self.classes),
            "per_class": [asdict(row) for row in self.per_class],
            "confusion": self.confusion.tolist(),
            "train_confusion": self.train_confusion.tolist(),
            "folds": [asdict(fold) for fold in self.folds],
            "audit": [asdict(finding) for finding in self.audit],
            "notes": list(self.notes),
            "seconds": self.seconds,
        }
        cleaned: dict[str, Any] = _without_nan(content)
        return cleaned


def score_folds(results: Sequence[FoldResult], samples: Samples) -> Scores:
    """Score the folds of one cross-validation.

    Parameters
    ----------
    results : sequence of FoldResult
    samples : Samples
        What the folds were cut from.

    Returns
    -------
    Scores
        Without baseline, permutation, audit and seconds: `dataclasses.replace` sets them.
    """
    _require_some(results)
    y = samples.y
    tests = [confusion(y[r.split.test], r.probabilities) for r in results]
    trains = [confusion(y[r.split.train], r.train_probabilities) for r in results]
    folds = tuple(
        FoldScore(
            fold=r.fold,
            name=r.split.name,
            n_train=len(r.split.train),
            n_test=len(r.split.test),
            accuracy=accuracy(test),
            balanced_accuracy=balanced_accuracy(test),
            loss=r.test.loss,
            train_accuracy=accuracy(train),
            train_loss=r.train.loss,
        )
        for r, test, train in zip(results, tests, trains, strict=True)
    )
    total: NDArray[np.int64] = np.sum(tests, axis=0)
    return Scores(
        headline=headline_of(samples),
        accuracy=_mean([fold.accuracy for fold in folds]),
        balanced_accuracy=balanced_accuracy(total),
        loss=_mean([fold.loss for fold in folds]),
        train_accuracy=_mean([fold.train_accuracy for fold in folds]),
        train_loss=_mean([fold.train_loss for fold in folds]),
        folds=folds,
        untrained_train=_mean_quality([r.untrained_train for r in results]),
        untrained_test=_mean_quality([r.untrained_test for r in results]),
        classes=samples.classes,
        per_class=per_class(samples.classes, total),
        confusion=total,
        train_confusion=np.sum(trains, axis=0),
        n_samples=len(y),
        baseline={},
    )


def compare(decoder: Decoder, scores: Scores) -> Compared:
    """Keep of another decoder's scores what stands beside the main one's."""
    return Compared(
        decoder=decoder.model_dump(mode="json"),
        accuracy=scores.accuracy,
        balanced_accuracy=scores.balanced_accuracy,
        loss=scores.loss,
        train_accuracy=scores.train_accuracy,
        accuracy_per_fold=tuple(fold.accuracy for fold in scores.folds),
        seeds=scores.seeds,
    )


def spread_of(seeds: Sequence[int], scores: Sequence[float]) -> SeedSpread:
    """Summarise the headline scores by several seeds.

    Examples
    --------
    >>> spread_of([0, 1, 2], [0.5, 0.6, 0.7]).std
    0.09999999999999998
    """
    return SeedSpread(tuple(seeds), tuple(scores), _mean(scores), float(np.std(scores, ddof=1)))


def headline_of(samples: Samples) -> Headline:
    """Choose the number that heads the report: the accuracy only where all classes are of one size."""
    sizes = np.bincount(samples.y, minlength=len(samples.classes))
    return "accuracy" if len(set(sizes.tolist())) == 1 else "balanced_accuracy"


def predictions_table(results: Sequence[FoldResult], samples: Samples) -> pd.DataFrame:
    """List what each fold said of the samples that it left out.

    Returns
    -------
    DataFrame
        Columns volume, subject, session, run, fold, true, predicted, and `p_<class>` with the
        probability of each class; in the order of folds. A sample that several folds leave out
        has several rows.
    """
    _require_some(results)
    classes = np.array(samples.classes, dtype=object)
    parts = []
    for result in results:
        rows = samples.table.iloc[result.split.test]
        part = rows[list(TABLE_COLUMNS)].reset_index(drop=True)
        part["fold"] = result.fold
        part["true"] = rows["label"].to_numpy()
        part["predicted"] = classes[result.probabilities.argmax(axis=1)]
        columns = [f"p_{name}" for name in samples.classes]
        probabilities = pd.DataFrame(result.probabilities, columns=columns)
        parts.append(pd.concat([part, probabilities], axis=1))
    return pd.concat(parts, ignore_index=True)


def history_table(results: Sequence[FoldResult]) -> pd.DataFrame:
    """List how each fold learned.

    Returns
    -------
    DataFrame
        Columns fold, epoch, loss, accuracy, val_loss, val_accuracy; `val` is the validation part where
        training held one back, else the part left out of the fold, watched and never used to choose,
        NaN where it was not watched; epoch 0 is the untrained network.
    """
    columns = ["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    nothing = Quality(float("nan"), float("nan"))
    rows = []
    for result in results:
        epochs = [(event.epoch, event.train, event.watched or nothing) for event in result.history]
        if result.untrained_train and not any(epoch == 0 for epoch, _, _ in epochs):
            watched = result.untrained_validation or result.untrained_test or nothing
            epochs.insert(0, (0, result.untrained_train, watched))
        for epoch, train, test in epochs:
            rows.append((result.fold, epoch, train.loss, train.accuracy, test.loss, test.accuracy))
    return pd.DataFrame(rows, columns=columns).astype({"fold": np.int64, "epoch": np.int64})


def _require_some(results: Sequence[FoldResult]) -> None:
    if not results:
        raise InputError(
            "At least one fold must have ended before there is a score, found none. "
            "Let training run until the first fold is done."
        )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _mean_quality(parts: Sequence[Quality | None]) -> Quality | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Quality(_mean([part.loss for part in known]), _mean([part.accuracy for part in known]))


def _without_nan(value: Any) -> Any:
    """Replace numbers that JSON cannot say by None, all the way down."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
