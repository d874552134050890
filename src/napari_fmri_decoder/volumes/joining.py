"""Join images on the same grid into one series or stack of maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.files import stem
from napari_fmri_decoder.volumes.kind_and_tr import ASSUMED, HOW_KIND, OURS, STATED
from napari_fmri_decoder.volumes.series import JoinedSeries

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Kind, Volume

SAME_TR = 1e-3
"""Relative difference between TRs that is attributed to rounding in headers."""


def join_volumes(
    volumes: Sequence[Volume], files: Sequence[Path], kind: Kind | None, tr: float | None
) -> Volume:
    """Join the volumes of several files.

    Parameters
    ----------
    volumes : sequence of Volume
        At least two.
    files : sequence of Path
        The file that each volume was read from.
    kind, tr : optional
        As stated by the user for all files.

    Raises
    ------
    InputError
        If a file has another grid or another TR than the first.
    """
    first = volumes[0]
    for path, volume in zip(files, volumes, strict=True):
        if not volume.grid.same_as(first.grid):
            raise InputError(
                f"All files of a series must have the same grid, but {path.name} has shape "
                f"{volume.shape[:3]} and origin {volume.affine[:3, 3].round(2).tolist()}, and "
                f"{files[0].name} has {first.shape[:3]} and {first.affine[:3, 3].round(2).tolist()}. "
                "Resample it first, or exclude it."
            )
        if volume.n_volumes == 1 and any(v.n_volumes > 1 and v.step for v in volumes):
            raise InputError(
                f"Each run must have at least two volumes, but {printable(path.name)} has 1: the scan may "
                "have been aborted. Exclude the file."
            )
    step, step_from, notes = (tr, STATED, []) if tr is not None else _common_step(volumes, files)
    joint_kind, by, kind_notes = _common_kind(volumes, kind, step)
    in_time = step is not None or joint_kind == "bold"
    names = tuple(n for v, p in zip(volumes, files, strict=True) for n in _names(v, p))
    same_intent = len({(v.intent, v.intent_parameters) for v in volumes}) == 1
    intent_names = {v.intent_name for v in volumes}
    return replace(
        first,
        data=JoinedSeries([v.data for v in volumes]),
        kind=joint_kind,
        step=step,
        names=() if in_time else names,
        name=files[0].parent.name,
        parts=tuple(part for v in volumes for part in v.parts),
        intent=first.intent if same_intent else None,
        intent_parameters=first.intent_parameters if same_intent else (),
        intent_name=first.intent_name if same_intent and len(intent_names) == 1 else "",
        notes=(*notes, *kind_notes, *_common_notes(volumes, files)),
        kind_from=by,
        step_from=step_from if step is not None else "",
    )


def _common_step(volumes: Sequence[Volume], files: Sequence[Path]) -> tuple[float | None, str, list[str]]:
    """Find the TR that all series share; single images have none."""
    series = [(v, p) for v, p in zip(volumes, files, strict=True) if v.is_series]
    if not series:
        return None, "", []
    first, first_path = series[0]
    for volume, path in series:
        step, other = volume.step or 0.0, first.step or 0.0
        if abs(step - other) > SAME_TR * max(step, other):
            raise InputError(
                f"All files of a series must have the same TR, but {path.name} has {_tr(volume)} and "
                f"{first_path.name} has {_tr(first)}. Correct the wrong header, or state the TR of "
                "all files (data.tr, --tr)."
            )
    found = sorted({v.step for v, _ in series if v.step is not None})
    notes = []
    if found and found[-1] - found[0] > 1e-5 * found[0]:
        notes.append(
            f"The TR differs slightly between the files, from {found[0]:g} s to {found[-1]:g} s; "
            f"{first.step:g} s is used for all."
        )
    assumed = any(v.step_from == ASSUMED for v, _ in series)
    return first.step, ASSUMED if assumed else first.step_from, notes


def _tr(volume: Volume) -> str:
    return "none" if volume.step is None else f"{volume.step} s"


def _common_kind(
    volumes: Sequence[Volume], kind: Kind | None, step: float | None
) -> tuple[Kind, str, list[str]]:
    """Find the kind of the joined files: single images are a stack of maps unless a TR is stated."""
    if kind is not None:
        return kind, STATED, []
    first = volumes[0]
    if any(v.is_series for v in volumes):
        joint: Kind = first.kind if first.kind in ("stat", "bold") else "bold" if step else "stat"
        return joint, first.kind_from, []
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
            f"{len(volumes)} single images are treated as a stack of maps, not as a time series, and are "
            "not detrended or standardized by default. For the volumes of a scan state the TR: data.tr in a "
            f"recipe, --tr on the command line. {HOW_KIND}"
        ],
    )


def _common_notes(volumes: Sequence[Volume], files: Sequence[Path]) -> list[str]:
    """Collect the notes of the files; if only some have a note, add how many, and the name of one."""
    counts = Counter(note for v in volumes for note in dict.fromkeys(v.notes))
    notes = []
    for note, n in counts.items():
        if n == len(volumes):
            notes.append(note)
            continue
        name = next(p.name for v, p in zip(volumes, files, strict=True) if note in v.notes)
        notes.append(f"{name if n == 1 else f'{n} of {len(volumes)} files, such as {name}'}: {note}")
    return notes


def _names(volume: Volume, path: Path) -> list[str]:
    if volume.names:
        return list(volume.names)
    if not volume.is_series:
        return [stem(path)]
    return [f"{stem(path)} [{i}]" for i in range(volume.n_volumes)]
