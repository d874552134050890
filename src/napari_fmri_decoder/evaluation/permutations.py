"""The permutation test: the true score against the scores under permuted block labels.

A generator of small events, so that it shows progress and can stop between two steps; the last event
has the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.label_permutation import n_permutations
from napari_fmri_decoder.evaluation.permutation_scores import scored_permutations
from napari_fmri_decoder.evaluation.scores import Permutation
from napari_fmri_decoder.training.events import Note, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.tasks import Tasks


@dataclass(frozen=True, slots=True, eq=False)
class PermutationsDone:
    """Scores under permuted labels, (n,) float64, and the score of the true labels."""

    scores: NDArray[np.float64]
    observed: float
    summary: Permutation


def permutation_test(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    *,
    permutations: int,
    observed: float,
    tasks: Tasks | None = None,
) -> Iterator[Progress | Note | PermutationsDone]:
    """Repeat all fits under permuted labels.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
        With the true labels.
    splits : sequence of Split
    config : ResolvedTraining
    permutations : int
        Number of permutations.
    observed : float
        Headline score under the true labels.
    tasks : Tasks, optional
        Stores finished permutations, and has the workers that share the rest.

    Yields
    ------
    Progress, Note
    PermutationsDone
        Last; p = (b + 1) / (n + 1), where b of the n permutations score at least as well as the true
        labels (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585). Each permutation permutes the labels
        once for all folds (Etzel and Braver 2013, doi:10.1109/PRNI.2013.44).

    Raises
    ------
    InputError
        If no run has blocks with different labels, so that nothing can be permuted.
    """
    possible = check_permutable(samples)
    if possible < permutations:
        yield Note(
            f"Only {possible} labelings of the blocks are possible, fewer than the {permutations} "
            f"permutations: p cannot be much smaller than {1 / possible:.3g}."
        )
    scores = np.full(permutations, np.nan)
    yield Progress("permutations", 0, permutations)
    for event in scored_permutations(decoder, samples, splits, config, permutations, tasks):
        if event is not None:
            scores[event.numbers - 1] = event.scores
        yield Progress("permutations", int(np.isfinite(scores).sum()), permutations)
    yield PermutationsDone(scores, observed, summarize(scores, observed))


def check_permutable(samples: Samples) -> int:
    """Count the labelings that a permutation test can draw from.

    Raises
    ------
    InputError
        If the true labeling is the only one.
    """
    possible = n_permutations(samples.table)
    if possible == 1:
        raise InputError(
            "A permutation test needs at least one run that has blocks with different labels, but no run "
            "has: nothing can be permuted within runs. Set permutations = 0, or use runs that contain "
            "more than one label."
        )
    return possible


def summarize(scores: NDArray[np.float64], observed: float) -> Permutation:
    """Compute number, p value and mean of null scores; scores equal to `observed` count as at least as good.

    Examples
    --------
    >>> summarize(np.array([0.5, 0.6, 0.4]), 0.6).p
    0.5
    """
    at_least_as_good = int((scores >= observed - 1e-9).sum())
    n = len(scores)
    return Permutation(n=n, p=(at_least_as_good + 1) / (n + 1), mean=float(scores.mean()))
