"""Open the folder of a finished run: its data, settings and results, as after training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.qt.notifications import notify_note
from napari_fmri_decoder._napari.qt.reading import Watch
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.results.ask_images import NAMED, ask_images, ask_run
from napari_fmri_decoder._napari.results.recent_runs import remember_run
from napari_fmri_decoder._napari.results.saved_layers import (
    read_saved_layers,
    remove_saved_layers,
    show_saved_layers,
)
from napari_fmri_decoder._napari.results.session_from_recipe import (
    RecipeData,
    read_recipe_data,
    show_recipe_data,
    volumes_in_memory,
)
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.events import Stage
from napari_fmri_decoder.pipeline.moved_files import missing_paths, moved_to
from napari_fmri_decoder.pipeline.reopening import reopen_steps
from napari_fmri_decoder.pipeline.run_files import check_run_folder
from napari_fmri_decoder.pipeline.saved_run import read_saved_run
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.counted_reading import StoppedReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari import Viewer

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.volumes.volume import Volume


def open_run(
    viewer: Viewer, folder: str | Path, *, images: Path | None = None, ask: bool = True
) -> Job | None:
    """Open the folder of a finished run; it is shown in all docks, as after training.

    Parameters
    ----------
    viewer : napari Viewer
    folder : str or Path
    images : Path, optional
        Folder in which images and tables that were moved are looked for.
    ask : bool
        Whether to ask, once, for that folder if files of the run are missing. Without images, what the run
        folder holds is shown.

    Returns
    -------
    Job or None
        The work; None if the user canceled the question. Its errors are shown as notifications.

    Raises
    ------
    InputError
        If the folder contains no finished run, or another one is being opened.
    """
    folder = check_run_folder(folder)
    opener = Session.of(viewer).part(RunOpener)
    opener.check_idle()
    if ask and images is None:
        go_on, images = ask_images(viewer, folder)
        if not go_on:
            return None
    return opener.open(folder, images)


def choose_run(viewer: Viewer) -> Job | None:
    """Ask for a run folder, and open it; None if the user canceled.

    Raises
    ------
    InputError
        See `open_run`.
    """
    folder = ask_run(viewer)
    return None if folder is None else open_run(viewer, folder)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedRun:
    """What could be read of a run.

    Attributes
    ----------
    saved : SavedRun
    data : RecipeData
    result : RunResult or None
        None without its images; `saved.missing` says why.
    layers : list of Volume
        Images of the run folder, read if there is no result.
    notes : tuple of str
    """

    saved: SavedRun
    data: RecipeData
    result: RunResult | None
    layers: list[Volume]
    notes: tuple[str, ...]


class RunOpener(SessionJob):
    """Opens run folders, one at a time; get it by `session.part(RunOpener)`."""

    def check_idle(self) -> None:
        """Raise `InputError` if a run is being opened."""
        if self.job is not None:
            raise InputError("A run is being opened. Wait for it or stop it.")

    def open(self, folder: Path, images: Path | None = None) -> Job:
        """Start opening a run folder; see `open_run`."""
        self.check_idle()
        self._n = 1
        watch, owner = Watch(), self.owner()
        self.progress.start(f"Opening {folder.name}…")
        job = run_generator(
            partial(_opened_run, folder, images, watch, volumes_in_memory(self.session)),
            owner=owner,
            description=f"Opening {folder.name}",
            on_event=self._on_event,
            on_done=self._done,
            on_error=lambda error: self._ended(f"Not opened: {error}"),
            on_stopped=lambda: self._ended("Stopped. The run was not opened."),
        )
        watch.job = job
        self.progress.follow(job, lambda: min(watch.done / self._n, 1.0))
        self.begin(job)
        return job

    def _on_event(self, event: Any) -> None:
        if isinstance(event, Stage):
            self.progress.set(f"{event.text}…")
        elif isinstance(event, RecipeData) and event.series is not None:
            self._n = event.series.n_volumes

    def _ended(self, message: str) -> None:
        self.progress.end(message)
        self.end()

    def _done(self, opened: OpenedRun | None) -> None:
        if opened is None:
            self._ended("Stopped. The run was not opened.")
            return
        message = "The run could not be opened."
        try:
            with all_or_nothing(self.session):
                notes = _show(self.session, opened)
            message = f"Opened {opened.saved.folder.name}."
            remember_run(opened.saved.folder)
            notify_note(*notes)
        finally:
            self._ended(message)


def _opened_run(
    folder: Path, images: Path | None, watch: Watch, in_memory: Sequence[Volume]
) -> Steps[Any, OpenedRun | None]:
    """Read a run folder, then its images; without them, the layers of the folder."""
    try:
        saved = read_saved_run(folder)
        recipe = saved.recipe if images is None else moved_to(saved.recipe, images)
        saved = replace(saved, recipe=recipe)
        yield Stage("Opening the images")
        data = read_recipe_data(recipe, watch.over, folder, in_memory)
        yield data
        result, why = None, why_incomplete(recipe, data)
        if data.series is not None:
            yield Stage("Preparing the samples")
            try:
                result = yield from reopen_steps(saved, recipe, watch.over)
            except (InputError, OSError) as error:
                why = f"Only what the run folder holds is shown. {error}"
    except StoppedReading:
        yield  # a worker sees a stop only between yields
        return None
    if result is not None:
        if recipe.zmaps is not None:  # the maps were decoded, not the series that they were made of
            data = replace(data, series=result.prepared.series, table=result.prepared.table)
        return OpenedRun(saved, data, result, [], (*saved.notes, *data.notes, *data.missing))
    layers, unread = read_saved_layers(saved)
    saved = replace(saved, missing=why)
    return OpenedRun(saved, data, None, layers, (*saved.notes, *data.notes, saved.missing, *unread))


def why_incomplete(recipe: Recipe, data: RecipeData) -> str:
    """Say in one sentence why a run is shown without its images."""
    absent = [printable(Path(path).name) for path in missing_paths(recipe)]
    if not absent:
        return f"Only what the run folder holds is shown. {' '.join(data.missing)}"
    more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
    return (
        "Only what the run folder holds is shown, because files are missing: "
        f"{', '.join(absent[:NAMED])}{more}."
    )


def _show(session: Session, opened: OpenedRun) -> tuple[str, ...]:
    """Show the data and the results in the viewer, and set all docks."""
    session.update(recipe=opened.saved.recipe)
    messages = [text for text in show_recipe_data(session, opened.data) if text not in opened.data.missing]
    remove_saved_layers(session)
    if opened.result is not None:
        show_result(session, opened.result)
        session.update(result=opened.result, prepared=opened.result.prepared, saved=None)
    else:
        messages += show_saved_layers(session, opened.saved, opened.layers)
        session.update(result=None, prepared=None, saved=opened.saved)
    return (*opened.notes, *messages)
