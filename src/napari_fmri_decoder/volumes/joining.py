"""Images of one grid, one after another: what several files are together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.files import stem
from napari_fmri_decoder.volumes.series import JoinedSeries
from napari_fmri_decoder.volumes.settling import ASSUMED, HOW_KIND, OURS, STATED

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Kind, Volume

SAME_TR = 1e-3
"""Part of the TR by which the headers of one series may differ, as rounding makes them."""


def joined(volumes: Sequence[Volume], files: Sequence[Path], kind: Kind | None, tr: float | None) -> Volume:
    """Join the volumes of several files.

    Parameters
    ----------
    volumes : sequence of Volume
        At least two.
    files : sequence of Path
        That they were read from, one each.
    kind, tr : optional
        What the user states of all of them.

    Raises
    ------
    InputError
        If one lies on another grid than the first, or steps at another TR.
    """
    first = volumes[0]
    for path, volume in zip(files, volumes, strict=True):
        if not volume.grid.same_as(first.grid):
            raise InputError(
                f"All files of a series must lie on one grid, but {path.name} has shape "
                f"{volume.shape[:3]} and origin {volume.affine[:3, 3].round(2).tolist()}, and "
                f"{files[0].name} has {first.shape[:3]} and {first.affine[:3, 3].round(2).tolist()}. "
                "Resample it first, or leave it out."
            )
        if volume.n_volumes == 1 and any(v.n_volumes > 1 and v.step for v in volumes):
            raise InputError(
                f"Each run must have at least two volumes, but {printable(path.name)} has 1: it was perhaps "
                "broken off. Leave it out."
            )
    step, step_from, notes = (tr, STATED, []) if tr is not None else _common_step(volumes, files)
    shown, by, said = _common_kind(volumes, kind, step)
    in_time = step is not None or shown == "bold"
    names = tuple(n for v, p in zip(volumes, files, strict=True) for n in _names(v, p))
    same_intent = len({(v.intent, v.intent_parameters) for v in volumes}) == 1
    intent_names = {v.intent_name for v in volumes}
    return replace(
        first,
        data=JoinedSeries([v.data for v in volumes]),
        kind=shown,
        step=step,
        names=() if in_time else names,
        name=files[0].parent.name,
        parts=tuple(part for v in volumes for part in v.parts),
        intent=first.intent if same_intent else None,
        intent_parameters=first.intent_parameters if same_intent else (),
        intent_name=first.intent_name if same_intent and len(intent_names) == 1 else "",
        notes=(*notes, *said, *_notes_of_all(volumes, files)),
        kind_from=by,
        step_from=step_from if step is not None else "",
    )


def _common_step(volumes: Sequence[Volume], files: Sequence[Path]) -> tuple[float | None, str, list[str]]:
    """Find the TR that all series share; single images have none of their own."""
    series = [(v, p) for v, p in zip(volumes, files, strict=True) if v.is_series]
    if not series:
        return None, "", []
    first, named = series[0]
    for volume, path in series:
        step, other = volume.step or 0.0, first.step or 0.0
        if abs(step - other) > SAME_TR * max(step, other):
            raise InputError(
                f"All files of a series must have one TR, but {path.name} has {_seconds(volume)} and "
                f"{named.name} has {_seconds(first)}. Correct the header that is wrong, or state the TR of "
                "all (data.tr, --tr)."
            )
    found = sorted({v.step for v, _ in series if v.step is not None})
    notes = []
    if found and found[-1] - found[0] > 1e-5 * found[0]:
        notes.append(
            f"The TR differs a little between the files, from {found[0]:g} s to {found[-1]:g} s; "
            f"{first.step:g} s is taken for all."
        )
    assumed = any(v.step_from == ASSUMED for v, _ in series)
    return first.step, ASSUMED if assumed else first.step_from, notes


def _seconds(volume: Volume) -> str:
    return "none" if volume.step is None else f"{volume.step} s"


def _common_kind(
    volumes: Sequence[Volume], kind: Kind | None, step: float | None
) -> tuple[Kind, str, list[str]]:
    """Find what the files are together: single images are a stack of maps unless a TR is stated."""
    if kind is not None:
        return kind, STATED, []
    first = volumes[0]
    if any(v.is_series for v in volumes):
        shown: Kind = first.kind if first.kind in ("stat", "bold") else "bold" if step else "stat"
        return shown, first.kind_from, []
    if step is not None:
        return "bold", STATED, []
    if first.kind in ("stat", "bold"):
        return "stat", first.kind_from, []
    if first.kind_from == OURS or all(v.kind in ("mask", "atlas") for v in volumes):
        return "stat", first.kind_from, []
    return (
        "stat",
        "their number",
        [
            f"{len(volumes)} single images are taken for a stack of maps, not for a series in time, and are "
            "not detrended or standardized by default. For the volumes of a scan state the TR: data.tr in a "
            f"recipe, --tr on the command line. {HOW_KIND}"
        ],
    )


def _notes_of_all(volumes: Sequence[Volume], files: Sequence[Path]) -> list[str]:
    """Give the notes of the files; what only some of them have, with their number and a name."""
    counts = Counter(note for v in volumes for note in dict.fromkeys(v.notes))
    said = []
    for note, n in counts.items():
        if n == len(volumes):
            said.append(note)
            continue
        name = next(p.name for v, p in zip(volumes, files, strict=True) if note in v.notes)
        said.append(f"{name if n == 1 else f'{n} of {len(volumes)} files, such as {name}'}: {note}")
    return said


def _names(volume: Volume, path: Path) -> list[str]:
    if volume.names:
        return list(volume.names)
    if not volume.is_series:
        return [stem(path)]
    return [f"{stem(path)} [{i}]" for i in range(volume.n_volumes)]
