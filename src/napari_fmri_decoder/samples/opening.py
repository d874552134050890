"""Open images as one series: determine their kind and TR, and check the TR against JSON sidecar files.

Every entry point uses this function, so that all of them check and report the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.names import read_repetition_time, repetition_time
from napari_fmri_decoder.volumes.files import stem
from napari_fmri_decoder.volumes.kind_and_tr import ASSUMED, GUESSED, STATED
from napari_fmri_decoder.volumes.read import read, read_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.volumes.volume import Kind, Volume

KindChoice = Literal["auto", "bold", "stat", "anatomy", "mask", "atlas"]
"""Kind of images, as an option; "auto" detects it."""
SIDECAR_TOLERANCE = 0.01
"""Largest relative difference between the TR of the header and that of the JSON file."""


def open_images(
    paths: str | Path | Sequence[str | Path],
    *,
    kind: KindChoice = "auto",
    tr: float | None = None,
    strict: bool = True,
) -> Volume:
    """Open images as one series.

    Parameters
    ----------
    paths : path or sequence of paths
        One file or folder, or the files of a series.
    kind : {"auto", "bold", "stat", "anatomy", "mask", "atlas"}
        Kind of the images, if the user sets it.
    tr : float, optional
        Repetition time in seconds, if the user sets it.
    strict : bool
        Whether a BOLD series without a TR, or whose TR contradicts its JSON file, is an error; otherwise
        it gets a note.

    Returns
    -------
    Volume
        If the header of a BOLD series has no TR, or only a default value, the TR is that of its JSON file.

    Raises
    ------
    InputError
        If an image cannot be read; or its TR is missing or contradicted, and `strict`.
    """
    stated: Kind | None = None if kind == "auto" else kind
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    series = _read(files, stated, tr)
    if series.step_from == STATED or series.kind != "bold" or not series.is_series:
        return series
    if series.step is None or series.step_from == ASSUMED:
        found = _sidecar_steps(series)
        if found and len(found) == len(series.parts):
            steps = sorted(seconds for seconds, _ in found)
            if steps[-1] - steps[0] > SIDECAR_TOLERANCE * steps[0]:
                raise InputError(
                    "All files of a series must have the same TR, but their JSON files have from "
                    f"{steps[0]:g} s to {steps[-1]:g} s. Correct the wrong one, or set the TR "
                    "(data.tr, --tr)."
                )
            seconds, path = found[0]
            why = "has none" if series.step is None else "has only a default value"
            corrected = _read(files, stated, seconds)
            note = f"The TR of {seconds:g} s is from {path.name}, because the header {why}."
            return replace(
                corrected,
                kind=series.kind,
                kind_from=series.kind_from,
                step_from=path.name,
                notes=(note, *corrected.notes),
            )
    if problem := tr_problem(series):
        if strict:
            raise InputError(problem)
        series = replace(series, notes=(*series.notes, problem))
    return series


def _read(files: Sequence[str | Path], kind: Kind | None, tr: float | None) -> Volume:
    return read(files[0], kind=kind, tr=tr) if len(files) == 1 else read_series(files, kind=kind, tr=tr)


def tr_problem(series: Volume) -> str | None:
    """Describe the problem with the TR of a BOLD series; None if there is none, or the user set the TR.

    Parameters
    ----------
    series : Volume

    Returns
    -------
    str or None
        Requirement, finding and remedy.
    """
    if series.step_from == STATED or series.kind != "bold" or not series.is_series:
        return None
    if series.step is None and series.kind_from.endswith(GUESSED):
        return None  # treated as a stack of images; its notes report that
    if series.step is None:
        return (
            f"A BOLD series must have a TR, but {_name(series)} ({_kind_source(series)}) has none, neither "
            "in its header (pixdim[4]) nor in a JSON file (RepetitionTime). Set the TR (data.tr in a recipe, "
            "--tr), "
            'or, for a stack of maps, the kind (data.kind = "stat", --kind stat).'
        )
    for part in series.parts:
        stated = sidecar_step(Path(part.path))
        if stated is None or series.step_from == stated[1].name:
            continue
        seconds, path = stated
        if abs(series.step - seconds) > SIDECAR_TOLERANCE * seconds:
            return (
                f"The TR must fit the images, but the header of {Path(part.path).name} has {series.step:g} s "
                f"and {path.name} has {seconds:g} s. Correct the wrong one, or set the TR (data.tr in a "
                "recipe, --tr)."
            )
    return None


def sidecar_step(image: Path) -> tuple[float, Path] | None:
    """Read the repetition time from the JSON file of an image.

    Parameters
    ----------
    image : Path

    Returns
    -------
    (float, Path) or None
        Seconds, and the JSON file: the one with the image's own name; for a ``_bold`` file also inherited
        ones.
    """
    own = image.with_name(f"{stem(image)}.json")
    if (seconds := read_repetition_time(own)) is not None:
        return seconds, own
    # Maps made from a run can have its entities in their names, but they have no TR.
    return repetition_time(image) if stem(image).endswith("_bold") else None


def _sidecar_steps(series: Volume) -> list[tuple[float, Path]]:
    found = [sidecar_step(Path(part.path)) for part in series.parts]
    return [one for one in found if one is not None]


def _name(series: Volume) -> str:
    return Path(series.parts[0].path).name if series.parts else series.name or "this one"


def _kind_source(series: Volume) -> str:
    if series.kind_from == STATED:
        return "BOLD as set by the user"
    return f"BOLD by {series.kind_from}" if series.kind_from else "BOLD"
