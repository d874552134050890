"""Checks for information that the training and the test set share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_fmri_decoder.samples.audit.findings import AuditInput, check
from napari_fmri_decoder.samples.scaling import scaled_over_runs

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

COPY_CORRELATION = 0.999
"""Patterns with a higher correlation are treated as copies."""
MIN_FEATURES = 20
"""Smallest number of features for comparing patterns: with fewer, they can be similar by chance."""
_CHUNK = 2048
_N_DIRECTIONS = 16


@check("run-in-both-parts", "error")
def _run_in_both_parts(data: AuditInput) -> str | None:
    groups, blocks = data.samples.groups, data.samples.table["block"].to_numpy()
    shared = [(_count_shared(groups, split), _count_shared(blocks, split), split) for split in data.splits]
    runs, shared_blocks, worst = max(shared, key=lambda s: (s[0], s[1]))
    if not runs:
        return None
    n_splits = sum(1 for n, _, _ in shared if n)
    near = _count_near(groups, data.samples.volumes, worst, data.neighbors)
    unit = "volumes" if data.samples.averaged is None else "samples"
    neighbors = (
        f", and {near} of {len(worst.test)} test {unit} have a training one within {data.neighbors} volumes"
        if data.neighbors
        else ""
    )
    return (
        f"{runs} of {len(set(groups.tolist()))} runs and {shared_blocks} of {len(set(blocks.tolist()))} "
        f"blocks are in both the training and the test set of {worst.name!r}{neighbors} ({n_splits} of "
        f"{len(shared)} splits are affected). Volumes of one run are similar regardless of their label. "
        "Use leave-one-run-out."
    )


@check("neighbours-across-split", "error")
def _neighbours_across_split(data: AuditInput) -> str | None:
    groups, volumes = data.samples.groups, data.samples.volumes
    near = {split.name: _count_near(groups, volumes, split, data.neighbors) for split in data.splits}
    worst = max(near, key=lambda name: near[name])
    if not near[worst]:
        return None
    n_test = next(len(split.test) for split in data.splits if split.name == worst)
    return (
        f"{near[worst]} of {n_test} test samples of {worst!r} have a training sample within "
        f"{data.neighbors} volumes in the same run, the duration of the hemodynamic response. Hold out whole "
        "runs."
    )


@check("neighbours-across-runs", "warning")
def _neighbours_across_runs(data: AuditInput) -> str | None:
    if data.recording is None:
        return None
    groups, volumes = data.samples.groups, data.samples.volumes
    recording = data.recording[data.samples.table["volume"].to_numpy()].astype(str)
    near: dict[str, tuple[int, int]] = {}
    for split in data.splits:
        # runs that are in both sets are reported by another check
        in_whole_runs = split.test[~np.isin(groups[split.test], groups[split.train])]
        of_whole_runs = replace(split, test=in_whole_runs)
        near[split.name] = _count_near(recording, volumes, of_whole_runs, data.neighbors), len(split.test)
    worst = max(near, key=lambda name: near[name][0])
    n, n_test = near[worst]
    if not n:
        return None
    return (
        f"{n} of {n_test} test samples of {worst!r} have a training sample within {data.neighbors} volumes "
        "in the next run of the same file. If the runs are parts of one recording, they share a "
        "hemodynamic response: drop labels at their edges. If they were recorded separately and joined in "
        "one file, nothing is shared."
    )


@check("duplicate-volumes", "error")
def _duplicate_volumes(data: AuditInput) -> str | None:
    hashes = _hashes(data.samples.X)
    copies = np.unique(
        np.concatenate(
            [split.test[np.isin(hashes[split.test], hashes[split.train])] for split in data.splits]
        )
    )
    if not len(copies):
        return None
    return (
        f"{len(copies)} of {len(data.samples.X)} test samples have an exact copy in the training set, such "
        f"as {_list_volumes(data, copies)}. Remove files that are listed twice."
    )


@check("near-duplicate-volumes", "error")
def _near_duplicate_volumes(data: AuditInput) -> str | None:
    X = data.samples.X
    if X.shape[1] < MIN_FEATURES:
        return None
    pairs = _near_pairs(X)
    separated = np.zeros(len(X), dtype=bool)
    for split in data.splits:
        tested, trained = np.isin(pairs, split.test), np.isin(pairs, split.train)
        separated[pairs[tested & trained[:, ::-1]]] = True
    if not separated.any():
        return None
    return (
        f"{int(separated.sum())} of {len(X)} test samples have a training sample that correlates with them "
        f"above {COPY_CORRELATION}, such as {_list_volumes(data, np.flatnonzero(separated))}. Remove images "
        "that are listed twice, resampled or rescaled."
    )


@check("scaled-across-parts", "warning")
def _scaled_across_parts(data: AuditInput) -> str | None:
    samples = data.samples
    if scaled_over_runs(samples.X, samples.groups):
        over = f"all {len(samples.X)} samples"
    elif samples.came_scaled:
        over = "all volumes of the series, including excluded ones,"
    else:
        return None
    n_varying = int((samples.X.max(axis=0) > samples.X.min(axis=0)).sum())
    return (
        f"All {n_varying} voxels have mean 0 and standard deviation 1, or range from 0 to 1, over {over} "
        "but not within runs: they were scaled before the split, including the test sets. Use the unscaled "
        "images; each fold is scaled by its training set."
    )


@check("mask-from-test-data", "warning")
def _mask_from_test_data(data: AuditInput) -> str | None:
    strategies = sorted(set(data.mask.drawn_from_series() if data.mask else []))
    if not strategies:
        return None
    n_test = len(np.unique(np.concatenate([split.test for split in data.splits])))
    return (
        f"The mask ({', '.join(strategies)}) was computed from the whole series, including the {n_test} "
        "tested samples. It does not use labels, so the effect is small; to rule it out, make the mask from "
        "other images (an anatomy, a localizer, the training runs), save it, and use that file."
    )


def later_copies(samples: Samples) -> NDArray[np.int64]:
    """Find samples that are exact or near copies of an earlier one; without them, there are none.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    (n,) int64 array
        Rows, in increasing order.
    """
    X = samples.X
    _, first = np.unique(_hashes(X), return_index=True)
    exact = np.setdiff1d(np.arange(len(X)), first)
    near = _near_pairs(X)[:, 1] if X.shape[1] >= MIN_FEATURES else np.zeros(0, dtype=np.int64)
    return np.union1d(exact, near).astype(np.int64)


def _hashes(X: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.array([hash(row.tobytes()) for row in np.ascontiguousarray(X)], dtype=np.int64)


def _near_pairs(X: NDArray[np.float32]) -> NDArray[np.int64]:
    """(pairs, 2) near copies; exact copies are reported by another check."""
    pairs = near_copies(X)
    different = [not np.array_equal(X[i], X[j]) for i, j in pairs]
    return np.asarray(pairs[np.array(different, dtype=bool)], dtype=np.int64)


def near_copies(X: NDArray[np.float32]) -> NDArray[np.int64]:
    """Find pairs of samples that correlate above 0.999 after the mean of all samples is subtracted.

    Parameters
    ----------
    X : (n, features) float32 array

    Returns
    -------
    (pairs, 2) int64 array
        The smaller row first.

    Notes
    -----
    Unit vectors with correlation r have the distance sqrt(2 - 2 r). They are projected onto 16 random
    directions, in which a distance doubles with a probability of 1e-7; pairs that are near there are
    confirmed on all features.
    """
    n, n_features = X.shape
    sums, squares, projected = np.zeros(n), np.zeros(n), np.zeros((n, _N_DIRECTIONS))
    direction_sums = np.zeros(_N_DIRECTIONS)
    rng = np.random.default_rng(0)
    center = X.mean(axis=0, dtype=np.float64)
    for part, values in _centered_chunks(X, center):
        directions = rng.normal(size=(part.stop - part.start, _N_DIRECTIONS)) / np.sqrt(_N_DIRECTIONS)
        sums += values.sum(axis=1)
        squares += (values**2).sum(axis=1)
        projected += values @ directions
        direction_sums += directions.sum(axis=0)
    means = sums / n_features
    lengths = np.sqrt(np.maximum(squares - n_features * means**2, 0.0))
    nonzero = np.flatnonzero(lengths > 1e-6 * max(float(lengths.max()), 1e-30))
    units = (projected[nonzero] - means[nonzero, None] * direction_sums) / lengths[nonzero, None]
    near = cKDTree(units).query_pairs(2 * np.sqrt(2 - 2 * COPY_CORRELATION), output_type="ndarray")
    found = np.sort(nonzero[near].reshape(-1, 2), axis=1)
    products = np.zeros(len(found))
    for _, values in _centered_chunks(X, center):
        for rows in np.array_split(np.arange(len(found)), len(found) // 1024 + 1):
            products[rows] += (values[found[rows, 0]] * values[found[rows, 1]]).sum(axis=1)
    first, second = found.T
    r = (products - n_features * means[first] * means[second]) / (lengths[first] * lengths[second])
    return np.asarray(found[r > COPY_CORRELATION], dtype=np.int64)


def _centered_chunks(
    X: NDArray[np.float32], center: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Iterate over centered chunks of features, so that no second copy of X is in memory."""
    for start in range(0, X.shape[1], _CHUNK):
        part = slice(start, min(start + _CHUNK, X.shape[1]))
        yield part, X[:, part] - center[part]


