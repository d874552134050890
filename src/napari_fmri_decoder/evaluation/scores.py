"""Scores of the folds: accuracies, losses and confusion matrices (scores.json)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_fmri_decoder.evaluation.calibration import Calibration, calibration_of
from napari_fmri_decoder.evaluation.json_values import finite_or_none
from napari_fmri_decoder.evaluation.measures import (
    ClassScore,
    accuracy,
    balanced_accuracy,
    confusion,
    per_class,
    require_folds,
)
from napari_fmri_decoder.training.events import FoldResult, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.evaluation.best_of import BestOf
    from napari_fmri_decoder.evaluation.compared import Compared, SeedSpread
    from napari_fmri_decoder.evaluation.data_summary import DataSummary
    from napari_fmri_decoder.evaluation.lag_curve import LagCurve
    from napari_fmri_decoder.evaluation.nuisance_test import NuisanceTest
    from napari_fmri_decoder.evaluation.sign_test import PairedTest
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.samples import Samples

Headline = Literal["accuracy", "balanced_accuracy"]
"""The main score of the report: the balanced accuracy if the classes differ in size."""


@dataclass(frozen=True, slots=True)
class FoldScore:
    """One fold: number of samples in its training and test set, and its scores on both."""

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
    """The permutation test: number of permutations, p value, and mean score under permuted labels."""

    n: int
    p: float
    mean: float


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The contents of `scores.json`; losses are mean cross-entropies in nats.

    Attributes
    ----------
    headline : {"accuracy", "balanced_accuracy"}
        The main score, also that of `baseline` and `permutation`.
    accuracy, loss, train_accuracy, train_loss : float
        Means over folds.
    balanced_accuracy : float
        Mean recall over classes, over the test sets of all folds together.
    folds : tuple of FoldScore
    untrained_train, untrained_test : Quality or None
        Before training, means over folds.
    classes : tuple of str
    per_class : tuple of ClassScore
    confusion, train_confusion : (classes, classes) int64 array
        Counts over all folds; rows are true, columns predicted classes.
    n_samples : int
    baseline : dict of str to float
        Headline score of "dummy", "lda" and "linear" on the same folds.
    run_baselines : dict of str to dict of str to float
        The same in the held-out samples of each run, by run.
    versus_baseline : PairedTest or None
        Comparison with the better linear baseline; None if it is the decoder, or there is none.
    baseline_by_run : float or None
        Of "linear" with each run held out, if the splits divide runs: how much that inflates a score.
    calibration : Calibration or None
        Over the test sets of all folds together; None for runs of earlier versions.
    baseline_calibration : dict of str to Calibration
        Of "lda" and "linear".
    directions : dict of str to float
        Of cross-decoding: the headline score by where it trains and tests.
    lag : LagCurve or None
        Accuracy by the lag of the labels, if it was measured.
    compared : tuple of Compared
        Other decoders on the same folds.
    data : DataSummary or None
        None for runs of earlier versions.
    permutation : Permutation or None
    best_of : BestOf or None
        The best of the compared decoders, with a p value that counts the choice.
    nuisance : NuisanceTest or None
        Scores of decoding from motion, time and other nuisance variables; None for runs of earlier versions.
    seeds : SeedSpread or None
    audit : tuple of Finding
    notes : tuple of str
        Preprocessing, doubts about the data, and exclusions, in sentences.
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
    run_baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    versus_baseline: PairedTest | None = None
    baseline_by_run: float | None = None
    calibration: Calibration | None = None
    baseline_calibration: dict[str, Calibration] = field(default_factory=dict)
    directions: dict[str, float] = field(default_factory=dict)
    lag: LagCurve | None = None
    compared: tuple[Compared, ...] = ()
    permutation: Permutation | None = None
    best_of: BestOf | None = None
    data: DataSummary | None = None
    nuisance: NuisanceTest | None = None
    seeds: SeedSpread | None = None
    audit: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def chance(self) -> float:
        """The score of guessing: 1 / number of classes."""
        return 1 / len(self.classes)

    @property
    def score(self) -> float:
        """The headline score."""
        return self.by_name(self.headline)

    def by_name(self, headline: Headline) -> float:
        """The accuracy or the balanced accuracy."""
        return self.balanced_accuracy if headline == "balanced_accuracy" else self.accuracy

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `scores.json`; numbers that are not finite become null."""
        train, test = self.untrained_train, self.untrained_test
        untrained = {"train": asdict(train), "test": asdict(test)} if train and test else None
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
            "run_baselines": self.run_baselines,
            "versus_baseline": asdict(self.versus_baseline) if self.versus_baseline else None,
            "baseline_by_run": self.baseline_by_run,
            "calibration": asdict(self.calibration) if self.calibration else None,
            "baseline_calibration": {name: asdict(one) for name, one in self.baseline_calibration.items()},
            "directions": dict(self.directions),
            "lag": asdict(self.lag) if self.lag else None,
            "compared": [asdict(other) for other in self.compared],
            "nuisance": asdict(self.nuisance) if self.nuisance else None,
            "permutation": asdict(self.permutation) if self.permutation else None,
            "best_of": asdict(self.best_of) if self.best_of else None,
            "seeds": asdict(self.seeds) if self.seeds else None,
            "data": asdict(self.data) if self.data else None,
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
        return dict(finite_or_none(content))


def score_folds(results: Sequence[FoldResult], samples: Samples) -> Scores:
    """Score the folds of one cross-validation.

    Parameters
    ----------
    results : sequence of FoldResult
    samples : Samples
        The samples that the folds divide.

    Returns
    -------
    Scores
        Without baseline, permutation, audit and seconds: `dataclasses.replace` sets them.

    Raises
    ------
    InputError
        If there are no results.
    """
    require_folds(results)
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
    headline = headline_of(samples)
    return Scores(
        headline=headline,
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
        directions=_directions(results, tests, headline),
        calibration=calibration_of(results, samples),
    )


def confusion_score(folds: Sequence[NDArray[np.int64]], headline: Headline) -> float:
    """Compute the main score of folds from their confusion matrices: mean accuracy, or that of their sum."""
    if headline == "balanced_accuracy":
        return balanced_accuracy(np.sum(folds, axis=0))
    return _mean([accuracy(fold) for fold in folds])


def _directions(
    results: Sequence[FoldResult], tests: Sequence[NDArray[np.int64]], headline: Headline
) -> dict[str, float]:
    """Score each direction of cross-decoding, from the confusion matrices of the folds."""
    counts: dict[str, list[NDArray[np.int64]]] = {}
    for result, test in zip(results, tests, strict=True):
        if result.split.direction:
            counts.setdefault(result.split.direction, []).append(test)
    return {direction: confusion_score(folds, headline) for direction, folds in counts.items()}


def headline_of(samples: Samples) -> Headline:
    """Choose the main score: the accuracy if all classes have the same size, else the balanced accuracy."""
    sizes = np.bincount(samples.y, minlength=len(samples.classes))
    return "accuracy" if len(set(sizes.tolist())) == 1 else "balanced_accuracy"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _mean_quality(parts: Sequence[Quality | None]) -> Quality | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Quality(_mean([part.loss for part in known]), _mean([part.accuracy for part in known]))
