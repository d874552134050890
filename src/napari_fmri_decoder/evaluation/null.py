"""What a score is worth: the dummy and linear baselines, and permutation of the blocks' labels.

Both are generators of small events, so that they show progress and stop between two steps; the last
event carries the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.exchanges import n_exchanges as n_exchanges
from napari_fmri_decoder.evaluation.exchanges import permute_labels as permute_labels
from napari_fmri_decoder.evaluation.exchanges import scored_permutations
from napari_fmri_decoder.evaluation.scores import Permutation, headline_of, score_folds
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult, Note
from napari_fmri_decoder.training.events import Progress as Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig
    from napari_fmri_decoder.training.tasks import Tasks

BASELINES: dict[str, dict[str, str]] = {
    "dummy": {"name": "dummy"},
    "linear": {"name": "linear", "loss": "logistic", "C": "nested"},
}
"""What stands beside every network; C is chosen inside each training part, by whole runs."""


@dataclass(frozen=True, slots=True)
class BaselinesDone:
    """The headline score of "dummy" and "linear"."""

    scores: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class PermutationsDone:
    """What the exchanged labels gave: (n,) float64 scores, beside that of the true labels."""

    scores: NDArray[np.float64]
    observed: float
    summary: Permutation


def baselines(samples: Samples, splits: Sequence[Split], config: TrainingConfig) -> dict[str, float]:
    """Score "dummy" and "linear" in the same folds; see `baseline_events`, which this runs to its end."""
    scores: dict[str, float] = {}
    for event in baseline_events(samples, splits, config):
        if isinstance(event, BaselinesDone):
            scores = event.scores
    return scores


def baseline_events(
    samples: Samples, splits: Sequence[Split], config: TrainingConfig, tasks: Tasks | None = None
) -> Iterator[Progress | Note | BaselinesDone]:
    """Score a guess that looks at no voxel, and a logistic regression, in the same folds.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    config : TrainingConfig
        Of the decoder that they stand beside: seed, threads, screening and class balance are taken from
        it. Options that it selects are the decoder's own, and a baseline has no epochs.
    tasks : Tasks, optional
        Where folds that are done are kept, and the workers that share them.

    Yields
    ------
    Progress, Note
    BaselinesDone
        Last. Scores are the headline one: the balanced accuracy where classes differ in size.

    Notes
    -----
    The penalty of the regression is chosen in each fold inside the training part, by whole runs, so
    that the samples left out have no say in it (Varoquaux et al. 2017,
    doi:10.1016/j.neuroimage.2016.10.038).
    """
    measure = headline_of(samples)
    config = config.model_copy(update={"select": {}})  # names options of the decoder
    scores = {}
    for i, (name, options) in enumerate(BASELINES.items()):
        here = Progress("baselines", i, len(BASELINES))
        results = yield from _run(get_decoder(options), samples, splits, config, here, tasks)
        scores[name] = score_folds(results, samples).by_name(measure)
    yield Progress("baselines", len(BASELINES), len(BASELINES))
    yield BaselinesDone(scores)


def permutation_test(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    *,
    permutations: int,
    observed: float,
    tasks: Tasks | None = None,
) -> Iterator[Progress | Note | PermutationsDone]:
    """Fit everything again under exchanged labels, many times.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
        With the true labels.
    splits : sequence of Split
    config : TrainingConfig
    permutations : int
        How often.
    observed : float
        Headline score under the true labels.
    tasks : Tasks, optional
        Where permutations that are done are kept, and the workers that share them.

    Yields
    ------
    Progress, Note
    PermutationsDone
        Last; p = (b + 1) / (n + 1), b of the n permutations scoring at least as well as the true
        labels (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585). Labels are exchanged once per
        permutation for all folds (Etzel and Braver 2013, doi:10.1109/PRNI.2013.44).

    Raises
    ------
    InputError
        If no run has blocks of two labels, so that nothing can be exchanged.
    """
    ways = check_exchanges(samples)
    if ways < permutations:
        yield Note(
            f"Only {ways} labellings of the blocks are possible, fewer than the {permutations} permutations: "
            f"p cannot fall far below {1 / ways:.3g}."
        )
    scores = np.full(permutations, np.nan)
    yield Progress("permutations", 0, permutations)
    events = scored_permutations(decoder, samples, splits, config, permutations, tasks)
    for event in events:
        if event is not None:
            scores[event.numbers - 1] = event.scores
        yield Progress("permutations", int(np.isfinite(scores).sum()), permutations)
    yield PermutationsDone(scores, observed, summarise(scores, observed))


def check_exchanges(samples: Samples) -> int:
    """Count the labellings that a permutation test can draw from.

    Raises
    ------
    InputError
        If there is none but the true one.
    """
    ways = n_exchanges(samples.table)
    if ways == 1:
        raise InputError(
            "A permutation test needs at least one run with blocks of two labels, found none: nothing can be "
            "exchanged within runs. Set permutations = 0, or give runs that hold more than one label."
        )
    return ways


def summarise(scores: NDArray[np.float64], observed: float) -> Permutation:
    """Give n, p and mean of null scores; equal scores count as at least as good.

    Examples
    --------
    >>> summarise(np.array([0.5, 0.6, 0.4]), 0.6).p
    0.5
    """
    as_good = int((scores >= observed - 1e-9).sum())
    n = len(scores)
    return Permutation(n=n, p=(as_good + 1) / (n + 1), mean=float(scores.mean()))


def _run(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: TrainingConfig,
    here: Progress,
    tasks: Tasks | None,
) -> Generator[Progress, None, list[FoldResult]]:
    """Cross-validate, with a place to stop at every event."""
    results = []
    for event in cross_validate(decoder, samples, splits, config, tasks=tasks):
        if isinstance(event, FoldDone):
            results.append(event.result)
        yield here
    return results
