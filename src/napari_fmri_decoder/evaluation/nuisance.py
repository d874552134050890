"""Whether the labels can be decoded from anything but the pattern of voxels, such as motion or time.

Each family of nuisance variables is decoded with linear discriminant analysis on the same folds as the
voxels. All permutations are computed at once from sums over the training set: the whole takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.evaluation.label_permutation import n_permutations, permuted_labels
from napari_fmri_decoder.evaluation.nuisance_scores import (
    Discriminant,
    Labelings,
    PreviousLabel,
    score_of_labels,
)
from napari_fmri_decoder.evaluation.nuisance_test import MEAN, NuisanceScore, NuisanceTest
from napari_fmri_decoder.samples.nuisance import Nuisance, clean_nuisance, read_event_columns
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

N_PERMUTATIONS = 499


def decode_nuisance(
    samples: Samples,
    splits: Sequence[Split],
    *,
    table: pd.DataFrame | None = None,
    confounds: Sequence[Nuisance] = (),
    in_time: bool = True,
    detrend: bool = True,
    seed: int = 0,
    permutations: int = N_PERMUTATIONS,
) -> NuisanceTest:
    """Decode the labels from nuisance variables, and test each score by permuted labels.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    table : DataFrame, optional
        One row per volume of the series, with its run; the samples' own if None.
    confounds : sequence of Nuisance
        From `read_nuisance`, one row per volume of `table`.
    in_time : bool
        Whether the samples are a series in time, so that they have a position.
    detrend : bool
        Whether the voxels were detrended: confounds are treated alike.
    seed : int
        Of the permutations, which are those of `permutation_test`.
    permutations : int

    Returns
    -------
    NuisanceTest
        Without families that are constant.

    Notes
    -----
    The covariance within classes is shrunken by the weight of Ledoit and Wolf for all samples, which depends
    on no label. For p over all families, each score is standardized by its mean and standard deviation over
    the permutations, and the largest over families is compared, step by step from the largest on (Nichols
    and Holmes 2002, doi:10.1002/hbm.1058).
    """
    labels = samples.y[None]
    if n_permutations(samples.table) > 1:
        labels = np.concatenate([labels, permuted_labels(samples, seed, range(1, permutations + 1))])
    of = Labelings(labels, samples.table["block"].to_numpy(), len(samples.classes))
    names: list[str] = []
    sizes: list[int] = []
    scores: list[NDArray[np.float64]] = []
    for family in _families(samples, table, confounds, in_time=in_time, detrend=detrend):
        features = _scaled(family.values)
        if features.shape[1]:
            names.append(family.name)
            sizes.append(features.shape[1])
            scores.append(score_of_labels(samples, splits, of, Discriminant(features)))
    if in_time and (before := _previous_blocks(samples)) is not None:
        names.append("previous label")
        sizes.append(1)
        scores.append(score_of_labels(samples, splits, of, PreviousLabel(before)))
    return NuisanceTest(_rows(names, sizes, scores), len(labels) - 1)


def _families(
    samples: Samples,
    table: pd.DataFrame | None,
    confounds: Sequence[Nuisance],
    *,
    in_time: bool,
    detrend: bool,
) -> Iterator[Nuisance]:
    """Nuisance variables with one row per sample."""
    if table is not None:
        for family in confounds:
            values = clean_nuisance(family, table, detrend=detrend)
            yield Nuisance(family.name, family.columns, _of_samples(values, samples))
    mean = samples.X.mean(axis=1, dtype=np.float64)
    yield Nuisance(MEAN, ("mean",), mean[:, None])
    if in_time:
        yield _powers("position in the run", _of_samples(_position(samples, table)[:, None], samples)[:, 0])
        yield _powers("trial number", _trial_number(samples))
    yield from read_event_columns(samples.table)


def _of_samples(values: NDArray[np.float64], samples: Samples) -> NDArray[np.float64]:
    """Average the rows of the volumes of each sample."""
    rows, volumes = samples.volumes.T
    sums = np.zeros((len(samples.table), values.shape[1]))
    np.add.at(sums, rows, values[volumes])
    return sums / np.bincount(rows, minlength=len(sums))[:, None]


def _position(samples: Samples, table: pd.DataFrame | None) -> NDArray[np.float64]:
    """Number of each volume of the series in its run, from 0."""
    if table is None:
        rows, volumes = samples.volumes.T
        groups = np.full(volumes.max() + 1, "", dtype=samples.groups.dtype)
        groups[volumes] = samples.groups[rows]
    else:
        groups = group_keys(table)
    position = np.zeros(len(groups))
    for run in np.unique(groups):
        rows = np.flatnonzero(groups == run)
        position[rows] = rows - rows[0]
    return position


def _trial_number(samples: Samples) -> NDArray[np.float64]:
    """Number of the block of each sample in its run, from 0."""
    number = np.zeros(len(samples.table))
    block, groups = samples.table["block"].to_numpy(), samples.groups
    for run in np.unique(groups):
        rows = groups == run
        number[rows] = np.unique(block[rows], return_inverse=True)[1]
    return number


def _powers(name: str, values: NDArray[np.float64]) -> Nuisance:
    """The first three powers of centered values, for a curve over time."""
    centered = (values - values.mean()) / max(float(np.abs(values - values.mean()).max()), 1e-12)
    return Nuisance(name, (name, "its square", "its cube"), centered[:, None] ** np.arange(1, 4))


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standardize; missing values get the mean, and constant columns are dropped."""
    varying = np.array([len(np.unique(column[np.isfinite(column)])) > 1 for column in values.T], dtype=bool)
    kept = values[:, varying]
    if not kept.shape[1]:
        return kept
    centered = kept - np.nanmean(kept, axis=0)
    return np.asarray(np.nan_to_num(centered / np.nanstd(kept, axis=0)))


