"""Questions before a run is opened: which folder, and where its images are now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_fmri_decoder._napari.results.recent_runs import recent_runs
from napari_fmri_decoder.pipeline.inputs import found_again
from napari_fmri_decoder.pipeline.moved_files import common_folder, missing_paths
from napari_fmri_decoder.pipeline.run_files import RECIPE
from napari_fmri_decoder.recipe import load_recipe, rebased
from napari_fmri_decoder.text import printable

if TYPE_CHECKING:
    from napari import Viewer
    from qtpy.QtWidgets import QWidget

NAMED = 3
"""Largest number of missing files that the question names."""


def ask_run(viewer: Viewer) -> Path | None:
    """Ask for a run folder; None if the user canceled."""
    recent = recent_runs()
    start = str(recent[0].parent) if recent else ""
    folder = QFileDialog.getExistingDirectory(_window(viewer), "Open run: choose its folder", start)
    return Path(folder) if folder else None


def ask_images(viewer: Viewer, folder: Path) -> tuple[bool, Path | None]:
    """Ask where the files of a run are now, if some are missing.

    Returns
    -------
    go_on : bool
        Whether to open the run.
    images : Path or None
        The folder of its files; None if none are missing, or if it is to be opened without them.

    Raises
    ------
    InputError
        If the recipe of the run cannot be read.
    """
    recipe, _ = found_again(load_recipe(folder / RECIPE), folder)
    absent = missing_paths(rebased(recipe, folder, None))
    if not absent:
        return True, None
    box = QMessageBox(_window(viewer))
    box.setObjectName("missing_images")
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Open run")
    box.setText(missing_question(absent))
    choose = box.addButton("Choose folder…", QMessageBox.ButtonRole.AcceptRole)
    without = box.addButton("Open without them", QMessageBox.ButtonRole.NoRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    if box.clickedButton() is without:
        return True, None
    if box.clickedButton() is not choose:
        return False, None
    title = "Folder that contains the files now"
    chosen = QFileDialog.getExistingDirectory(_window(viewer), title, str(folder))
    return bool(chosen), Path(chosen) if chosen else None


def missing_question(absent: list[str]) -> str:
    """Write the question for missing files."""
    names = [printable(Path(path).name) for path in absent]
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return (
        f"{'A file' if len(names) == 1 else f'{len(names)} files'} of this run "
        f"{'is' if len(names) == 1 else 'are'} no longer in {printable(common_folder(absent))}: {listed}. "
        "Where is the folder now? Any folder above the files will do."
    )


def _window(viewer: Viewer) -> QWidget | None:
    window: QWidget | None = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window
