"""Folders of input files and of runs."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from napari_fmri_decoder.volumes.volume import Volume

RUNS = Path.home() / "fmri-decoder"
"""Default folder for runs."""
_named: set[Path] = set()
"""Run folders that were named in this process."""


def folder_of(series: Volume) -> Path:
    """Folder of a series; paths of its labels and masks are relative to it."""
    return Path(series.parts[0].path).absolute().parent if series.parts else Path.cwd()


def run_folder(parent: Path, decoder: str, now: datetime) -> Path:
    """Name a new run folder that no other run uses: <date>_<time>_<decoder>."""
    stem = f"{now:%Y-%m-%d_%H-%M-%S}_{decoder}"
    paths = (parent / (stem if i == 1 else f"{stem}_{i}") for i in count(1))
    folder = next(path for path in paths if path not in _named and not path.exists())
    _named.add(folder)  # an earlier run may not have made its folder yet, or may remove it when it is stopped
    return folder
