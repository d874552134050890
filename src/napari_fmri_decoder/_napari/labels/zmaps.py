"""Z-maps of the series by its labels: computed in the background, saved, and shown in its place."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.forms.controls import check_box, push_button
from napari_fmri_decoder._napari.forms.lines import PathLine
from napari_fmri_decoder._napari.forms.model_form import ModelForm
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.step import Step, row
from napari_fmri_decoder._napari.labels.made_maps import MadeMaps, ZMapping
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import error_text, guard
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.reading import Watch
from napari_fmri_decoder._napari.qt.saving import announce, ask_file
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.viewer.folders import RUNS, folder_of, run_folder
from napari_fmri_decoder._napari.viewer.replace_series import replace_series
from napari_fmri_decoder._napari.viewer.save_paths import target
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import Stage
from napari_fmri_decoder.pipeline.zmapping import TABLE, ZMapsDone, write_zmaps
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.samples.labels.table import TableLabels
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.training.events import Progress
from napari_fmri_decoder.volumes.counted_reading import StoppedReading
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.volumes.volume import Volume

NO_SERIES = "Choose the series in the Prepare dock first."
NO_TIME = "Z-maps need a time series, but this is a stack of maps."
NO_LABELS = "Label the volumes first: press Apply above."
TIP = (
    "Compute one map per run and condition, or per trial, within the mask. Excluded labels are the "
    "baseline. The maps and their table are saved in a new folder."
)
FOLDER = "Each set of maps is saved in a new folder inside this one."
NO_MAPS = "Make z-maps first."
SAVE_TIP = (
    "Save the maps in one NIfTI file, with their names, position and orientation, and their labels in a "
    "table next to it."
)
IN_PLACE = (
    "The layer of the series then shows the maps with their labels, and its mask is kept. A viewer holds "
    "either time or maps along its first axis. The series stays on disk; open it again to go back."
)


class ZMapsView(Step):
    """The Z-maps section of the Labels dock; its form has the options of the maps.

    Parameters
    ----------
    dock : Dock
        Its session has the series, labels and mask.

    Attributes
    ----------
    folder : PathLine
    in_place : CheckBox
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__("zmaps", ModelForm(ZMapsConfig, name="options"))
        self.form.native.setObjectName("zmaps_form")
        self.session = dock.session
        self.work = self.session.part(ZMapping)
        self.form.append(PathLine(name="folder", label="Output folder", mode="d", value=str(RUNS)))
        prepare_control(self.folder, "zmaps_folder", "Output folder", FOLDER)
        self.append(check_box("in_place", "Replace the series by the maps", IN_PLACE, value=True))
        self.in_place.native.setObjectName("zmaps_in_place")
        self.make_button = push_button("make_zmaps", "Make z-maps", TIP)
        self.stop_button = push_button("stop_zmaps", "Stop", "Stop. No map is kept.")
        self.error = Message("zmaps_error")
        self.save_button = push_button("save_zmaps", "Save z-maps…", SAVE_TIP)
        self.append(row(self.make_button, self.stop_button, self.save_button))
        self.save_button.changed.connect(guard(self.error)(self._ask))
        self.make_button.changed.connect(guard(self.error)(self._make))
        self.stop_button.changed.connect(lambda _: self.stop())
        self.line = ProgressLine(self.work.progress)
        self.notes = text_label(name="zmaps_notes")
        self.add_native(self.error, self.line, self.notes)
        self.form.changed.connect(self._on_form)
        self.form.changed.connect(self._clear_error)
        dock.follow(self.work.changed, self.refresh)
        self._on_form()
        self.refresh()

    @property
    def job(self) -> Job | None:
        """The running job."""
        return self.work.job

    def _on_form(self) -> None:
        """Disable options that the selected response and drift do not use."""
        value = self.form.asdict()
        boxcar = value["hrf"] == "none"
        if not boxcar and value["lag"]:
            self.form.update(lag=0.0)
        self.form.enable("lag", None if boxcar else "A hemodynamic response has its own delay.")
        cosine, polynomial = value["drift"] == "cosine", value["drift"] == "polynomial"
        self.form.enable("high_pass", None if cosine else "Only a cosine drift has a high-pass cutoff.")
        self.form.enable("drift_order", None if polynomial else "Only a polynomial drift has an order.")
        self.form.enable("confounds_files", None if value["confounds"] else "Enter confound columns first.")
        self.form.show_meanings({"slice_time_ref": 0.5 if boxcar else 0.0})

    def _clear_error(self) -> None:
        self.work.error = ""
        self.error.clear()

    def refresh(self) -> None:
        """Update the controls."""
        if self.work.error:
            self.error.show_error(self.work.error)
        running = self.job is not None
        why = "Z-maps are being computed." if running else self._missing()
        set_available(self.make_button, why)
        set_available(self.stop_button, None if running else "No job is running.")
        set_available(self.save_button, self._cannot_save())
        self.line.setVisible(bool(self.line.text.text()))
        self.notes.setText(self.work.message)
        self.notes.setVisible(bool(self.work.message))

    def _missing(self) -> str:
        series, labeling = self.session.series, self.session.state.labeling
        if series is None:
            return NO_SERIES
        if series.step is None:
            return NO_TIME
        return "" if labeling.labels is not None and labeling.table is not None else NO_LABELS

    def make(self, *, wait: bool = True) -> None:
        """Compute the z-maps, and show them if `in_place` is checked.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If they cannot be computed, with the sentence that the dock shows.
        """
        self._make().wait_if(wait)

    def stop(self) -> None:
        """Stop the computation; no map is kept."""
        self.work.stop()
        self.line.set("Stopping…")

    def save(self, path: str | Path, *, wait: bool = True) -> None:
        """Save the maps in one file, and their labels in a table (.tsv) next to it.

        Parameters
        ----------
        path : str or Path
            Ends with .nii or .nii.gz; .nii.gz is added to a name without an ending.
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If they cannot be saved, with the sentence that the dock shows.
        """
        self._save(path).wait_if(wait)

    def _cannot_save(self) -> str | None:
        busy = "Z-maps are being computed or saved." if self.job is not None else None
        return busy or (NO_MAPS if self.work.made is None else None)

    def _ask(self) -> None:
        if self.work.made is not None:
            made = self.work.made
            path = ask_file(self.native, "Save z-maps", self.session, made.suggested, made.source)
            if path is not None:
                self._save(path)

    def _save(self, path: str | Path) -> Job:
        why, made = self._cannot_save(), self.work.made
        if why or made is None:
            raise InputError(why or NO_MAPS)
        file = target(self.session.viewer, path)
        table = made.table_for(file)

        def done(paths: list[Path]) -> None:
            self._end("")
            announce(self.session, paths)

        self.line.start(f"Saving {file.name}…")
        job = run_generator(
            partial(made.saving, file, table),
            owner=self.work.owner(),
            description=f"Saving {file.name}",
            on_event=lambda event: self.line.set(f"Saving {file.name}…", event),
            on_done=done,
            on_error=lambda error: self._end(f"Failed: {error}"),
            on_stopped=lambda: self._end("Stopped. No file was saved."),
        )
        self.line.follow(job, float)
        self.work.begin(job)
        return job

    def _make(self) -> Job:
        series, state = self.session.series, self.session.state
        labels, mask = state.labeling.labels, state.preparation.mask
        config = self.form.config()
        if missing := self._missing():
            raise InputError(missing)
        if series is None or labels is None:
            raise InputError(NO_SERIES if series is None else NO_LABELS)
        if not isinstance(config, ZMapsConfig):
            raise TypeError(f"The form must return a ZMapsConfig, but returned {type(config)}.")
        out = run_folder(Path(self.folder.value or RUNS).expanduser(), "zmaps", datetime.now())
        watch, owner, base = Watch(), self.work.owner(), folder_of(series)

        def steps() -> Generator[Any, None, None]:
            events = write_zmaps(watch.over(series), labels, config, out, base=base, mask=mask)
            try:
                yield from events
            except StoppedReading:
                yield Stage("Stopped")  # a worker notices a stop only between yields

        self.work.message = ""
        self._clear_error()
        self.line.start("Computing z-maps…")
        watch.job = run_generator(
            steps,
            owner=owner,
            description="Computing z-maps",
            on_event=partial(self._on_event, state.preparation.series, series),
            on_done=lambda _: self._end("Done."),
            on_error=self._on_error,
            on_stopped=lambda: self._end("Stopped. No map was kept."),
        )
        self.line.follow(watch.job, lambda: watch.done / series.n_volumes)
        self.work.begin(watch.job)
        return watch.job

    def _on_event(self, layer: Layer, series: Volume, event: object) -> None:
        match event:
            case Stage(text):
                self.line.set(text)
            case Progress(description, done, total):
                self.line.set(f"{description}: {done} of {total}", done / total)
            case ZMapsDone(folder, zmaps):
                self.work.made = MadeMaps(folder, series)
                self._on_written(layer, folder, zmaps.notes)

    def _on_written(self, layer: Layer, folder: Path, notes: tuple[str, ...]) -> None:
        """Show where the maps are, and the maps themselves if requested."""
        hint = "Open the folder in another window to see them."
        if self.in_place.value and self.session.state.preparation.series is layer:
            with guard(self.error):
                with all_or_nothing(self.session):
                    self._show(layer, folder)
                hint = 'To center them before decoding, select "Center runs" in Train, under Preparation.'
        self.work.message = "\n".join([f"Saved in {folder}.", hint, *notes])

    def _show(self, layer: Layer, folder: Path) -> None:
        """Replace the series by the maps: its layer and its table."""
        maps = read(folder)
        labels = TableLabels(table=str(folder / TABLE))
        table, _ = label_table(labels, maps, folder)
        replace_series(self.session, layer, maps)
        self.session.update(labels=labels, table=table, prepared=None, result=None)

    def _on_error(self, error: Exception) -> None:
        self.work.error = error_text(error)
        self._end("No map was made.")

    def _end(self, text: str) -> None:
        self.line.end(text)
        self.work.end()
