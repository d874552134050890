"""Labels from SPM multiple-conditions files: one .mat file of names, onsets and durations per run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.samples.labels.event import Event
from napari_fmri_decoder.samples.labels.matlab import NewerVersionError, read_mat
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.labels.run_tokens import find_tokens, group_by_image, image_keys
from napari_fmri_decoder.samples.pairing import pair
from napari_fmri_decoder.samples.path_patterns import expand
from napari_fmri_decoder.text import nfc, printable

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Part, Volume


_WANTED = ("names", "onsets", "durations")
_MAX_BYTES = 2**26
"""Largest conditions file that is read: 64 MiB."""


class SpmLabels(OnsetLabels):
    """Cell arrays `names`, `onsets` and `durations`, as in SPM's multiple conditions for a session."""

    summary: ClassVar[str] = "SPM: one .mat file of names, onsets and durations per run"

    source: Literal["spm"] = "spm"
    files: tuple[str, ...] = Field(
        min_length=1,
        description="Paths or patterns (*) of the .mat files, relative to the recipe, one per image. They "
        "are matched to the images by the run in their path (run-1, run002) if all have one, otherwise by "
        "order.",
        json_schema_extra={"mode": "files"},
    )
    units: Literal["seconds", "scans"] = Field(
        "seconds", description="Unit of onsets and durations, as set in the SPM design."
    )

    def read_runs(self, series: Volume, base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the events, in seconds."""
        runs, notes = super().read_runs(series, base)
        if self.units == "scans":
            step = series.step or 1.0
            runs = [
                EventRun(
                    run.part,
                    run.file,
                    run.key,
                    tuple(Event(e.onset * step, e.duration * step, e.label) for e in run.events),
                )
                for run in runs
            ]
        return runs, notes

    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the conditions files."""
        files = self.files_of([Path(part.path) for part in parts], base)
        keys = image_keys([Path(part.path) for part in parts])
        return [
            EventRun(part, file, key, tuple(read_conditions(file)))
            for part, file, key in zip(parts, files, keys, strict=True)
        ], []

    def files_of(self, images: Sequence[Path], base: Path) -> list[Path]:
        """Find the conditions file of each image."""
        files = [path for pattern in self.files for path in expand(pattern, base, ".mat")]
        in_path = all(find_tokens(path).get("run") for path in (*files, *images))
        if in_path and len(files) == len(images):
            found = group_by_image(files, images, "conditions files")
            if all(len(matched) == 1 for matched in found):
                return [matched[0] for matched in found]
            raise InputError(
                "Each image must have one conditions file, but by the runs in their paths some have "
                f"none or two: {', '.join(file.name for file in files[:5])}. Rename them."
            )
        return pair(images, files, "conditions file", "labels.files")


def read_conditions(path: Path) -> list[Event]:
    """Read names, onsets and durations.

    Parameters
    ----------
    path : Path
        MATLAB file of version 5 to 7.2. Nothing in it is executed.

    Returns
    -------
    list of Event
        In the units of the file.

    Raises
    ------
    InputError
        If it is not such a file, or its contents are inconsistent.
    """
    contents = _load(path)
    names = [_text(name, path) for name in _cells(contents["names"])]
    onsets = [_numbers(cell, "onsets", path) for cell in _cells(contents["onsets"], len(names))]
    durations = [_numbers(cell, "durations", path) for cell in _cells(contents["durations"], len(names))]
    if not len(names) == len(onsets) == len(durations):
        raise InputError(
            f"names, onsets and durations must have one cell per condition; {printable(path.name)} has "
            f"{len(names)}, {len(onsets)} and {len(durations)}. Correct it in MATLAB."
        )
    events = []
    for name, starts, lasts in zip(names, onsets, durations, strict=True):
        lasts = np.broadcast_to(lasts, starts.shape) if lasts.size == 1 else lasts
        if lasts.shape != starts.shape:
            raise InputError(
                f"Each condition must have one duration, or one per onset; {name} in {printable(path.name)} "
                f"has {starts.size} onsets and {lasts.size} durations. Correct it in MATLAB."
            )
        if (lasts < 0).any():
            raise InputError(
                f"Durations must be 0 s or more; {name} in {printable(path.name)} has {lasts.min():g}. "
                "Correct it."
            )
        events += [Event(float(a), float(b), name) for a, b in zip(starts, lasts, strict=True)]
    return events


def _load(path: Path) -> dict[str, Any]:
    path = check_regular(path, "conditions file")
    name = printable(path.name)
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(
            f"A conditions file must have at most {_MAX_BYTES} bytes, {name} has {path.stat().st_size}. "
            "Save only names, onsets and durations."
        )
    try:
        contents = read_mat(path.read_bytes(), _WANTED)
    except NewerVersionError as error:
        raise InputError(
            f"A conditions file must be of MATLAB's version 7 or older, but {name} is of 7.3. "
            'Save it with save(..., "-v7").'
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"A conditions file must be a .mat file, but {name} cannot be read: {error}. Save it again."
        ) from error
    if lacking := [name for name in _WANTED if contents.get(name) is None]:
        raise InputError(
            f"A conditions file must contain names, onsets and durations, as for SPM; {name} lacks "
            f"{', '.join(lacking)}. Save them in MATLAB."
        )
    return contents


def _cells(value: Any, n: int = 0) -> list[Any]:
    """Return the cells of a cell array; a numeric array is one condition, or one number per condition."""
    if isinstance(value, list):
        return value
    if n > 1 and isinstance(value, np.ndarray) and value.size in (1, n):
        return list(np.broadcast_to(value, n))
    return [value]


def _text(value: Any, path: Path) -> str:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f"names must be text, one per condition; {printable(path.name)} contains something else. Correct "
            "it in MATLAB."
        )
    return nfc(value.strip())


def _numbers(value: Any, what: str, path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, np.ndarray | np.floating) or not np.isfinite(value).all():
        raise InputError(
            f"{what} must be finite numbers; {printable(path.name)} contains something else. Correct it in "
            "MATLAB."
        )
    return np.asarray(value, dtype=np.float64).ravel()
