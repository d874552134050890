"""Scores at many centers: the same decoder and folds, each center with its own voxels.

Work is divided into jobs of some centers and some permutations. The division depends on sizes alone, so that
a job gives the same numbers wherever and whenever it is computed.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.evaluation.permutation_scores import permuted_scores
from napari_fmri_decoder.evaluation.scores import Headline, headline_of, score_folds
from napari_fmri_decoder.generators import Steps, map_events, run_to_end
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.training.tasks.store import TaskStore, read_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.centers.center_sets import CenterSets
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.tasks import Tasks

CENTERS = 512
"""Centers of a job whose decoder is fitted at many centers at once."""
PERMUTATIONS = 8
"""Permutations of a job."""
FEWEST = 2
"""Fewer voxels that vary are no pattern: such a center is skipped."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredCenters:
    """Scores of some centers under some labelings.

    Attributes
    ----------
    centers : (m,) int64 array
    numbers : (k,) int64 array
        Permutations; 0 is the true labels.
    scores : (k, m) float64 array
        Accuracy (mean over folds), or balanced accuracy if the classes differ in size.
    counted : bool
        Whether their number was reported before, while they were computed.
    """

    centers: NDArray[np.int64]
    numbers: NDArray[np.int64]
    scores: NDArray[np.float64]
    counted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    name: str
    centers: NDArray[np.int64]
    numbers: NDArray[np.int64]


def skipped_centers(X: NDArray[np.float32], sets: CenterSets) -> tuple[str, ...]:
    """Why each center is skipped; "" if it is decoded.

    Parameters
    ----------
    X : (n, features) float32 array
    sets : CenterSets
    """
    varies = X.max(axis=0) > X.min(axis=0)
    totals = np.concatenate([[0], np.cumsum(varies[sets.features])])
    varying = totals[sets.offsets[1:]] - totals[sets.offsets[:-1]]
    return tuple(
        "" if n >= FEWEST else f"{n} of {size} voxels vary; a pattern has at least {FEWEST}"
        for n, size in zip(varying.tolist(), sets.sizes.tolist(), strict=True)
    )


def center_samples(samples: Samples, features: NDArray[np.int32]) -> Samples:
    """Samples with the voxels of one center alone, on the smallest grid that contains them."""
    voxels = np.argwhere(samples.space.mask)[features]
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    mask = np.zeros(tuple(high - low), dtype=bool)
    mask[tuple((voxels - low).T)] = True
    grid = samples.space.grid.crop(tuple(low.tolist()), tuple(high.tolist()))
    return replace(samples, X=samples.X[:, features], space=Space(grid, mask, samples.space.axis))


def score_centers(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    sets: CenterSets,
    centers: NDArray[np.int64],
    *,
    permutations: int = 0,
    tasks: Tasks | None = None,
) -> Iterator[ScoredCenters | int]:
    """Score centers under the true labels first, then under permuted labels.

    Parameters
    ----------
    decoder : Decoder
    samples : Samples
    splits : sequence of Split
    config : ResolvedTraining
    sets : CenterSets
    centers : (m,) int64 array
        Those to decode; see `skipped_centers`.
    permutations : int
        Number of permutations, each the same for all centers.
    tasks : Tasks, optional
        Stores completed jobs, and has the workers that share the others.

    Yields
    ------
    ScoredCenters or int
        An int is the number of scores that were computed since the last event; the work can stop there.
    """
    missing = []
    for job in _jobs(decoder, config, sets, centers, permutations):
        stored = tasks.store.read(job.name) if tasks is not None else None
        if stored is None:
            missing.append(job)
        else:
            yield ScoredCenters(job.centers, job.numbers, stored["scores"])
    if tasks is not None and tasks.pool is not None:
        calls = ((tasks.store.folder, decoder, config, _part(sets, job.centers), job) for job in missing)
        with closing(tasks.pool.imap(center_task, calls)) as results:
            for result in results:
                yield result or 0
        return
    for job in missing:
        steps = _scores(decoder, samples, splits, config, _part(sets, job.centers), job.numbers)
        scores = yield from steps
        if tasks is not None:
            tasks.store.write(job.name, {"scores": scores})
        yield ScoredCenters(job.centers, job.numbers, scores, counted=True)


def center_task(
    folder: Path, decoder: Decoder, config: ResolvedTraining, sets: Sequence[NDArray[np.int32]], job: _Job
) -> ScoredCenters:
    """Score the centers of a job with the samples of a store, and save them there: a task for a worker."""
    samples, splits = read_samples(folder)
    scores = run_to_end(_scores(decoder, samples, splits, config, sets, job.numbers))
    TaskStore(folder).write(job.name, {"scores": scores})
    return ScoredCenters(job.centers, job.numbers, scores)


