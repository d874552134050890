"""Checks for runs that are copies of one another, also with noise added, smoothed or rescaled.

Two independent runs share a design, and so the responses to it, but not their noise. What the classes have in
common is therefore removed first; what remains of two runs correlates only if one was made from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_fmri_decoder.samples.audit.findings import AuditInput, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

RUN_CORRELATION = 0.5
"""Runs with a higher correlation may be copies."""
DEVIATIONS = 5.0
"""So many standard deviations of the correlations of all pairs of runs, at all shifts, must a copy exceed."""
CELL_MM = 12.0
"""Size of the cells over which voxels are averaged, so that a smoothed copy is still alike."""
_MOST_VOXELS = 4096
_ROWS = 64
_MIN_CELLS = 50
_MIN_CELL_SAMPLES = 4
_MIN_VOLUMES = 8
_MIN_OVERLAP = 0.5
_MIN_CORRELATIONS = 20
_LARGEST_R = 0.995
"""Runs that are so alike are copies, however few volumes they have."""
_MEDIAN_OF_NORMAL = 0.6745
"""Median of the absolute values of a standard normal variable."""


@dataclass(frozen=True, slots=True)
class RunPair:
    """Two runs, and how similar they are.

    Attributes
    ----------
    first, second : str
        As in `Samples.groups`.
    correlation : float
        Over volumes and voxels, without what the classes have in common, at the shift where it is highest.
    copied : bool
        Whether it is too high for independent runs.
    """

    first: str
    second: str
    correlation: float
    copied: bool


@check("run-copied", "error")
def _run_copied(data: AuditInput) -> str | None:
    groups = data.samples.groups
    copied = [pair for pair in compare_runs(data.samples) if pair.copied]
    separated = [pair for pair in copied if any(_separates(groups, split, pair) for split in data.splits)]
    if not separated:
        return None
    listed = "; ".join(
        f"runs {pair.first} and {pair.second} are alike (r = {pair.correlation:.2f})"
        for pair in separated[:4]
    )
    more = f"; and {len(separated) - 4} more pairs" if len(separated) > 4 else ""
    return (
        f"{listed[0].upper()}{listed[1:]}{more}, beyond what their classes have in common, and a split "
        "trains on one and tests on the other. Independent runs do not share their noise: one is probably "
        "a copy of the other, perhaps smoothed, rescaled or with noise. Remove the copy."
    )


def later_copied_runs(samples: Samples) -> list[str]:
    """Find runs that are copies of an earlier one; without them, there are none."""
    return list(dict.fromkeys(pair.second for pair in compare_runs(samples) if pair.copied))


def compare_runs(samples: Samples) -> list[RunPair]:
    """Correlate every two runs, also runs of different subjects or sessions.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    list of RunPair
        The highest of the correlations over voxels and over cells of 12 mm; without pairs that have too few
        volumes in common.

    Notes
    -----
    At most 4,096 voxels, evenly spaced in the mask, are compared. The mean of each run, and the mean over all
    runs of each class (where there are enough samples: of each class at each volume of its block) are
    subtracted. Runs are compared at every shift in time at which at least half of the volumes overlap. The
    correlations of independent runs, from all pairs and shifts, set the threshold, because they vary more if
    there are few voxels and volumes.
    """
    found: dict[tuple[str, str], RunPair] = {}
    for X in _views(samples):
        for pair in _compare(X, samples):
            key = pair.first, pair.second
            known = found.get(key, pair)
            found[key] = max(known, pair, key=lambda p: (p.copied, p.correlation))
    return list(found.values())


def _views(samples: Samples) -> Iterator[NDArray[np.float64]]:
    """Some of the voxels, and means over cells of voxels."""
    n_features = samples.X.shape[1]
    step = -(-n_features // _MOST_VOXELS)
    yield samples.X[:, ::step].astype(np.float64)
    sides = samples.space.grid.voxel_size
    cells = np.argwhere(samples.space.mask) // np.maximum(np.round(CELL_MM / sides), 1).astype(np.int64)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    cell = cell.ravel()
    if not _MIN_CELLS <= cell.max() + 1 < n_features:
        return
    n_cells = int(cell.max()) + 1
    weights = 1 / np.bincount(cell)[cell]
    average = sparse.csr_matrix((weights, (cell, np.arange(n_features))), (n_cells, n_features))
    means = np.empty((len(samples.X), n_cells))
    for rows in np.array_split(np.arange(len(means)), -(-len(means) // _ROWS)):
        means[rows] = (average @ samples.X[rows].T).T
    yield means


def _compare(X: NDArray[np.float64], samples: Samples) -> list[RunPair]:
    """Correlate every two runs at the shift where they are most alike."""
    groups, volumes = samples.groups, samples.table["volume"].to_numpy()
    runs = {run: np.flatnonzero(groups == run) for run in dict.fromkeys(groups.tolist())}
    noise = _without_design(X, samples, list(runs.values()))
    best: dict[tuple[str, str], tuple[float, float]] = {}
    every = [np.zeros(0)]
    for first, second in combinations(runs, 2):
        r, overlap = _by_shift(noise, volumes, runs[first], runs[second])
        if len(r):
            z = np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R)) * np.sqrt(overlap)
            best[first, second] = float(r[z.argmax()]), float(z.max())
            every.append(z)
    least = DEVIATIONS * _spread(np.concatenate(every))
    return [
        RunPair(*pair, r, r >= RUN_CORRELATION and (z >= least or r >= _LARGEST_R))
        for pair, (r, z) in best.items()
    ]


def _spread(z: NDArray[np.float64]) -> float:
    """Standard deviation of z of independent runs; a few of the values may be those of copies."""
    if len(z) < _MIN_CORRELATIONS:
        return 1.0
    return float(np.median(np.abs(z))) / _MEDIAN_OF_NORMAL


def _without_design(
    X: NDArray[np.float64], samples: Samples, runs: list[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Subtract the mean of each run, and over runs that of each class at each volume of its block."""
    noise = X.copy()
    for rows in runs:
        noise[rows] -= noise[rows].mean(axis=0)
    block = samples.table["block"].to_numpy()
    _, first, of_block = np.unique(block, return_index=True, return_inverse=True)
    in_block = np.arange(len(block)) - first[of_block]
    cell = np.unique(np.column_stack([samples.y, in_block]), axis=0, return_inverse=True)[1].ravel()
    if np.bincount(cell).min() < _MIN_CELL_SAMPLES:
        cell = samples.y
    for code in range(cell.max() + 1):
        rows = cell == code
        if rows.any():
            noise[rows] -= noise[rows].mean(axis=0)
    for rows in runs:
        scale = noise[rows].std(axis=0)
        noise[rows] /= np.where(scale > 0, scale, 1.0)
    return noise


def _by_shift(
    noise: NDArray[np.float64],
    volumes: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Correlations of two runs at every shift of their volumes with enough overlap, and the overlaps."""
    shift = volumes[second][None, :] - volumes[first][:, None]
    shift = (shift - shift.min()).ravel()
    overlap = np.bincount(shift)
    enough = overlap >= max(_MIN_OVERLAP * min(len(first), len(second)), _MIN_VOLUMES)
    A, B = noise[first], noise[second]
    products = np.bincount(shift, (A @ B.T).ravel())[enough]
    of_first = np.bincount(shift, np.repeat((A**2).sum(axis=1), len(second)))[enough]
    of_second = np.bincount(shift, np.tile((B**2).sum(axis=1), len(first)))[enough]
    lengths = np.sqrt(of_first * of_second)
    return products / np.where(lengths > 0, lengths, 1.0), overlap[enough]


def _separates(groups: NDArray[np.str_], split: Split, pair: RunPair) -> bool:
    """Whether one of two runs is in the training set, and the other in the test set."""
    trained, tested = groups[split.train], groups[split.test]
    return any(
        a in trained and b in tested for a, b in ((pair.first, pair.second), (pair.second, pair.first))
    )
