"""Z-maps of BOLD files in a folder: one NIfTI per map, their table, and a record of their settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.generators import Steps, map_events
from napari_fmri_decoder.pipeline.events import Stage
from napari_fmri_decoder.pipeline.processing_note import taken_for
from napari_fmri_decoder.samples.masks import make_mask
from napari_fmri_decoder.samples.masks.given import FileMask
from napari_fmri_decoder.samples.masks.onto_grid import notes_on
from napari_fmri_decoder.samples.opening import tr_problem
from napari_fmri_decoder.samples.zmaps import ZMaps, find_runs, plan_zmaps, zmap_steps
from napari_fmri_decoder.training.bundle.bundle import file_hash, versions
from napari_fmri_decoder.training.events import Progress
from napari_fmri_decoder.volumes.files import images_in
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.labels import LabelsConfig
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.zmaps import Run, ZMapsConfig

TABLE, ABOUT = "volumes.tsv", "zmaps.json"


@dataclass(frozen=True, slots=True, eq=False)
class ZMapsDone:
    """Event: the maps have been written.

    Attributes
    ----------
    folder : Path
        One `<subject, run, condition>_zmap.nii.gz` per map, `volumes.tsv` with a row for each in the
        order in which the folder opens, and `zmaps.json` with settings, versions, hashes and events.
    made : ZMaps
    """

    folder: Path
    made: ZMaps


def zmap_progress(
    series: Volume, runs: Sequence[Run], config: ZMapsConfig, mask: Volume | None, base: Path
) -> Steps[Progress, ZMaps]:
    """Compute z-maps, with each step as a `Progress` event; see `zmap_steps`."""
    return map_events(zmap_steps(series, runs, config, mask, base), lambda step: Progress("z-maps", *step))


def write_zmaps(
    series: Volume,
    labels: LabelsConfig,
    config: ZMapsConfig,
    out: Path,
    *,
    base: Path,
    mask: MaskConfig | Volume | None = None,
    runs: Sequence[Run] | None = None,
) -> Generator[Stage | Progress | ZMapsDone, None, None]:
    """Compute z-maps of a series and write them to a folder.

    Parameters
    ----------
    series : Volume
        A time series.
    labels : LabelsConfig
        Source of the events; see `find_runs`.
    config : ZMapsConfig
    out : Path
        New or without images; created if missing.
    base : Path
        Folder for relative paths.
    mask : MaskConfig or Volume, optional
        All voxels if None.
    runs : sequence of Run, optional
        The events, if they are already known; otherwise they come from `labels`.

    Yields
    ------
    Stage, Progress
        The first one after all input has been checked. Closing the generator stops the work, and removes
        the maps written so far.
    ZMapsDone
        At the end.

    Raises
    ------
    InputError
        If the input is invalid, before any volume is read; or if the folder contains images.
    """
    _check_folder(out)
    if problem := tr_problem(series):
        raise InputError(problem)
    notes = [f"Data: {taken_for(series)}.", *series.notes]
    if runs is None:
        runs, run_notes = find_runs(labels, series, base)
        notes += run_notes
    plan_zmaps(series, runs, config, base)
    yield Stage("Making z-maps")
    if mask is None or isinstance(mask, Volume):
        voxels = mask
        notes += [] if mask is None else notes_on(mask)
    else:
        voxels, mask_notes = make_mask(mask, series, base)
        notes += mask_notes
    made = yield from zmap_progress(series, runs, config, voxels, base)
    made = replace(made, notes=tuple(dict.fromkeys((*notes, *made.notes))))
    yield Stage(f"Writing {out}")
    new, done = not out.exists(), False
    try:
        yield from _write(made, out)
        about = _about(series, labels, config, made, mask, base)
        (out / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        done = True
    finally:
        if not done:
            _clear(out, made, new)
    yield ZMapsDone(out, made)


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"Z-maps are written to a folder, but {out} is a file. Choose another name.")
    taken = [path.name for path in (out / TABLE, out / ABOUT) if path.exists()]
    taken += [path.name for path in (images_in(out)[:1] if out.is_dir() else [])]
    if taken:
        raise InputError(
            f"Folder {out} already contains {taken[0]}, but a folder of z-maps opens as one series. Choose "
            "another folder, or move that file away."
        )


def _write(made: ZMaps, out: Path) -> Generator[Progress, None, None]:
    names = made.table["name"].tolist()
    for i, name in enumerate(names):
        one = Volume(
            made.maps.at(i), made.maps.affine, "stat", name=name, intent="z score", space=made.maps.space
        )
        write(one, out / f"{name}.nii.gz")
        yield Progress("writing", i + 1, len(names))
    table = made.table.rename(columns={"name": "file"})
    table["file"] += ".nii.gz"
    table["trial"] = table["trial"].astype(object).where(table["trial"] > 0, "n/a")
    table.to_csv(out / TABLE, sep="\t", index=False, na_rep="n/a", float_format="%.6g")


def _clear(out: Path, made: ZMaps, new: bool) -> None:
    """Remove the files of an incomplete folder."""
    if new:
        shutil.rmtree(out, ignore_errors=True)
        return
    for path in [out / TABLE, out / ABOUT, *(out / f"{name}.nii.gz" for name in made.table["name"])]:
        path.unlink(missing_ok=True)


def _about(
    series: Volume,
    labels: LabelsConfig,
    config: ZMapsConfig,
    made: ZMaps,
    mask: MaskConfig | Volume | None,
    base: Path,
) -> dict[str, Any]:
    """Record of how maps were made: settings, software, inputs and events."""
    files = [Path(part.path) for part in series.parts]
    for plan in made.plans:
        files += [path for path in (plan.run.source, plan.confounds_file) if path is not None]
    files += [base / path for path in (getattr(labels, "table", None),) if path]
    files += [base / mask.path] if isinstance(mask, FileMask) else []
    return {
        "settings": config.model_dump(mode="json"),
        "slice_time_ref": config.reference_time,
        "labels": labels.model_dump(mode="json"),
        "mask": mask.name if isinstance(mask, Volume) else mask.model_dump(mode="json") if mask else None,
        "repetition_time": series.step,
        "repetition_time_from": series.step_from,
        "versions": versions(),
        "inputs": {str(path): file_hash(path) for path in dict.fromkeys(files) if path.is_file()},
        "maps": len(made.table),
        "runs": [
            {
                "subject": plan.run.subject,
                "session": plan.run.session,
                "run": plan.run.run,
                "volumes": [plan.run.start, plan.run.stop],
                "image": str(plan.run.bold) if plan.run.bold else None,
                "events_file": str(plan.run.source) if plan.run.source else None,
                "confounds_file": str(plan.confounds_file) if plan.confounds_file else None,
                "confounds": [] if plan.confounds is None else list(map(str, plan.confounds.columns)),
                "events": [
                    {"onset": event.onset, "duration": event.duration, "label": event.label}
                    for event in plan.run.events
                ],
            }
            for plan in made.plans
        ],
        "notes": list(made.notes),
    }