def _jobs(
    decoder: Decoder,
    config: ResolvedTraining,
    sets: CenterSets,
    centers: NDArray[np.int64],
    permutations: int,
) -> list[_Job]:
    """Divide the work: jobs of the true labels come first."""
    stacked = centers[sets.sizes[centers] <= _largest(decoder, config)]
    parts = [stacked[i : i + CENTERS] for i in range(0, len(stacked), CENTERS)]
    parts += list(np.setdiff1d(centers, stacked)[:, None])
    numbers = [np.array([0])]
    numbers += [
        np.arange(i, min(i + PERMUTATIONS, permutations + 1))
        for i in range(1, permutations + 1, PERMUTATIONS)
    ]
    options = [decoder.model_dump(mode="json"), config.model_dump(mode="json")]
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    digest.update(sets.features.tobytes() + sets.offsets.tobytes())
    name = f"where-{digest.hexdigest()[:12]}"
    return [
        _Job(f"{name}-center{part[0]}-{len(part)}-permutation{some[0]}-{len(some)}", part, some)
        for some in numbers
        for part in parts
    ]


def _part(sets: CenterSets, centers: NDArray[np.int64]) -> list[NDArray[np.int32]]:
    return [sets.of(center) for center in centers.tolist()]


def _largest(decoder: Decoder, config: ResolvedTraining) -> int:
    """Voxels up to which a center is decoded together with others; 0 if never."""
    if decoder.layout != "vector" or config.screening or config.whiten or config.balance != "none":
        return 0
    from napari_fmri_decoder.training.stacks import can_stack
    from napari_fmri_decoder.training.stacks.predicting import LARGEST

    return LARGEST if can_stack(decoder) else 0


def _scores(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    sets: Sequence[NDArray[np.int32]],
    numbers: NDArray[np.int64],
) -> Steps[int, NDArray[np.float64]]:
    """Score centers under some labelings, (labelings, centers); yield the number of new scores."""
    if max(map(len, sets)) <= _largest(decoder, config):
        return (yield from _stacked_scores(decoder, samples, splits, config, sets, numbers))
    scores = np.empty((len(numbers), len(sets)))
    for i, features in enumerate(sets):
        of_center = center_samples(samples, features)
        if numbers[0]:
            steps = permuted_scores(decoder, of_center, splits, config, numbers.tolist())
            scores[:, i] = yield from map_events(steps, lambda _: 0)
        else:
            folds = []
            for event in cross_validate(decoder, of_center, splits, config):
                if isinstance(event, FoldDone):
                    folds.append(event.result)
                yield 0
            scores[0, i] = score_folds(folds, of_center).score
        yield len(numbers)
    return scores


def _stacked_scores(
    decoder: Decoder,
    samples: Samples,
    splits: Sequence[Split],
    config: ResolvedTraining,
    sets: Sequence[NDArray[np.int32]],
    numbers: NDArray[np.int64],
) -> Steps[int, NDArray[np.float64]]:
    import torch

    from napari_fmri_decoder.training.stacks import predict_stacked
    from napari_fmri_decoder.training.stacks.stack import make_folds

    measure, n_classes = headline_of(samples), len(samples.classes)
    scores = np.empty((len(numbers), len(sets)))
    folds = make_folds(samples.X, samples.y, n_classes, splits)
    for row, number in enumerate(numbers.tolist()):
        y = permuted(samples, config.seed, number).y if number else samples.y
        of_labels = replace(folds, y=torch.from_numpy(y))
        for centers, predicted in predict_stacked(decoder, samples.X, of_labels, sets):
            scores[row, centers] = scores_of(
                predicted, [y[split.test] for split in splits], measure, n_classes
            )
            yield len(centers)
    return scores


def scores_of(
    predicted: Sequence[NDArray[np.int64]],
    truth: Sequence[NDArray[np.int64]],
    measure: Headline,
    n_classes: int,
) -> NDArray[np.float64]:
    """Headline scores of many centers.

    Parameters
    ----------
    predicted : sequence of (center, test samples) int64 array
        One per fold.
    truth : sequence of (test samples,) int64 array
    measure : {"accuracy", "balanced_accuracy"}
    n_classes : int

    Returns
    -------
    (center,) float64 array
        The mean over folds of the accuracy, or the mean over classes of the fraction that is predicted
        correctly in all folds.
    """
    hits = [guess == y for guess, y in zip(predicted, truth, strict=True)]
    if measure == "accuracy":
        return np.asarray(np.mean([hit.mean(axis=1) for hit in hits], axis=0))
    together, y = np.concatenate(hits, axis=1), np.concatenate(truth)
    recalls = [together[:, y == k].mean(axis=1) for k in range(n_classes) if (y == k).any()]
    return np.asarray(np.mean(recalls, axis=0))