def _previous_blocks(samples: Samples) -> NDArray[np.int64] | None:
    """Row of the first sample of the block before that of each sample, in its run; -1 for the first block.

    None if blocks follow one another without rest: blocks of one class are then joined, so that the previous
    label is never that of the block itself, in any order.
    """
    once = not samples.table.assign(group=samples.groups).duplicated(["group", "label"]).any()
    if once and samples.averaged is not None:  # one sample per class and run has no order
        return None
    rows, volumes = samples.volumes.T
    block = samples.table["block"].to_numpy()
    last = np.zeros(block.max() + 1, dtype=np.int64)
    np.maximum.at(last, block[rows], volumes)
    before = np.full(len(block), -1)
    groups = samples.groups
    for run in np.unique(groups):
        of_run = np.flatnonzero(groups == run)
        names, first, of_block = np.unique(block[of_run], return_index=True, return_inverse=True)
        starts = samples.table["volume"].to_numpy()[of_run[first]]
        if (starts[1:] - last[names[:-1]] <= 1).any():
            return None
        before[of_run] = np.r_[-1, of_run[first[:-1]]][of_block]
    return before


def _rows(
    names: Sequence[str], sizes: Sequence[int], scores: Sequence[NDArray[np.float64]]
) -> tuple[NuisanceScore, ...]:
    """Compute p of each family, alone and over all families; the first score is that of the true labels."""
    if not names:
        return ()
    every = np.stack(scores)
    observed = every[:, 0].tolist()
    if every.shape[1] == 1:
        return tuple(NuisanceScore(*row, None, None) for row in zip(names, sizes, observed, strict=True))
    centered, spread = every - every.mean(axis=1, keepdims=True), every.std(axis=1, keepdims=True)
    z = np.divide(centered, spread, out=np.zeros_like(every), where=spread > 0)
    p, p_all = (every >= every[:, :1] - 1e-9).mean(axis=1).tolist(), _step_down(z).tolist()
    return tuple(NuisanceScore(*row) for row in zip(names, sizes, observed, p, p_all, strict=True))


def _step_down(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """P of each family over all families; the first column is the true labels (Westfall and Young 1993)."""
    order = np.argsort(-z[:, 0], kind="stable")
    largest = np.maximum.accumulate(z[order][::-1])[::-1]  # of this family and those with smaller values
    p = np.empty(len(z))
    p[order] = np.maximum.accumulate((largest >= z[order, :1] - 1e-9).mean(axis=1))
    return p
