"""Runs that were trained or opened lately, remembered like the options of the docks."""

from __future__ import annotations

from pathlib import Path

from napari_fmri_decoder._napari.forms.remember import load, save
from napari_fmri_decoder.pipeline.run_files import is_run_folder

KEY = "recent_runs"
MOST = 50
"""Number of runs that are remembered."""


def recent_runs() -> list[Path]:
    """Return the folders of recent runs, the latest first; those that are gone are skipped."""
    folders = load(KEY).get("folders", [])
    paths = [Path(name) for name in folders if isinstance(name, str)] if isinstance(folders, list) else []
    return [path for path in paths if is_run_folder(path)]


def remember_run(folder: Path) -> None:
    """Put the folder of a run first among the recent runs."""
    folder = folder.absolute()
    known = load(KEY).get("folders", [])
    others = [name for name in known if name != str(folder)] if isinstance(known, list) else []
    save(KEY, {"folders": [str(folder), *others][:MOST]})
