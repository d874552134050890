"""Z-maps from the series and its labels: made in the background, written, and shown in its place."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.boxes import PathEdit
from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.forms import Form
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.recipe_of_session import RUNS, base_of, run_folder
from napari_fmri_decoder._napari.showing import show_in_place
from napari_fmri_decoder._napari.watch import Watch
from napari_fmri_decoder._napari.widgets.parts import beside, push_button
from napari_fmri_decoder._napari.widgets.run_view import ProgressLine
from napari_fmri_decoder._napari.work import Work
from napari_fmri_decoder._napari.workers import run_generator
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.null import Progress
from napari_fmri_decoder.pipeline import Stage
from napari_fmri_decoder.pipeline.zmapping import TABLE, ZMapsDone, write_zmaps
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.labels.table import TableLabels
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.volumes.nifti import read
from napari_fmri_decoder.volumes.watched import StoppedReading

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.docks import Dock
    from napari_fmri_decoder._napari.workers import Job

NO_SERIES = "Choose the series in the dock Prepare first."
NO_TIME = "Z-maps are made of a series in time; this is a stack of maps."
NO_LABELS = "Give each volume its label first: press Apply above."
TIP = (
    "Make one map per run and condition, or per trial, of the series within its mask, by these labels: "
    "excluded labels are the baseline. They are written with their table into a folder of their own."
)
IN_PLACE = (
    "The layer of the series shows the maps then, with their labels, and its mask stays: a viewer holds "
    "either seconds or maps along its first axis. The series itself stays on disk; open it again to go back."
)


class ZMapping(Work):
    """The z-maps that a session makes; its line says how far they are."""


class ZMapsView(QWidget):
    """The section Z-maps of the dock Labels.

    Parameters
    ----------
    dock : Dock
        Its session says which series, labels and mask there are.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.session = dock.session
        self.work = self.session.part(ZMapping)
        self.form = Form(ZMapsConfig)
        self.form.setObjectName("zmaps_form")
        self.folder = PathEdit("folder", "Folder for z-maps")
        self.folder.setObjectName("zmaps_folder")
        self.folder.setToolTip("<p>Each time the maps get a folder of their own in here.</p>")
        self.folder.line.setText(str(RUNS))
        self.in_place = QCheckBox("Show them in place of the series")
        self.in_place.setObjectName("zmaps_in_place")
        self.in_place.setChecked(True)
        self.in_place.setToolTip(f"<p>{IN_PLACE}</p>")
        self.make = push_button("make_zmaps", "Make z-maps")
        self.stop = push_button("stop_zmaps", "Stop")
        self.make.clicked.connect(self._make)
        self.stop.clicked.connect(self._stop)
        self.line = ProgressLine(self.work.progress)
        self.notes = words(name="zmaps_notes")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        for part in (
            self.form,
            QLabel("Write into"),
            self.folder,
            self.in_place,
            beside(self.make, self.stop),
        ):
            rows.addWidget(part)
        rows.addWidget(self.line)
        rows.addWidget(self.notes)
        self.form.changed.connect(self._on_form)
        dock.follow(self.work.changed, self.refresh)
        self._on_form()
        self.refresh()

    @property
    def job(self) -> Job | None:
        """What is running."""
        return self.work.job

    def _on_form(self) -> None:
        """Grey what the chosen response and drift do not look at."""
        value = self.form.value()
        boxcar = value["hrf"] == "none"
        if not boxcar and value["lag"]:
            self.form.set_values({"lag": 0.0})
        self.form.enable("lag", None if boxcar else "A haemodynamic response has its own delay.")
        self.form.enable("high_pass", None if value["drift"] == "cosine" else "The drift has no cosines.")
        polynomial = value["drift"] == "polynomial"
        self.form.enable("drift_order", None if polynomial else "The drift is no polynomial.")
        self.form.enable("confounds_files", None if value["confounds"] else "Name the columns first.")
        self.form.set_automatic({"slice_time_ref": 0.5 if boxcar else 0.0})

    def refresh(self) -> None:
        """Enable what can be done; grey the rest, and say why."""
        running = self.job is not None
        why = "Z-maps are being made." if running else self._missing()
        self.make.setEnabled(not why)
        self.make.setToolTip(f"<p>{TIP}</p>" + (f"<p><b>{escape(why)}</b></p>" if why else ""))
        self.stop.setEnabled(running)
        idle = "" if running else "<p><b>Nothing is running.</b></p>"
        self.stop.setToolTip(f"<p>Stop; no map is kept then.</p>{idle}")
        self.line.setVisible(bool(self.line.text.text()))
        self.notes.setText(self.work.said)
        self.notes.setVisible(bool(self.work.said))

    def _missing(self) -> str:
        series, state = self.session.series, self.session.state
        if series is None:
            return NO_SERIES
        if series.step is None:
            return NO_TIME
        return "" if state.labels is not None and state.table is not None else NO_LABELS

    @guard()
    def _make(self) -> None:
        series, state = self.session.series, self.session.state
        config = self.form.config()
        if series is None or (missing := self._missing()):
            raise InputError(NO_SERIES if series is None else missing)
        if not isinstance(config, ZMapsConfig):
            raise TypeError(f"The form must make a ZMapsConfig, made {type(config)}.")
        out = run_folder(Path(self.folder.line.text().strip() or RUNS).expanduser(), "zmaps", datetime.now())
        watch, owner, base = Watch(), self.work.owner(), base_of(series)

        def steps() -> Generator[Any, None, None]:
            events = write_zmaps(watch.over(series), state.labels, config, out, base=base, mask=state.mask)
            try:
                yield from events
            except StoppedReading:
                yield Stage("Stopped")  # a worker sees a stop only between yields

        self.work.said = ""
        self.line.start("Making z-maps…")
        watch.job = run_generator(
            steps,
            owner=owner,
            description="Making z-maps",
            on_event=partial(self._hear, state.series),
            on_done=lambda _: self._end("Done."),
            on_error=lambda error: self._end(f"Failed: {error}"),
            on_stopped=lambda: self._end("Stopped; no map was kept."),
        )
        self.line.follow(watch.job, lambda: watch.done / series.n_volumes)
        self.work.begin(watch.job)

    def _hear(self, layer: Layer, event: object) -> None:
        match event:
            case Stage(text):
                self.line.set(text)
            case Progress(what, done, total):
                self.line.set(f"{what}: {done} of {total}", done / total)
            case ZMapsDone(folder, made):
                self._written(layer, folder, made.notes)

    def _written(self, layer: Layer, folder: Path, notes: tuple[str, ...]) -> None:
        """Say where the maps are, and show them where that is asked for."""
        where = "Open the folder in another window to look at them."
        if self.in_place.isChecked() and self.session.state.series is layer:
            with guard():
                with self.session.all_or_nothing():
                    self._show(layer, folder)
                where = 'To decode them centred, tick "Center runs" in Train, under Preparation.'
        self.work.said = "\n".join([f"Written to {folder}.", where, *notes])

    def _show(self, layer: Layer, folder: Path) -> None:
        """Put the maps in the place of the series: its layer, its table."""
        maps = read(folder)
        labels = TableLabels(table=str(folder / TABLE))
        table, _ = label_table(labels, maps, folder)
        show_in_place(self.session, layer, maps)
        self.session.update(labels=labels, table=table, prepared=None, result=None)

    def _end(self, text: str) -> None:
        self.line.end(text)
        self.work.end()

    def _stop(self) -> None:
        self.work.stop()
        self.line.set("Stopping…")
