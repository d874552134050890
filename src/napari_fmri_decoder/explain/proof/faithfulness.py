"""Faithfulness: voxels with high values must matter more to the network than those of a shifted map.

Voxels are replaced (deletion), or all others are (insertion), those with the highest values first: Petsiuk,
V., Das, A. and Saenko, K. (2018), "RISE", arXiv:1806.07421. A shifted copy of the map is as smooth as
the map; white noise would be too easy to beat.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.explain.evidence import logits_of
from napari_fmri_decoder.explain.proof.maps import Case, feature_maps, spread_over
from napari_fmri_decoder.explain.proof.result import Check
from napari_fmri_decoder.explain.proof.thresholds import ALPHA, REMOVED
from napari_fmri_decoder.training.events import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel, FoldResult


def faithfulness(case: Case) -> Generator[Progress, None, Check]:
    """Test insertion minus deletion of the map against shifted copies of it, on held-out samples."""
    rng = np.random.default_rng(case.config.seed)
    offsets = shift_offsets(case.samples.space, case.config.shifts, rng)
    totals, n = np.zeros(1 + len(offsets)), 0
    for done, fold in enumerate(case.folds):
        yield Progress("faithfulness", done, len(case.folds))
        for row, values in _maps_of(case, fold):
            copies = np.vstack([values, shifted_copies(values, case.samples.space, offsets)])
            for replacement in _replacements(case, fold, row, rng):
                totals += _advantage(case, fold.model, row, replacement, copies)
                n += 1
                yield Progress("faithfulness", done, len(case.folds))
    p = float((totals >= totals[0]).sum() / len(totals))
    detail = (
        f"p of insertion minus deletion against {len(offsets)} shifted copies of the map: "
        f"{totals[0] / n:.3g} log odds, copies {totals[1:].mean() / n:.3g}"
    )
    return Check("faithfulness", p < ALPHA, p, f"< {ALPHA:g}", detail)


def shift_offsets(space: Space, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw different shifts in voxels, (n, 3), without the shift by nothing; all if there are fewer."""
    numbers = rng.permutation(np.arange(1, space.mask.size))[:n]
    return np.stack(np.unravel_index(numbers, space.grid.shape), axis=1)


def shifted_copies(
    values: NDArray[np.float64], space: Space, offsets: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Shift a map around the slab, (copies, features); what leaves at one side enters at the other.

    Voxels outside the mask first get the value of the nearest voxel of the mask.
    """
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(
        ~space.mask, sampling=space.grid.voxel_size, return_distances=False, return_indices=True
    )
    volume = space.paint(values, fill=0.0)[tuple(nearest)]
    return np.stack([np.roll(volume, offset, axis=(0, 1, 2))[space.mask] for offset in offsets])


def _maps_of(case: Case, fold: FoldResult) -> list[tuple[int, NDArray[np.float64]]]:
    """Held-out rows of a fold with the map of their class, (features,)."""
    test, samples = fold.split.test, case.samples
    rows = spread_over(test, samples.y[test], max(1, case.config.volumes // len(case.folds)))
    if case.method.per_sample:
        maps = feature_maps(case.method, fold.model, samples.X[rows], samples.space)
        return [(int(row), maps[i, samples.y[row]]) for i, row in enumerate(rows)]
    of_classes = case.map_of(fold.model, case.explained_rows(fold))
    return [(int(row), of_classes[samples.y[row]]) for row in rows]


def _replacements(
    case: Case, fold: FoldResult, row: int, rng: np.random.Generator
) -> list[NDArray[np.float32]]:
    """The training mean, and a training sample of another run."""
    samples, train = case.samples, fold.split.train
    others = train[samples.groups[train] != samples.groups[row]]
    found = [samples.X[train].mean(axis=0)]
    return [*found, samples.X[rng.choice(others)]] if len(others) else found


def _advantage(
    case: Case, model: FittedModel, row: int, replacement: NDArray[np.float32], maps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log odds of the true class after insertion minus those after deletion, mean over sizes, (maps,)."""
    x, k, space = case.samples.X[row], int(case.samples.y[row]), case.samples.space
    order = np.argsort(-maps, axis=1, kind="stable")
    total = np.zeros(len(maps))
    for part in REMOVED:
        top = np.zeros(maps.shape, dtype=bool)
        np.put_along_axis(top, order[:, : max(1, round(part * maps.shape[1]))], True, axis=1)
        inserted, deleted = (
            logits_of(model, np.where(top, a, b), space) for a, b in ((x, replacement), (replacement, x))
        )
        total += log_odds(inserted, k) - log_odds(deleted, k)
    return total / len(REMOVED)


def log_odds(logits: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """Log odds of class k, (n,), from (n, classes) logits."""
    from scipy.special import logsumexp

    others = np.delete(logits.astype(np.float64), k, axis=1)
    return np.asarray(logits[:, k] - logsumexp(others, axis=1))
