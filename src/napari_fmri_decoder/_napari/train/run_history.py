"""The state of a run, as collected from its events, whether or not a dock shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.plots.curve_data import CurveData
from napari_fmri_decoder.pipeline import Prepared, Stage
from napari_fmri_decoder.training.events import (
    BatchDone,
    EpochDone,
    FitStarted,
    FoldDone,
    FoldStarted,
    Note,
    Progress,
)

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt import progress


class RunHistory:
    """Follows the events of a run.

    Parameters
    ----------
    line : Progress
        Shows the current step.

    Attributes
    ----------
    curves : CurveData
    notes : list of str
    """

    def __init__(self, line: progress.Progress) -> None:
        self._line = line
        self.curves = CurveData()
        self._reset()

    def _reset(self) -> None:
        self._stage, self._fold, self._place = "", "", (0, 1)
        self._epoch, self._epochs, self._batches = 0, 1, 1
        self._drawn = self._compared = False
        self._folds: set[int] = set()
        self.notes: list[str] = []

    @property
    def current_step(self) -> str:
        """The current step, as text."""
        return self._fold or self._stage

    @property
    def fitting(self) -> bool:
        """Whether a network is being trained."""
        return bool(self._fold)

    def start(self) -> None:
        """Clear everything for a new run."""
        self._reset()
        self.curves.set_why("")
        self.curves.clear()
        self.curves.set_chance(None)

    def on_event(self, event: Any) -> None:
        """Follow an event of `pipeline.run`."""
        match event:
            case Stage(text):
                self._stage, self._fold = text, ""
                self._line.set(f"{text}…")
            case Prepared():
                self.curves.set_chance(1 / len(event.samples.classes))
                self.curves.set_why(event.recipe.decoder.no_curves)
                self.add_notes(*event.notes)
            case FoldStarted(fold, n_folds, name):
                refit = fold >= n_folds
                # a repeated fold belongs to a compared network; the curves show only one network
                self._compared = not refit and (self._compared or fold in self._folds)
                self._folds.add(fold)
                self._place = (min(fold, n_folds), n_folds + 1)  # the final fit on all samples is the last
                self._fold = self._stage if refit else f"F{event.text[1:]}"
                self._name, self._drawn = name, False
            case FitStarted(epochs=epochs, batches=batches, train=train):
                self._epoch, self._epochs, self._batches = 0, epochs, batches
                if not self._compared:
                    self.curves.start_fold(self._name, epochs, validation=event.validation is not None)
                    if train is not None:
                        self.curves.add(0, train, event.validation or event.test)
                self._show_epoch(0.0)
            case BatchDone(batch=batch):
                self._show_epoch(batch / self._batches)
            case EpochDone(epoch, train):
                self._epoch, self._drawn = epoch, True
                if not self._compared:
                    self.curves.add(epoch, train, event.watched)
                self._show_epoch(0.0)
            case FoldDone() if self._compared:
                pass
            case FoldDone() if self._drawn:
                self.curves.end_fold()
            case FoldDone(result) if result.history:  # trained by a worker, or before a stop
                self.curves.add_fold(result)
            case Progress(what, done, total):
                self._line.set(f"{what.capitalize()}: {done} of {total}", done / max(total, 1))
            case Note(message):
                self.add_notes(message)

    def _show_epoch(self, part: float) -> None:
        """Show fold and epoch; `part` is the completed fraction of the next epoch."""
        first, folds = self._place
        done = min((self._epoch + part) / self._epochs, 1.0)
        epoch = min(self._epoch + 1, self._epochs)
        self._line.set(f"{self._fold}: epoch {epoch} of {self._epochs}", (first + done) / folds)

    def add_notes(self, *messages: str) -> None:
        """Add notes that are not there yet."""
        self.notes += [m for m in messages if m not in self.notes]
