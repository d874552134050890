"""The job that decodes at many places, and its map, which fills while it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder._napari.qt.notifications import error_text
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.viewer.color_bar import show_color_bar
from napari_fmri_decoder.pipeline import Stage
from napari_fmri_decoder.pipeline.where import (
    FOLDER,
    SUMMARY,
    CentersFound,
    CentersScored,
    WhereDone,
    where_of_prepared,
)
from napari_fmri_decoder.recipe import rebased
from napari_fmri_decoder.training.events import Progress
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.recipe.where_options import WhereConfig

EMPTY = 1e-3
"""Upper limit of the colors of a map without values."""


@dataclass(slots=True, eq=False)
class _Map:
    """Scores as they come.

    Attributes
    ----------
    found : CentersFound
    scores : (n,) float64 array
        NaN where there is none yet.
    chance : float
    name : str
    layer : Layer or None
        None until it is added.
    changed : bool
        Whether the layer lacks scores.
    """

    found: CentersFound
    scores: NDArray[np.float64]
    chance: float
    name: str
    layer: Layer | None = None
    changed: bool = False

    def volume(self) -> Volume:
        """Scores minus chance."""
        values = self.found.sets.paint(self.scores - self.chance, self.found.space)
        return Volume(values, self.found.space.grid.affine, "stat", name=self.name)


class WhereJob(SessionJob):
    """Decodes the samples of a finished run at many places; get it by `session.part(WhereJob)`.

    Attributes
    ----------
    folder : Path or None
        Of the run that is decoded.
    done : WhereDone or None
        What was found last.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.folder: Path | None = None
        self.done: WhereDone | None = None
        self._map: _Map | None = None
        self.progress.beat.connect(self._draw)

    def start(self, run: RunResult, where: WhereConfig) -> Job:
        """Decode at the places of `where`; the results go to a new folder in that of the run."""
        place, resume = free_place(run.folder)
        recipe = rebased(run.recipe.model_copy(update={"where": where}), run.folder, place)
        prepared = replace(run.prepared, recipe=recipe)
        self.folder, self.done, self._map = run.folder, None, None
        self.message = self.error = ""
        text = f"Decoding at {where.centers}"
        chance = 1 / len(prepared.samples.classes)

        def on_event(event: object) -> None:
            match event:
                case Stage(stage):
                    self.progress.set(stage)
                case Progress(what, done, total):
                    self.progress.set(f"{text}: {done} of {total} {what}", done / total)
                case CentersFound():
                    self._begin_map(event, f"{where.decoder.name} at {where.centers}", chance)
                case CentersScored(centers, scores) if self._map is not None:
                    self._map.scores[centers] = scores
                    self._map.changed = True
                case WhereDone():
                    self.done = event

        self.progress.start(f"{text}…")
        job = run_generator(
            partial(where_of_prepared, prepared, place, resume=resume),
            owner=self.owner(),
            description=text,
            on_event=on_event,
            on_done=lambda _: self._end(""),
            on_error=self._fail,
            on_stopped=lambda: self._end("Stopped. The same settings continue where it stopped."),
        )
        self.progress.follow(job, float)
        self.begin(job)
        return job

    def _begin_map(self, found: CentersFound, name: str, chance: float) -> None:
        scores = np.full(len(found.sets), np.nan)
        self._map = new = _Map(found, scores, chance, f"{name}: score minus chance")
        new.layer = self.session.add(new.volume())
        new.layer.contrast_limits = (-EMPTY, EMPTY)

    def _draw(self) -> None:
        """Show the scores that came since the last time."""
        shown = self._map
        if shown is None or not shown.changed:
            return
        shown.changed = False
        if shown.layer is not None and shown.layer in self.session.viewer.layers:
            self.session.show(shown.layer, shown.volume())
            top = float(np.nanmax(np.abs(shown.scores - shown.chance), initial=EMPTY))
            shown.layer.contrast_limits = (-top, top)
            show_color_bar(self.session.viewer, shown.layer, visible=True)

    def _fail(self, error: Exception) -> None:
        self.error = error_text(error)
        self._end("")

    def _end(self, text: str) -> None:
        self._draw()
        self.message = "\n".join(self.done.result.sentences()) if self.done else text
        self.progress.end("")
        self._map = None
        self.end()


def free_place(folder: Path) -> tuple[Path, bool]:
    """Find a folder for results in that of a run, and whether it holds a run to continue."""
    number = 1
    while (place := folder / (FOLDER if number == 1 else f"{FOLDER}-{number}")).exists():
        if not (place / SUMMARY).exists():
            return place, True
        number += 1
    return place, False


def last_place(folder: Path) -> Path | None:
    """Find the latest finished results in the folder of a run."""
    found = [path.parent for path in folder.glob(f"{FOLDER}*/{SUMMARY}")]
    return max(found, key=lambda path: (path / SUMMARY).stat().st_mtime, default=None)
