"""The Start page: open data, a BIDS folder, a sample or a run; then what is done and what comes next."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QGridLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.guide.samples import SAMPLES, SampleOpener
from napari_fmri_decoder._napari.guide.steps import next_step, steps
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.docks import PLUGIN, go_to, open_dock
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.sections import native_row, section, text_label
from napari_fmri_decoder._napari.results.open_run import RunOpener, choose_run
from napari_fmri_decoder._napari.view.recent_list import RecentList
from napari_fmri_decoder._napari.view.tour import Tour
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.run_files import is_run_folder
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.files import has_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets import PushButton
    from qtpy.QtWidgets import QLabel

    from napari_fmri_decoder._napari.qt.dock import Dock

DATA = "Open images: a 4-D series, an anatomy, a map, or several files of one series."
MAPS = "Open a folder of z-maps as one series, in natural order of the file names."
BIDS = "Choose runs of a BIDS or fMRIPrep folder; their events become the labels."
RUN = "Open the folder of a finished run: its data, settings and results, as after training."
TOUR = "Visit the controls from data to activations, in eight stops. Changes nothing."
BUSY = "A sample is being opened."
READER = (
    "If napari asks <i>Choose reader</i> for a file that you drop on the window, choose "
    f"<b>{PLUGIN}</b>, check <i>Remember this choice…</i> and press OK; it does not ask again."
)
FILTER = (
    "Brain images (*.nii *.nii.gz *.mgh *.mgz *.img *.img.gz *.hdr *.hdr.gz *.HEAD *.BRIK *.BRIK.gz);;"
    "All files (*)"
)


class StartPage(QWidget):
    """The first page of the View dock.

    Parameters
    ----------
    dock : Dock

    Attributes
    ----------
    open_data, open_maps, open_bids, open_run, tour_button : PushButton
    recent : RecentList
        The latest runs, each with a button that opens it.
    samples : dict of PushButton
        By the name of the sample.
    message : QLabel
        What to press next after a sample was opened, and what to expect.
    goes : list of PushButton
        One per step: shows the control that does it.
    texts : list of QLabel
        What was done, or what is missing.
    tour : Tour
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._dock, self._session = dock, dock.session
        self._opener = self._session.part(SampleOpener)
        self.tour = Tour(dock)
        self.open_data = _button("open_data", "Images…", DATA, self.choose_images)
        self.open_maps = _button("open_maps", "Folder of maps…", MAPS, self.choose_maps)
        self.open_bids = _button("open_bids_folder", "BIDS folder…", BIDS, self.choose_bids)
        self.open_run = _button("open_run", "Run…", RUN, self.choose_run)
        self.recent = RecentList(dock.viewer)
        self.samples = {
            name: _button(f"sample_{name}", sample.title, sample.about, partial(self.open_sample, name))
            for name, sample in SAMPLES.items()
        }
        self.line = ProgressLine(self._opener.progress)
        self.message = text_label(name="sample_message")
        self.tour_button = _button("start_tour", "Tour", TOUR, self.tour.start)
        states = steps(self._session)
        self.goes = [
            _button(f"step_{i}", state.title, f"Show the control: {state.title}.", partial(self.go, i))
            for i, state in enumerate(states)
        ]
        self.texts = [text_label(name=f"step_{i}_text") for i in range(len(states))]
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2, 4, 2, 4)
        for part in (
            section(
                "Open your data",
                native_row(self.open_data.native, self.open_maps.native),
                native_row(self.open_bids.native, self.open_run.native),
                self.recent,
                text_label(READER, "reader_note"),
                name="section_open",
            ),
            section(
                "Open a sample with all settings",
                *(button.native for button in self.samples.values()),
                self.line,
                self.message,
                name="section_samples",
            ),
            section("Steps", self._grid(), self.tour_button.native, name="section_steps"),
        ):
            rows.addWidget(part)
        rows.addStretch(1)
        dock.follow(self._session.changed, self._on_changed)
        dock.follow(self._session.layers_changed, self.refresh)
        dock.follow(self._opener.changed, self.refresh)
        dock.follow(self._session.part(RunOpener).changed, self.recent.refresh)
        self.refresh()

    def _grid(self) -> QWidget:
        """The steps: a button each, and next to it what is done or missing."""
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for row, (go, text) in enumerate(zip(self.goes, self.texts, strict=True)):
            grid.addWidget(go.native, row, 0)
            grid.addWidget(text, row, 1)
        return widget

    def _on_changed(self, name: str) -> None:
        if name not in ("point", "radiological", "frame", "angles", "pivot"):
            self.refresh()
        if name in ("result", "saved"):
            self.recent.refresh()

    def refresh(self) -> None:
        """Show what is done, what comes next, and what is missing."""
        states = steps(self._session)
        following = next_step(states)
        for i, (state, go, text) in enumerate(zip(states, self.goes, self.texts, strict=True)):
            mark = "\u2713 " if state.done else "\u25b6 " if i == following else ""
            go.text = f"{mark}{state.title}"
            go.native.setProperty("next", i == following)
            _set_text(text, f"<b>Next:</b> {state.text}" if i == following else state.text)
        busy = self._opener.job is not None
        for button in self.samples.values():
            set_available(button, BUSY if busy else None)
        self.line.setVisible(busy)
        _set_text(self.message, self._opener.message)
        self.message.setVisible(bool(self._opener.message) and not busy)

    def go(self, step: int) -> None:
        """Show the control that does a step."""
        state = steps(self._session)[step]
        go_to(self._dock.viewer, state.dock, state.control)

    def open_sample(self, name: str) -> None:
        """Start opening a sample with all its settings."""
        self._opener.open(name)

    def choose_images(self) -> None:
        """Ask for files, and open them; napari does not ask for a reader."""
        files, _ = QFileDialog.getOpenFileNames(self, "Open images", "", FILTER)
        if files:
            self._open(files)

    def choose_maps(self) -> None:
        """Ask for a folder of maps, and open it as one series."""
        folder = QFileDialog.getExistingDirectory(self, "Open a folder of maps", "")
        if folder:
            self._open([folder])

    def _open(self, paths: list[str]) -> None:
        """Open images, a folder of them, or a run folder; for anything else napari would raise an error."""
        for path in map(Path, paths):
            if not has_images(path) and not is_run_folder(path):
                kind = "contains none" if path.is_dir() else "is not one"
                raise InputError(
                    "Images must be NIfTI, MGH, Analyze or AFNI files, or a folder of them, but "
                    f"{printable(path)} {kind}. Choose other files."
                )
        self._dock.viewer.open(paths if len(paths) > 1 else paths[0], plugin=PLUGIN)

    def choose_bids(self) -> None:
        """Ask for a BIDS folder, and show its runs in Labels."""
        folder = QFileDialog.getExistingDirectory(self, "Open a BIDS or fMRIPrep folder", "")
        if folder:
            viewer = self._dock.viewer
            open_dock(viewer, "Train")  # its tab is there when the labels are done
            labels = open_dock(viewer, "Labels")
            labels.bids.folder.value = folder
            go_to(viewer, "Labels", "open_bids")

    def choose_run(self) -> None:
        """Ask for a run folder, and open it."""
        choose_run(self._dock.viewer)


def _button(name: str, text: str, tip: str, slot: Callable[..., Any]) -> PushButton:
    button = push_button(name, text, tip)
    button.changed.connect(guard()(slot))
    return button


def _set_text(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
