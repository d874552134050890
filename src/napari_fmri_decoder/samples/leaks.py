"""Checks for what stands in, or was taken from, both parts of a split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import f as f_distribution

from napari_fmri_decoder.samples.findings import Facts, check
from napari_fmri_decoder.samples.masks import CombinedMask, MaskConfig
from napari_fmri_decoder.samples.scaling import scaled_over_runs

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.splits import Split

ALIKE = 0.999
"""Patterns that correlate above this are copies of one another."""
PATTERN = 20
"""Features from which on a correlation says something about copies: fewer are alike by chance."""
CHOSEN = 0.9
"""Fraction of voxels that differ between classes at 5%, from which on they look chosen by the labels."""
_CHUNK = 8192
_DIRECTIONS = 16


@check("run-in-both-parts", "error")
def _run_in_both_parts(facts: Facts) -> str | None:
    groups, blocks = facts.samples.groups, facts.samples.table["block"].to_numpy()
    shared = [(_shared(groups, split), _shared(blocks, split), split) for split in facts.splits]
    runs, shared_blocks, worst = max(shared, key=lambda s: (s[0], s[1]))
    if not runs:
        return None
    n_splits = sum(1 for n, _, _ in shared if n)
    near = _near(groups, facts.samples.volumes, worst, facts.neighbours)
    what = "volumes" if facts.samples.averaged is None else "samples"
    beside = (
        f", and {near} of {len(worst.test)} test {what} have a training one within {facts.neighbours} volumes"
        if facts.neighbours
        else ""
    )
    return (
        f"{runs} of {len(set(groups.tolist()))} runs and {shared_blocks} of {len(set(blocks.tolist()))} "
        f"blocks stand in both the training and the test part of {worst.name!r}{beside} ({n_splits} of "
        f"{len(shared)} splits are affected): volumes of one run resemble one another whatever they show. "
        "Choose leave-one-run-out."
    )


@check("neighbours-across-split", "error")
def _neighbours_across_split(facts: Facts) -> str | None:
    groups, volumes = facts.samples.groups, facts.samples.volumes
    near = {split.name: _near(groups, volumes, split, facts.neighbours) for split in facts.splits}
    worst = max(near, key=lambda name: near[name])
    if not near[worst]:
        return None
    n_test = next(len(split.test) for split in facts.splits if split.name == worst)
    return (
        f"{near[worst]} of {n_test} test samples of {worst!r} have a training sample within "
        f"{facts.neighbours} volumes in the same run, in which the haemodynamic response lasts. Leave whole "
        "runs out."
    )


@check("neighbours-across-runs", "warning")
def _neighbours_across_runs(facts: Facts) -> str | None:
    if facts.recording is None:
        return None
    groups, volumes = facts.samples.groups, facts.samples.volumes
    recording = facts.recording[facts.samples.table["volume"].to_numpy()].astype(str)
    near: dict[str, tuple[int, int]] = {}
    for split in facts.splits:
        # a run that is parted has a finding of its own
        whole = split.test[~np.isin(groups[split.test], groups[split.train])]
        parted = replace(split, test=whole)
        near[split.name] = _near(recording, volumes, parted, facts.neighbours), len(split.test)
    worst = max(near, key=lambda name: near[name][0])
    n, n_test = near[worst]
    if not n:
        return None
    return (
        f"{n} of {n_test} test samples of {worst!r} have a training sample within {facts.neighbours} volumes "
        "in the next run of the same file. If the runs were cut out of one recording, they share a "
        "haemodynamic response: trim labels at their edges (trim_start and trim_end in [labels], or labels "
        "left empty). If they were recorded apart and joined in one file, nothing is shared."
    )


@check("duplicate-volumes", "error")
def _duplicate_volumes(facts: Facts) -> str | None:
    hashes = np.array([hash(row.tobytes()) for row in np.ascontiguousarray(facts.samples.X)])
    copies = np.unique(
        np.concatenate(
            [split.test[np.isin(hashes[split.test], hashes[split.train])] for split in facts.splits]
        )
    )
    if not len(copies):
        return None
    return (
        f"{len(copies)} of {len(facts.samples.X)} samples are tested although an exact copy of them is "
        f"trained on, such as {_some(facts, copies)}. Take out files that were given twice."
    )


@check("near-duplicate-volumes", "error")
def _near_duplicate_volumes(facts: Facts) -> str | None:
    X = facts.samples.X
    if X.shape[1] < PATTERN:
        return None
    pairs = near_copies(X)
    # exact copies have a finding of their own
    pairs = pairs[np.array([not np.array_equal(X[i], X[j]) for i, j in pairs], dtype=bool)]
    parted = np.zeros(len(X), dtype=bool)
    for split in facts.splits:
        tested, trained = np.isin(pairs, split.test), np.isin(pairs, split.train)
        parted[pairs[tested & trained[:, ::-1]]] = True
    if not parted.any():
        return None
    return (
        f"{int(parted.sum())} of {len(X)} samples are tested although one that correlates with them above "
        f"{ALIKE} is trained on, such as {_some(facts, np.flatnonzero(parted))}. Take out images that were "
        "given twice, resampled or rescaled."
    )


@check("scaled-across-parts", "warning")
def _scaled_across_parts(facts: Facts) -> str | None:
    samples = facts.samples
    if scaled_over_runs(samples.X, samples.groups):
        over = f"all {len(samples.X)} samples"
    elif samples.came_scaled:
        over = "all volumes of the series, those that are left out among them,"
    else:
        return None
    moving = int((samples.X.max(axis=0) > samples.X.min(axis=0)).sum())
    return (
        f"All {moving} voxels have the mean 0 and the standard deviation 1, or run from 0 to 1, over {over} "
        "together but not within runs: they were scaled before they were split, test parts included. Give "
        "the images as they were; each fold scales by its training part."
    )


@check("voxels-chosen-by-labels", "warning")
def _voxels_chosen_by_labels(facts: Facts) -> str | None:
    means, codes = _block_means(facts)
    n, n_classes = len(means), len(set(codes.tolist()))
    if means.shape[1] < PATTERN or n - n_classes < 10:
        return None
    total = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    within = np.zeros(means.shape[1])
    for code in set(codes.tolist()):
        part = means[codes == code]
        within += ((part - part.mean(axis=0)) ** 2).sum(axis=0)
    ratio = ((total - within) / (n_classes - 1)) / np.maximum(within / (n - n_classes), 1e-30)
    share = float((f_distribution.sf(ratio, n_classes - 1, n - n_classes) < 0.05).mean())
    if share < CHOSEN:
        return None
    return (
        f"{share:.0%} of the {means.shape[1]} voxels differ between the classes at p < 0.05 over {n} blocks, "
        "test parts included; of voxels chosen without the labels few do. If a mask was made by these "
        "labels, make it from other data, or let voxels be screened inside each fold."
    )


@check("mask-from-test-data", "warning")
def _mask_from_test_data(facts: Facts) -> str | None:
    drawn = sorted(set(_drawn(facts.mask)))
    if not drawn:
        return None
    n_test = len(np.unique(np.concatenate([split.test for split in facts.splits])))
    return (
        f"The mask ({', '.join(drawn)}) was drawn from the whole series, the {n_test} tested samples among "
        "it. It saw no labels, so that little is gained by it; to be sure, make it from other images (an "
        "anatomy, a localiser, the training runs) with fmri-decoder mask, and give it as a file."
    )


def near_copies(X: NDArray[np.float32]) -> NDArray[np.int64]:
    """Find pairs of samples that correlate above 0.999, once the mean of all samples is out.

    Parameters
    ----------
    X : (n, features) float32 array

    Returns
    -------
    (pairs, 2) int64 array
        The smaller row first.

    Notes
    -----
    Unit vectors of correlation r lie sqrt(2 - 2 r) apart. They are projected onto 16 random
    directions, in which a distance is doubled with a probability of 1e-7; pairs that are near there
    are confirmed on all features.
    """
    n, n_features = X.shape
    sums, squares, shadow = np.zeros(n), np.zeros(n), np.zeros((n, _DIRECTIONS))
    towards = np.zeros(_DIRECTIONS)
    rng = np.random.default_rng(0)
    center = X.mean(axis=0, dtype=np.float64)
    for part, values in _centred(X, center):
        directions = rng.normal(size=(part.stop - part.start, _DIRECTIONS)) / np.sqrt(_DIRECTIONS)
        sums += values.sum(axis=1)
        squares += (values**2).sum(axis=1)
        shadow += values @ directions
        towards += directions.sum(axis=0)
    means = sums / n_features
    lengths = np.sqrt(np.maximum(squares - n_features * means**2, 0.0))
    there = np.flatnonzero(lengths > 1e-6 * max(float(lengths.max()), 1e-30))
    units = (shadow[there] - means[there, None] * towards) / lengths[there, None]
    near = cKDTree(units).query_pairs(2 * np.sqrt(2 - 2 * ALIKE), output_type="ndarray")
    found = np.sort(there[near].reshape(-1, 2), axis=1)
    products = np.zeros(len(found))
    for _, values in _centred(X, center):
        for rows in np.array_split(np.arange(len(found)), len(found) // 1024 + 1):
            products[rows] += (values[found[rows, 0]] * values[found[rows, 1]]).sum(axis=1)
    first, second = found.T
    r = (products - n_features * means[first] * means[second]) / (lengths[first] * lengths[second])
    return np.asarray(found[r > ALIKE], dtype=np.int64)


def _centred(
    X: NDArray[np.float32], center: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Give some features after others, so that no second copy of X stands in memory."""
    for start in range(0, X.shape[1], _CHUNK):
        part = slice(start, min(start + _CHUNK, X.shape[1]))
        yield part, X[:, part] - center[part]


