"""From a series and its labels to samples: smooth, select voxels, scrub, clean, drop, average.

The order is fixed. Volumes are smoothed on the grid of the series, and the voxels of the mask or slab are
taken. Scrubbed volumes are removed. Run by run, a linear trend and the confounds are regressed out together,
and voxels are centered or standardized; rest takes part in this. Then excluded labels are dropped, and
blocks, or classes within runs, are averaged. Voxel selection and scaling follow later, within each fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.averaging import average_samples
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.features import Progress, drop_missing
from napari_fmri_decoder.samples.read_voxels import read_voxels
from napari_fmri_decoder.samples.samples import Samples, group_keys
from napari_fmri_decoder.samples.scaling import scaled_over_runs
from napari_fmri_decoder.samples.scrubbing import spikes

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.volumes.moments import Moments
    from napari_fmri_decoder.volumes.volume import Volume


def prepare(
    series: Volume,
    table: pd.DataFrame,
    config: PrepareConfig,
    *,
    mask: Volume | None = None,
    slab: SlabConfig | None = None,
    exclude: Sequence[str] = (),
    confounds: NDArray[np.float64] | None = None,
    scrubbed: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Samples:
    """Make samples from a series and its labels.

    Parameters
    ----------
    series : Volume
        (x, y, z, n); read one volume at a time.
    table : DataFrame of n rows
        From `label_table`.
    config : PrepareConfig
    mask : Volume, optional
        On any grid; every voxel if None.
    slab : SlabConfig, optional
        Only the voxels of the slab are computed.
    exclude : sequence of str
        Labels to drop. Their volumes still take part in detrending and standardizing, as volumes without a
        label do.
    confounds : (n, c) float64 array, optional
        From `read_cleaning` or `read_confounds`, for all volumes of the series. A column of a run that
        marks a single volume scrubs that volume.
    scrubbed : (n,) bool array, optional
        From `read_cleaning`: volumes that are removed before anything is estimated.
    progress : callable, optional
        Called with (volumes done, volumes in all).

    Returns
    -------
    Samples

    Raises
    ------
    InputError
        If the table does not fit the series, no voxel or volume remains, nothing varies, or there
        are fewer than two classes.
    """
    cleaned, _ = clean_and_measure(
        series,
        table,
        config,
        mask=mask,
        slab=slab,
        confounds=confounds,
        scrubbed=scrubbed,
        progress=progress,
    )
    return cleaned.samples(table, exclude)


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """All volumes of a series after cleaning, from which labels select samples.

    Attributes
    ----------
    X : (n, features) float32 array
    volumes : (n,) int64 array
        Position of each in the series; scrubbed and empty volumes are missing.
    space : Space
    config : PrepareConfig
        Resolved.
    notes : tuple of str
    came_scaled : bool
        See `Samples`.
    """

    X: NDArray[np.float32]
    volumes: NDArray[np.int64]
    space: Space
    config: PrepareConfig
    notes: tuple[str, ...]
    came_scaled: bool

    def samples(self, table: pd.DataFrame, exclude: Sequence[str] = ()) -> Samples:
        """Make samples of the volumes that a table labels; see `prepare`.

        Parameters
        ----------
        table : DataFrame
            One row per volume of the series, with the runs that it was cleaned by.
        exclude : sequence of str
            Labels to drop.
        """
        X, selected = _select(self.X, table.iloc[self.volumes].reset_index(drop=True), exclude)
        if not (X != X[0]).any():
            raise InputError(
                f"At least one voxel must vary between the samples, but all {X.shape[1]} are constant over "
                f"all {len(X)}. Check the images and the mask, and whether standardizing within runs removes "
                "all variation."
            )
        means = average_samples(X, selected, self.config)
        classes = tuple(sorted(set(means.table["label"])))
        notes = (*self.notes, *means.notes)
        return Samples(means.X, means.table, classes, self.space, notes, self.came_scaled, means.averaged)


def clean_and_measure(
    series: Volume,
    table: pd.DataFrame,
    config: PrepareConfig,
    *,
    mask: Volume | None = None,
    slab: SlabConfig | None = None,
    confounds: NDArray[np.float64] | None = None,
    scrubbed: NDArray[np.bool_] | None = None,
    moments: Moments | None = None,
    measure: bool = False,
    progress: Progress | None = None,
) -> tuple[Cleaned, Moments | None]:
    """Read and clean all volumes, and compute the moments of the series in the same pass over them.

    Parameters
    ----------
    series, table, config, mask, slab, confounds, scrubbed, progress
        See `prepare`; of the table, only the runs are used.
    moments, measure
        See `read_voxels`.

    Returns
    -------
    cleaned : Cleaned
    moments : Moments or None
        See `read_voxels`.
    """
    if len(table) != series.n_volumes:
        raise InputError(
            f"The label table must have one row per volume, got {len(table)} rows for {series.n_volumes} "
            "volumes. Make the labels again for these images."
        )
    config, table = config.resolved(series), table.reset_index(drop=True)
    X, space, notes, moments = read_voxels(
        series,
        mask=mask,
        slab=slab,
        smooth_mm=config.smooth_mm,
        moments=moments,
        measure=measure,
        progress=progress,
    )
    X, table, confounds, more = _scrub(X, table, confounds, scrubbed)
    notes += more
    X, space, more = drop_missing(X, space)
    notes += more
    X, table, more = _drop_empty_volumes(X, table)
    notes += more
    if config.detrend and series.step is None:
        notes.append("The images are not a series in time, but were detrended in their order, as requested.")
    came_scaled = not config.standardize_runs and scaled_over_runs(X, group_keys(table))
    volumes = table["volume"].to_numpy(dtype=np.int64)
    X = clean_runs(
        X,
        table,
        detrend=bool(config.detrend),
        center=config.center_runs,
        standardize=bool(config.standardize_runs),
        confounds=None if confounds is None else confounds[volumes],
    )
    return Cleaned(X, volumes, space, config, tuple(notes), came_scaled), moments


def _scrub(
    X: NDArray[np.float32],
    table: pd.DataFrame,
    confounds: NDArray[np.float64] | None,
    scrubbed: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], pd.DataFrame, NDArray[np.float64] | None, list[str]]:
    """Remove scrubbed volumes, and each volume that is the only one a confound marks."""
    removed = np.zeros(len(table), dtype=bool) if scrubbed is None else scrubbed
    notes = []
    if confounds is not None:
        marked, confounds = spikes(confounds, group_keys(table))
        if new := int((marked & ~removed).sum()):
            notes.append(
                f"{new} of {len(table)} volumes are scrubbed because a confound marks no other volume."
            )
        removed = removed | marked
    if not removed.any():
        return X, table, confounds, notes
    if removed.all():
        raise InputError(
            f"At least one volume must remain, but all {len(removed)} are scrubbed. Raise scrub_mm, or "
            "remove outliers from confounds."
        )
    runs = group_keys(table)
    for run in dict.fromkeys(runs.tolist()):
        if removed[runs == run].all():
            notes.append(
                f"Run {run!r} is excluded: all {int((runs == run).sum())} of its volumes are scrubbed."
            )
    return X[~removed], table[~removed].reset_index(drop=True), confounds, notes


def _drop_empty_volumes(
    X: NDArray[np.float32], table: pd.DataFrame
) -> tuple[NDArray[np.float32], pd.DataFrame, list[str]]:
    empty = np.isnan(X[:, 0])  # after drop_missing a row has NaN everywhere or nowhere
    if not empty.any():
        return X, table, []
    volumes = table["volume"][empty].tolist()
    if empty.all():
        raise InputError(
            "The images must have finite values in the mask, but all are NaN. Check the images and the mask."
        )
    shown = ", ".join(map(str, volumes[:10])) + (" and more" if len(volumes) > 10 else "")
    note = f"{len(volumes)} volume(s) have no finite value and are excluded: {shown}."
    return X[~empty], table[~empty].reset_index(drop=True), [note]


def _select(
    X: NDArray[np.float32], table: pd.DataFrame, exclude: Sequence[str]
) -> tuple[NDArray[np.float32], pd.DataFrame]:
    labels = table["label"].to_numpy(dtype=str)
    keep = (labels != "") & ~np.isin(labels, list(exclude))
    classes = sorted(set(labels[keep].tolist()))
    if len(classes) < 2:
        raise InputError(
            f"Decoding needs at least two classes, but the {int(keep.sum())} of {len(labels)} volumes that "
            f"are used show {', '.join(classes) or 'none'}. Check the labels, and which of them are excluded."
        )
    selected = table[keep].reset_index(drop=True)
    blocks = selected["block"] if "block" in selected else number_blocks(selected)
    return X[keep], selected.assign(block=pd.factorize(blocks)[0].astype(np.int64))
