"""Open the images of a run: kind and TR as stated, else as found, and the TR held against JSON files.

Every entry point opens by this one function, so that each of them checks and reports the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids import repetition_time, stated_repetition_time
from napari_fmri_decoder.volumes.files import stem
from napari_fmri_decoder.volumes.read import read, read_series
from napari_fmri_decoder.volumes.settling import ASSUMED, GUESSED, STATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.volumes.volume import Kind, Volume

KindChoice = Literal["auto", "bold", "stat", "anatomy", "mask", "atlas"]
"""What images show, as options state it; auto finds it out."""
SIDECAR_TOLERANCE = 0.01
"""Part of the TR by which header and JSON file may differ."""


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
        What they show, where the user states it.
    tr : float, optional
        Seconds between volumes, where the user states them.
    strict : bool
        Whether a BOLD series without a TR, or with another than its JSON file states, is refused; else
        a note says so.

    Returns
    -------
    Volume
        A BOLD series whose header has no TR, or none that it means, has that of its JSON file.

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
                    "All files of a series must have one TR, but their JSON files state from "
                    f"{steps[0]:g} s to {steps[-1]:g} s. Correct the one that is wrong, or state the TR "
                    "(data.tr, --tr)."
                )
            seconds, path = found[0]
            why = "has none" if series.step is None else "does not mean its own"
            again = _read(files, stated, seconds)
            note = f"The TR of {seconds:g} s is that of {path.name}, as the header {why}."
            return replace(
                again,
                kind=series.kind,
                kind_from=series.kind_from,
                step_from=path.name,
                notes=(note, *again.notes),
            )
    if problem := tr_problem(series):
        if strict:
            raise InputError(problem)
        series = replace(series, notes=(*series.notes, problem))
    return series


def _read(files: Sequence[str | Path], kind: Kind | None, tr: float | None) -> Volume:
    return read(files[0], kind=kind, tr=tr) if len(files) == 1 else read_series(files, kind=kind, tr=tr)


def tr_problem(series: Volume) -> str | None:
    """Find what is wrong with the TR of a BOLD series; None where nothing is, or it was stated.

    Parameters
    ----------
    series : Volume

    Returns
    -------
    str or None
        What must hold, what was found, what to do.
    """
    if series.step_from == STATED or series.kind != "bold" or not series.is_series:
        return None
    if series.step is None and series.kind_from.endswith(GUESSED):
        return None  # taken for a stack of images, which its notes say
    if series.step is None:
        return (
            f"A BOLD series must have its TR, but {_name(series)}, which is one by {_by(series)}, has none: "
            "neither its header (pixdim[4]) nor a JSON file (RepetitionTime). State the TR (data.tr in a "
            'recipe, --tr), or, for a stack of maps, the kind (data.kind = "stat", --kind stat).'
        )
    for part in series.parts:
        stated = sidecar_step(Path(part.path))
        if stated is None or series.step_from == stated[1].name:
            continue
        seconds, path = stated
        if abs(series.step - seconds) > SIDECAR_TOLERANCE * seconds:
            return (
                f"The TR must fit the images, but the header of {Path(part.path).name} says {series.step:g} "
                f"s and {path.name} says {seconds:g} s. Correct the one that is wrong, or state the TR "
                "(data.tr in a recipe, --tr)."
            )
    return None


def sidecar_step(image: Path) -> tuple[float, Path] | None:
    """Read the seconds between volumes from the JSON file of an image.

    Parameters
    ----------
    image : Path

    Returns
    -------
    (float, Path) or None
        Of the JSON file under the image's own name; of a ``_bold`` file also of those that it inherits.
    """
    own = image.with_name(f"{stem(image)}.json")
    if (seconds := stated_repetition_time(own)) is not None:
        return seconds, own
    # Maps made of a run can bear its entities, but have no TR.
    return repetition_time(image) if stem(image).endswith("_bold") else None


def _sidecar_steps(series: Volume) -> list[tuple[float, Path]]:
    found = [sidecar_step(Path(part.path)) for part in series.parts]
    return [one for one in found if one is not None]


def _name(series: Volume) -> str:
    return Path(series.parts[0].path).name if series.parts else series.name or "this one"


def _by(series: Volume) -> str:
    return "what was stated" if series.kind_from == STATED else series.kind_from or "its kind"
