"""Labels from SPM's multiple conditions: a .mat file of names, onsets and durations for each run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.samples.labels.assigning import Event
from napari_fmri_decoder.samples.labels.of_files import by_image, image_keys, tokens
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.matlab import read_mat
from napari_fmri_decoder.samples.pairing import pair
from napari_fmri_decoder.samples.patterns import expand
from napari_fmri_decoder.text import nfc, printable

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Part, Volume


_WANTED = ("names", "onsets", "durations")
_LARGEST = 2**26
"""Bytes of a file of conditions: 64 MiB."""


class SpmLabels(OnsetLabels):
    """Cell arrays `names`, `onsets` and `durations`, as SPM's batch takes them for a session."""

    summary: ClassVar[str] = "SPM: a .mat file of names, onsets and durations per run"

    source: Literal["spm"] = "spm"
    files: tuple[str, ...] = Field(
        min_length=1,
        description="Paths or patterns (*) of the .mat files, relative to the recipe, one per image: by a "
        "run in the path (run-1, run002) where all have one, else in the order of the images.",
        json_schema_extra={"mode": "files"},
    )
    units: Literal["seconds", "scans"] = Field(
        "seconds", description="Unit of onsets and durations, as the design in SPM states it."
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
        """Read the files of conditions."""
        files = self.files_of([Path(part.path) for part in parts], base)
        keys = image_keys([Path(part.path) for part in parts])
        return [
            EventRun(part, file, key, tuple(read_conditions(file)))
            for part, file, key in zip(parts, files, keys, strict=True)
        ], []

    def files_of(self, images: Sequence[Path], base: Path) -> list[Path]:
        """Find the file of each image."""
        files = [path for given in self.files for path in expand(given, base, ".mat")]
        in_path = all(tokens(path).get("run") for path in (*files, *images))
        if in_path and len(files) == len(images):
            found = by_image(files, images, "files of conditions")
            if all(len(own) == 1 for own in found):
                return [own[0] for own in found]
            raise InputError(
                "Each image must have one file of conditions, but by the runs in their paths some have "
                f"none or two: {', '.join(file.name for file in files[:5])}. Rename them."
            )
        return pair(images, files, "file of conditions", "labels.files")


def read_conditions(path: Path) -> list[Event]:
    """Read names, onsets and durations.

    Parameters
    ----------
    path : Path
        MATLAB file of version 4 to 7.2. Nothing in it is executed.

    Returns
    -------
    list of Event
        In the units of the file.

    Raises
    ------
    InputError
        If it is no such file, or what it holds does not fit.
    """
    held = _load(path)
    names = [_text(name, path) for name in _cells(held["names"])]
    onsets = [_numbers(cell, "onsets", path) for cell in _cells(held["onsets"], len(names))]
    durations = [_numbers(cell, "durations", path) for cell in _cells(held["durations"], len(names))]
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
                f"Each onset must have its duration, or all of a condition one; {name} in "
                f"{printable(path.name)} has {starts.size} onsets and {lasts.size} durations. Correct it in "
                "MATLAB."
            )
        if (lasts < 0).any():
            raise InputError(
                f"Durations must be 0 s or more; {name} in {printable(path.name)} has {lasts.min():g}. "
                "Correct it."
            )
        events += [Event(float(a), float(b), name) for a, b in zip(starts, lasts, strict=True)]
    return events


def _load(path: Path) -> dict[str, Any]:
    path = check_regular(path, "file of conditions")
    name = printable(path.name)
    if path.stat().st_size > _LARGEST:
        raise InputError(
            f"A file of conditions must have at most {_LARGEST} bytes, {name} has {path.stat().st_size}. "
            "Save names, onsets and durations alone."
        )
    try:
        held = read_mat(path.read_bytes(), _WANTED)
    except NotImplementedError as error:
        raise InputError(
            f"A file of conditions must be of MATLAB's version 7 or older, but {name} is of 7.3. "
            'Save it with save(..., "-v7").'
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"A file of conditions must be a .mat file of MATLAB, but {name} cannot be read: {error}. Save "
            "it again."
        ) from error
    if lacking := [name for name in _WANTED if held.get(name) is None]:
        raise InputError(
            f"A file of conditions must hold names, onsets and durations, as SPM takes them; "
            f"{name} lacks {', '.join(lacking)}. Save them in MATLAB."
        )
    return held


def _cells(value: Any, n: int = 0) -> list[Any]:
    """Give the cells of a cell array; a plain array is one condition's, or has one number for each."""
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
            f"names must be text, one per condition; {printable(path.name)} holds something else. Correct it "
            "in MATLAB."
        )
    return nfc(value.strip())


def _numbers(value: Any, what: str, path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, np.ndarray | np.floating) or not np.isfinite(value).all():
        raise InputError(
            f"{what} must be finite numbers; {printable(path.name)} holds something else. Correct it in "
            "MATLAB."
        )
    return np.asarray(value, dtype=np.float64).ravel()
