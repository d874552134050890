"""Text tables about images and datasets: one row per image or run, or all header values of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.files import natural_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.samples.bids.dataset import BidsRun

_COLUMNS = {
    "shape": "shape",
    "kind": "kind",
    "orientation": "axes",
    "oblique": "oblique",
    "voxel_mm": "voxel mm",
    "TR_s": "TR s",
    "origin_mm": "origin mm",
    "file": "file",
}
_UNITS = {"oblique": " degrees", "TR_s": " s", "voxel_mm": " mm", "origin_mm": " mm", "centre_mm": " mm"}


def table(rows: list[dict[str, Any]]) -> str:
    """One line per image; the line of an unreadable image contains its error."""
    lines = [list(_COLUMNS.values())]
    lines += [[_cell(row[name]) for name in _COLUMNS] for row in rows if "error" not in row]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_COLUMNS) - 1)]
    shown = iter("  ".join([*map(str.ljust, line, widths), line[-1]]) for line in lines)
    text = [next(shown)]
    for row in rows:
        text.append(printable(f"{row['file']}: {row['error']}") if "error" in row else next(shown))
    return "\n".join(text)


def runs_table(runs: Sequence[BidsRun]) -> str:
    """One line per run of a dataset, followed by the subjects, sessions, tasks, runs and spaces."""
    columns = ("subject", "session", "task", "run", "space")
    lines = [[*columns, "missing", "file"]]
    for run in runs:
        not_downloaded = [f"{name} (content not downloaded)" for name in run.absent]
        missing = ", ".join([*run.missing, *not_downloaded]) or "nothing"
        lines.append([*(_cell(getattr(run, name)) for name in columns), missing, printable(run.bold.name)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    text = ["  ".join([*map(str.ljust, line, widths), line[-1]]) for line in lines]
    counts = {f"{name}s": sorted({getattr(run, name) for run in runs}, key=natural_key) for name in columns}
    text += [f"{name}: {', '.join(map(_cell, values))}" for name, values in counts.items()]
    return "\n".join(text)


def block(row: dict[str, Any]) -> str:
    """Everything known about one image, one line per property."""
    lines: list[tuple[str, str]] = []
    for name, value in row.items():
        if name in ("sform", "qform") and isinstance(value, dict):
            lines.append((name, f"{value['name']} (code {value['code']})"))
            lines += [("", _cell(line)) for line in (value["affine"] or ())[:3]]
        elif name == "affine":
            lines += [(name if i == 0 else "", _cell(line)) for i, line in enumerate(value[:3])]
        elif name == "notes":
            lines += [("note", printable(note)) for note in value]
        else:
            lines.append((name, _cell(value) + (_UNITS.get(name, "") if value is not None else "")))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:>{width}}  {value}".rstrip() for name, value in lines)


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(_cell, value)) or "-"
    if isinstance(value, float):
        return f"{value:g}"
    return "-" if value is None or value == "" else printable(value)