def _block_means(facts: Facts) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    _, first, block = np.unique(facts.samples.table["block"], return_index=True, return_inverse=True)
    sums = np.zeros((len(first), facts.samples.X.shape[1]))
    np.add.at(sums, block, facts.samples.X)
    return sums / np.bincount(block)[:, None], facts.samples.y[first]


def _drawn(mask: MaskConfig | None) -> list[str]:
    """Names of the strategies that look at the series."""
    if isinstance(mask, CombinedMask):
        return [name for part in mask.masks for name in _drawn(part)]
    return [mask.strategy] if mask is not None and mask.from_series else []


def _some(facts: Facts, rows: NDArray[np.int64]) -> str:
    shown = facts.samples.table["volume"].to_numpy()[rows][:5]
    return f"volume(s) {', '.join(map(str, shown))}"


def _shared(keys: NDArray[np.generic], split: Split) -> int:
    return len(np.intersect1d(keys[split.train], keys[split.test]))


def _near(groups: NDArray[np.str_], volumes: NDArray[np.int64], split: Split, within: int) -> int:
    """Count test samples with a training sample of the same run at most `within` volumes away.

    `volumes` is (m, 2), as `Samples.volumes`: of averages, the nearest two of their volumes count.
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
        to_last = np.abs(train[(after - 1).clip(min=0)] - test)
        near.update(samples[np.minimum(to_next, to_last) <= within].tolist())
    return len(near)