def _list_volumes(data: AuditInput, rows: NDArray[np.int64]) -> str:
    first = data.samples.table["volume"].to_numpy()[rows][:5]
    return f"volume(s) {', '.join(map(str, first))}"


def _count_shared(keys: NDArray[np.generic], split: Split) -> int:
    return len(np.intersect1d(keys[split.train], keys[split.test]))


def _count_near(groups: NDArray[np.str_], volumes: NDArray[np.int64], split: Split, within: int) -> int:
    """Count test samples with a training sample of the same run at most `within` volumes away.

    `volumes` is (m, 2), as `Samples.volumes`; the distance of averages is that of their nearest volumes.
    """
    if within <= 0:
        return 0
    near: set[int] = set()
    of_train, of_test = (volumes[np.isin(volumes[:, 0], rows)] for rows in (split.train, split.test))
    for run in np.intersect1d(groups[split.train], groups[split.test]):
        train = np.sort(of_train[groups[of_train[:, 0]] == run, 1])
        samples, test = of_test[groups[of_test[:, 0]] == run].T
        after = np.searchsorted(train, test)
        to_next = np.abs(train[after.clip(max=len(train) - 1)] - test)
        to_previous = np.abs(train[(after - 1).clip(min=0)] - test)
        near.update(samples[np.minimum(to_next, to_previous) <= within].tolist())
    return len(near)
