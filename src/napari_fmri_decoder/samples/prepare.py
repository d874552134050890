"""From a series and its labels to samples: smooth, cut, clean, standardise, select, average.

The order is fixed: smoothing (mm) on the scanner's own grid, the slab or mask; scrubbed volumes are
removed; per run detrending and confounds together, then centering or standardizing, rest included; then
what is excluded is dropped, and blocks, or classes within runs, are averaged. Screening of voxels and
scaling come later, inside each fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.features import Progress, drop_missing, extract
from napari_fmri_decoder.samples.masks import resample_mask
from napari_fmri_decoder.samples.options import Options
from napari_fmri_decoder.samples.samples import Samples, Space, group_keys
from napari_fmri_decoder.samples.scaling import scaled_over_runs
from napari_fmri_decoder.samples.scrubbing import spikes
from napari_fmri_decoder.volumes.slabs import AXES
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.volumes.resample import Interpolation


class PrepareConfig(Options):
    """What is done to the volumes before a decoder sees them."""

    smooth_mm: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Full width at half maximum of the Gaussian smoothing in mm; 0 is off.",
        json_schema_extra={"unit": "mm"},
    )
    detrend: bool | None = Field(
        None,
        description="Take a line out of each voxel's time course, run by run; empty: of a series in time "
        "yes, of maps no.",
    )
    confounds: tuple[str, ...] = Field(
        (),
        description="Columns of the confounds to regress out, run by run: names, patterns (*), or groups of "
        "fMRIPrep's: motion, motion12, motion24, wm_csf, global_signal, cosine, acompcor, acompcor:5 (the "
        "first five), tcompcor, outliers. Empty regresses none. Volumes that outliers mark "
        "(motion_outlier*, non_steady_state_outlier*) are scrubbed: they are no samples, and nothing is "
        "estimated from them.",
    )
    confounds_files: tuple[str, ...] = Field(
        (),
        description="Paths or patterns (*) of the tables of confounds, relative to the recipe; they go with"
        " the images by their names where these tell, else in the same order. Empty takes what fMRIPrep "
        "wrote beside each image.",
        json_schema_extra={"mode": "files"},
    )
    scrub_mm: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Scrub volumes whose framewise displacement (Power et al. 2012) is above this: the "
        "column framewise_displacement of the tables of confounds, or computed from their six columns of "
        "motion; 0 is off.",
        json_schema_extra={"unit": "mm", "step": 0.1},
    )
    scrub_before: int = Field(
        0,
        ge=0,
        le=100,
        description="Volumes that are scrubbed before each that moved (by scrub_mm or a motion outlier).",
        json_schema_extra={"unit": "volumes"},
    )
    scrub_after: int = Field(
        0,
        ge=0,
        le=100,
        description="Volumes that are scrubbed after each that moved.",
        json_schema_extra={"unit": "volumes"},
    )
    center_runs: bool = Field(False, description="Take each voxel's mean over the run out of each run.")
    standardize_runs: bool | None = Field(
        None,
        description="Give each voxel mean 0 and standard deviation 1 within each run, rest included; "
        "empty: in a series in time yes, in maps no.",
    )
    average_blocks: bool = Field(
        False, description="Average the volumes of each block of one label into one sample."
    )
    average_runs: bool = Field(
        False,
        description="Average the volumes (or block averages) of each class within each run into one sample.",
    )

    @model_validator(mode="after")
    def _something_is_scrubbed(self) -> Self:
        if (self.scrub_before or self.scrub_after) and not (self.scrub_mm or self.confounds):
            raise ValueError(
                "scrub_before and scrub_after widen what scrub_mm or the outliers in confounds scrub; set "
                "one of these, or both to 0"
            )
        return self

    def resolved(self, series: Volume) -> PrepareConfig:
        """State what is empty, from whether `series` is one in time."""
        in_time = series.step is not None
        stated = self.model_dump(exclude_none=True)
        return PrepareConfig.model_validate({"detrend": in_time, "standardize_runs": in_time} | stated)


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
    """Make samples of a series and its labels.

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
        Only the slab's own voxels are computed.
    exclude : sequence of str
        Labels to drop, after they have taken part in detrending and standardising, as volumes
        without a label do.
    confounds : (n, c) float64 array, optional
        From `read_cleaning` or `read_confounds`, of all volumes of the series. A column of a run that
        marks one volume scrubs it.
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
        If the table does not fit the series, no voxel or volume is left, nothing varies, or there
        are fewer than two classes.
    """
    if len(table) != series.n_volumes:
        raise InputError(
            f"The label table must have one row per volume, got {len(table)} rows for {series.n_volumes} "
            "volumes. Make the labels anew for these images."
        )
    config = config.resolved(series)
    space, notes = find_space(series, mask, slab)
    how: Interpolation = slab.interpolation if slab else "continuous"
    X = extract(series, space, smooth_mm=config.smooth_mm, interpolation=how, progress=progress)
    table = table.reset_index(drop=True)
    X, table, confounds, said = _scrub(X, table, confounds, scrubbed)
    notes += said
    X, space, said = drop_missing(X, space)
    notes += said
    X, table, said = _drop_empty_volumes(X, table)
    notes += said
    if config.detrend and series.step is None:
        notes.append("The images are no series in time, but were detrended over their order, as asked.")
    came_scaled = not config.standardize_runs and scaled_over_runs(X, group_keys(table))
    X = clean_runs(
        X,
        table,
        detrend=bool(config.detrend),
        center=config.center_runs,
        standardize=bool(config.standardize_runs),
        confounds=None if confounds is None else confounds[table["volume"].to_numpy()],
    )
    X, table = _select(X, table, exclude)
    if not (X != X[0]).any():
        raise InputError(
            f"At least one voxel must vary between the samples, but all {X.shape[1]} are constant over all "
            f"{len(X)}. Check the images, the mask, and what standardising within runs leaves."
        )
    volumes = table["volume"].to_numpy(dtype=np.int64)
    sample_of = np.arange(len(table))
    if config.average_blocks:
        sample_of = table["block"].to_numpy(dtype=np.int64)
        X, table, said = _averaged(X, table, sample_of, "blocks")
        notes += said
    if config.average_runs:
        keys = pd.Series(group_keys(table)) + "\n" + table["label"]
        cells = pd.factorize(keys)[0].astype(np.int64)
        sample_of = cells[sample_of]
        X, table, said = _averaged(X, table, cells, "samples, one per run and class,")
        table = table.assign(block=np.arange(len(table)))
        notes += said
    averaged = None
    if config.average_blocks or config.average_runs:
        order = np.argsort(sample_of, kind="stable")
        averaged = np.column_stack([sample_of, volumes])[order]
    classes = tuple(sorted(set(table["label"])))
    return Samples(X, table, classes, space, tuple(notes), came_scaled, averaged)


def find_space(series: Volume, mask: Volume | None, slab: SlabConfig | None) -> tuple[Space, list[str]]:
    """Find the voxels that become features.

    Parameters
    ----------
    series : Volume
    mask : Volume or None
    slab : SlabConfig or None

    Returns
    -------
    space : Space
        The mask's voxels on the series' grid or, nearest, on the slab's; without a mask all
        that lie within the images.
    notes : list of str
    """
    given = mask or Volume(
        np.ones(series.grid.shape, np.uint8), series.affine, "mask", name="the field of view"
    )
    on_series, note = resample_mask(given, series.grid)
    if slab is None:
        return Space(series.grid, on_series), [note] if note else []
    grid = slab.placed(series, mask).scanner
    keep, _ = resample_mask(given, grid)
    if not keep.any():
        raise InputError(
            f"A slab must hold voxels of the mask, found none in its {' x '.join(map(str, grid.shape))} "
            "voxels. Move start and stop, or change the rotation."
        )
    return Space(grid, keep, AXES.index(slab.axis)), [note] if note else []


def _scrub(
    X: NDArray[np.float32],
    table: pd.DataFrame,
    confounds: NDArray[np.float64] | None,
    scrubbed: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], pd.DataFrame, NDArray[np.float64] | None, list[str]]:
    """Remove scrubbed volumes, and those that a confound marks alone: regressing it out leaves nothing."""
    gone = np.zeros(len(table), dtype=bool) if scrubbed is None else scrubbed
    notes = []
    if confounds is not None:
        marked, confounds = spikes(confounds, group_keys(table))
        if new := int((marked & ~gone).sum()):
            notes.append(f"{new} of {len(table)} volumes are marked by a confound alone and are scrubbed.")
        gone = gone | marked
    if not gone.any():
        return X, table, confounds, notes
    if gone.all():
        raise InputError(
            f"Scrubbing must leave volumes, but all {len(gone)} are scrubbed. Raise scrub_mm, or leave "
            "outliers out of confounds."
        )
    runs = group_keys(table)
    for run in dict.fromkeys(runs.tolist()):
        if gone[runs == run].all():
            notes.append(
                f"Run {run!r} is left out: all {int((runs == run).sum())} of its volumes are scrubbed."
            )
    return X[~gone], table[~gone].reset_index(drop=True), confounds, notes


def _drop_empty_volumes(
    X: NDArray[np.float32], table: pd.DataFrame
) -> tuple[NDArray[np.float32], pd.DataFrame, list[str]]:
    empty = np.isnan(X[:, 0])  # drop_missing left NaN in whole rows only
    if not empty.any():
        return X, table, []
    volumes = table["volume"][empty].tolist()
    if empty.all():
        raise InputError(
            "The images must hold finite values in the mask, found NaN alone. Check images and mask."
        )
    shown = ", ".join(map(str, volumes[:10])) + (" and more" if len(volumes) > 10 else "")
    note = f"{len(volumes)} volume(s) hold no finite value and are left out: {shown}."
    return X[~empty], table[~empty].reset_index(drop=True), [note]


def _select(
    X: NDArray[np.float32], table: pd.DataFrame, exclude: Sequence[str]
) -> tuple[NDArray[np.float32], pd.DataFrame]:
    labels = table["label"].to_numpy(dtype=str)
    keep = (labels != "") & ~np.isin(labels, list(exclude))
    classes = sorted(set(labels[keep].tolist()))
    if len(classes) < 2:
        raise InputError(
            f"Decoding needs at least two classes; {int(keep.sum())} of {len(labels)} volumes are kept and "
            f"show {', '.join(classes) or 'none'}. Check the labels, and what is excluded."
        )
    kept = table[keep].reset_index(drop=True)
    blocks = kept["block"] if "block" in kept else number_blocks(kept)
    return X[keep], kept.assign(block=pd.factorize(blocks)[0].astype(np.int64))


def _averaged(
    X: NDArray[np.float32], table: pd.DataFrame, group: NDArray[np.int64], what: str
) -> tuple[NDArray[np.float32], pd.DataFrame, list[str]]:
    """Average the rows of each group, whose numbers grow in the order in which they first come."""
    _, first, counts = np.unique(group, return_index=True, return_counts=True)
    sums = np.zeros((len(first), X.shape[1]))
    np.add.at(sums, group, X)
    averaged = (sums / counts[:, None]).astype(np.float32)
    note = f"{len(X)} volumes were averaged to {len(first)} {what} of {counts.min()} to {counts.max()}."
    return averaged, table.iloc[first].reset_index(drop=True), [note]
