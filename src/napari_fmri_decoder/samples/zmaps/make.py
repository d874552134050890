"""Compute z-maps from a BOLD series and its events: a series of maps, and a table that describes each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.generators import Steps, run_to_end
from napari_fmri_decoder.samples.confounds import confounds_of_run, tables_of_images
from napari_fmri_decoder.samples.features import extract
from napari_fmri_decoder.samples.labels.base import COLUMNS as LABEL_COLUMNS
from napari_fmri_decoder.samples.masks import resample_mask
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.zmaps.design import (
    Design,
    Target,
    check_design,
    designs,
    estimable,
    events_of,
    targets_of,
)
from napari_fmri_decoder.samples.zmaps.glm import z_values
from napari_fmri_decoder.samples.zmaps.runs import Run, check_runs
from napari_fmri_decoder.samples.zmaps.table import maps_table
from napari_fmri_decoder.volumes.series import VolumeStack
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.zmaps.config import ZMapsConfig

_CHUNK = 8192
"""Number of voxels that are fitted at a time; limits memory, and allows stopping in between."""
_FLAT = 1e-6
"""A voxel whose standard deviation is below this fraction of its value has only float32 rounding errors."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The maps of one run, planned before any volume is read.

    Attributes
    ----------
    run : Run
    targets : tuple of Target
    confounds : DataFrame or None
    confounds_file : Path or None
    """

    run: Run
    targets: tuple[Target, ...]
    confounds: pd.DataFrame | None = None
    confounds_file: Path | None = None

    def models(self, step: float, config: ZMapsConfig) -> list[Design]:
        """Build the models, and check that each can be estimated."""
        models = []
        for i, design in enumerate(designs(self.run, self.targets, step, config, self.confounds)):
            if config.estimate == "lss":
                check_design(self.run, self.targets[i : i + 1], design, config)
            models.append(design)
        return models


@dataclass(frozen=True, slots=True, eq=False)
class ZMaps:
    """Z-maps, and the table that describes them.

    Attributes
    ----------
    maps : Volume
        (x, y, z, maps), kind "stat", in the natural order of their names. 0 outside the mask and for
        voxels that are constant within the run; NaN for voxels that are not finite.
    table : DataFrame
        One row per map: `volume`, `label`, `subject`, `session`, `run`, `trial` (from 1; 0 for a
        whole condition), `onset` and `duration` in seconds (NaN for several events), `name`.
    plans : tuple of Plan
        One per run.
    notes : tuple of str
    """

    maps: Volume
    table: pd.DataFrame
    plans: tuple[Plan, ...]
    notes: tuple[str, ...]

    @property
    def labels(self) -> pd.DataFrame:
        """The table in the format of `label_table`; each map is a separate block."""
        return self.table[["volume", *LABEL_COLUMNS]].assign(block=np.arange(len(self.table)))


def plan_zmaps(
    series: Volume, runs: Sequence[Run], config: ZMapsConfig, base: Path | None = None
) -> tuple[list[Plan], list[str]]:
    """Check that events, TR, confounds and images fit, before any volume is read.

    Parameters
    ----------
    series : Volume
        A time series.
    runs : sequence of Run
        From `find_runs`.
    config : ZMapsConfig
    base : Path, optional
        Folder that relative paths of confounds start from.

    Returns
    -------
    plans : list of Plan
    notes : list of str

    Raises
    ------
    InputError
        If something does not fit.
    """
    step = series.step
    if step is None:
        raise InputError("Z-maps need a time series, but these images have no TR. Use BOLD images.")
    if runs and runs[-1].stop > series.n_volumes:
        raise InputError(
            f"The runs must be within the {series.n_volumes} volumes of the series, but {runs[-1]} ends at "
            f"volume {runs[-1].stop}. Use the labels of these images."
        )
    with_events, notes = check_runs(runs, step, config.lag)
    files: dict[int, Path] = {}
    if config.confounds:
        tables = tables_of_images(
            config.confounds_files, [_image_of(run, series) for run in runs], base or Path()
        )
        files = {run.start: path for run, path in zip(runs, tables, strict=True)}
    plans = []
    for run in with_events:
        file = files.get(run.start)
        confounds = (
            _usable_confounds(confounds_of_run(file, config.confounds, run.n_volumes)) if file else None
        )
        targets, skipped = estimable(run, targets_of(run, config), step, config, confounds)
        notes += skipped
        if targets:
            run = replace(run, events=events_of(targets))
            plans.append(Plan(run, tuple(targets), confounds, file))
    if not plans:
        raise InputError(f"At least one map must remain, but there is none. {' '.join(notes)}")
    _table(plans)  # raises an error if two maps have one name
    return plans, notes


def _image_of(run: Run, series: Volume) -> Path | None:
    """Find the image file that contains exactly this run."""
    if run.bold is not None:
        return run.bold
    start = 0
    for part in series.parts:
        if (start, start + part.n_volumes) == (run.start, run.stop):
            return Path(part.path)
        start += part.n_volumes
    return None


def zmap_steps(
    series: Volume,
    runs: Sequence[Run],
    config: ZMapsConfig,
    mask: Volume | None = None,
    base: Path | None = None,
) -> Steps[tuple[int, int], ZMaps]:
    """Compute z-maps step by step; see `make_zmaps`.

    Yields
    ------
    (int, int)
        Number of finished maps, and of all maps.
    """
    plans, notes = plan_zmaps(series, runs, config, base)
    step = series.step or 0.0
    inside, mask_note = (
        (np.ones(series.grid.shape, bool), None) if mask is None else resample_mask(mask, series.grid)
    )
    notes += [mask_note] if mask_note else []
    space = Space(series.grid, inside)
    total = sum(len(plan.targets) for plan in plans)
    values = np.zeros((total, space.n_features), dtype=np.float32)
    at = 0
    missing = flat = np.zeros(space.n_features, bool)
    for plan in plans:
        yield at, total
        models = plan.models(step, config)
        X = extract(_volumes_of_run(series, plan.run), space, smooth_mm=config.smooth_mm)
        finite = np.isfinite(X).all(axis=0)
        values[at : at + len(plan.targets), ~finite] = np.nan
        constant = finite & (np.nan_to_num(X).std(axis=0) <= _FLAT * np.abs(np.nan_to_num(X)).max(axis=0))
        missing, flat = missing | ~finite, flat | constant
        voxels = np.flatnonzero(finite & ~constant)
        chunks = [voxels[i : i + _CHUNK] for i in range(0, len(voxels), _CHUNK)]
        for part, chunk in enumerate(chunks):
            row = at
            for found in z_values(X[:, chunk].astype(np.float64), models, config.noise):
                values[row : row + len(found), chunk] = found
                row += len(found)
                yield at + (part * len(plan.targets) + row - at) // len(chunks), total
        at += len(plan.targets)
    notes += _count_note(missing, "are NaN or infinite in some volume, and NaN in the maps of that run")
    notes += _count_note(flat, "are constant within a run, and 0 in its maps")
    notes.append(_summary_note(plans))
    table = _table(plans)
    values = values[table.pop("row").to_numpy()]
    stack = VolumeStack(
        lambda i: space.paint(values[i], fill=0.0), (*series.grid.shape, total), np.dtype(np.float32)
    )
    maps = Volume(
        stack,
        series.affine,
        "stat",
        names=tuple(table["name"]),
        name=f"{series.name} z-maps".strip(),
        intent="z score",
        space=series.space,
        notes=series.notes,
    )
    return ZMaps(maps, table, tuple(plans), tuple(dict.fromkeys(notes)))


def make_zmaps(
    series: Volume,
    runs: Sequence[Run],
    config: ZMapsConfig,
    mask: Volume | None = None,
    *,
    base: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ZMaps:
    """Compute z-maps of a BOLD series, per run and condition or per trial, as nilearn's FirstLevelModel does.

    Parameters
    ----------
    series : Volume
        (x, y, z, n) time series; one run is in memory at a time.
    runs : sequence of Run
        From `find_runs` or `runs_of_table`.
    config : ZMapsConfig
    mask : Volume, optional
        On any grid; by default all voxels are used.
    base : Path, optional
        Folder that relative paths of confounds start from.
    progress : callable, optional
        Called with (finished maps, all maps); may raise an exception to stop.

    Returns
    -------
    ZMaps

    Raises
    ------
    InputError
        If events, TR, confounds and images do not fit; raised before any volume is read.
    """
    on_step = None if progress is None else (lambda step: progress(*step))
    return run_to_end(zmap_steps(series, runs, config, mask, base), on_step)


def _table(plans: Sequence[Plan]) -> pd.DataFrame:
    return maps_table([(plan.run, target) for plan in plans for target in plan.targets])


def _volumes_of_run(series: Volume, run: Run) -> Volume:
    """The volumes of a run, read from the series on demand."""
    shape = (*series.grid.shape, run.n_volumes)
    stack = VolumeStack(lambda i: series.at(run.start + i), shape, np.dtype(np.float32))
    return Volume(stack, series.affine, "bold", series.step, name=series.name)


def _summary_note(plans: Sequence[Plan]) -> str:
    targets = [target for plan in plans for target in plan.targets]
    trials = "trials of " if targets[0].trial else ""
    n_conditions, n_volumes = len({t.label for t in targets}), sum(plan.run.n_volumes for plan in plans)
    return (
        f"{len(targets)} z-maps of {trials}{n_conditions} condition(s) were computed from {n_volumes} "
        f"volumes in {len(plans)} run(s)."
    )


def _count_note(voxels: NDArray[np.bool_], predicate: str) -> list[str]:
    return [f"{int(voxels.sum())} of {voxels.size} voxels {predicate}."] if voxels.any() else []


def _usable_confounds(confounds: pd.DataFrame) -> pd.DataFrame:
    """Drop constant columns, because the model has a constant, and duplicate columns."""
    varying = confounds.loc[:, confounds.nunique() > 1]
    return varying.loc[:, ~varying.T.duplicated().to_numpy()]
