"""The learning curves of a run, independent of the plots that show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.evaluation.history import mean_curves
from napari_fmri_decoder.training.events import Quality

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.training.events import FoldResult


@dataclass(slots=True)
class FoldCurves:
    """The curves of one fold; a row has epoch, loss, val_loss, accuracy, val_accuracy."""

    name: str
    epochs: int
    rows: list[tuple[float, ...]] = field(default_factory=list)
    watched: str = "test"
    done: bool = False


class CurveData:
    """Learning curves that grow during a run.

    Attributes
    ----------
    folds : list of FoldCurves
        The last one is the current fold.
    chance : float or None
        Chance accuracy.
    why : str
        Why there are no curves; empty if there will be some.
    top : float
        Upper end of the loss axis.
    version : int
        Number of changes, so that a plot knows whether to draw.
    """

    def __init__(self) -> None:
        self.folds: list[FoldCurves] = []
        self.chance: float | None = None
        self.why = ""
        self.top = 1.0
        self.version = 0

    def clear(self) -> None:
        """Remove all curves."""
        self.folds.clear()
        self.top = 1.0
        self.version += 1

    def set_why(self, why: str) -> None:
        """Set why there are no curves; "" if there will be some."""
        self.why = why
        self.version += 1

    def set_chance(self, chance: float | None) -> None:
        """Set the chance accuracy."""
        self.chance = chance
        self.version += 1

    def start_fold(self, name: str, epochs: int, *, validation: bool = False) -> None:
        """Start new curves; see `CurvesPlot.start_fold`."""
        self.folds.append(FoldCurves(name, epochs, watched="validation" if validation else "test"))
        self.version += 1

    def add(self, epoch: int, train: Quality, test: Quality | None = None) -> None:
        """Add loss and accuracy after an epoch; epoch 0 is the untrained network."""
        if not self.folds:
            self.start_fold("", epoch)
        fold = self.folds[-1]
        fold.epochs = max(fold.epochs, epoch)
        held_out = (test.loss, test.accuracy) if test is not None else (np.nan, np.nan)
        fold.rows.append((epoch, train.loss, held_out[0], train.accuracy, held_out[1]))
        largest = np.nanmax([train.loss, held_out[0], 0])
        if np.isfinite(largest) and largest > self.top:
            self.top = 1.2 * float(largest)
        self.version += 1

    def end_fold(self) -> None:
        """Finish the current fold: it now counts in the mean."""
        if self.folds:
            self.folds[-1].done = True
            self.version += 1

    def add_fold(self, result: FoldResult) -> None:
        """Add all curves of a finished fold."""
        epochs = max((event.epoch for event in result.history), default=1)
        validation = result.untrained_validation
        self.start_fold(result.split.name, epochs, validation=validation is not None)
        if result.untrained_train is not None:
            self.add(0, result.untrained_train, validation or result.untrained_test)
        for event in result.history:
            self.add(event.epoch, event.train, event.watched)
        self.end_fold()

    def show_run(self, run: RunResult | SavedRun) -> None:
        """Show all curves of a finished run in place of those so far."""
        self.clear()
        self.set_chance(run.scores.chance)
        self.set_why(run.recipe.decoder.no_curves)
        history, chosen = run.history, run.recipe.training.resolved(run.recipe.decoder).validation
        for score in run.scores.folds:
            rows = history[history["fold"] == score.fold]
            if rows.empty:
                continue
            self.start_fold(score.name, int(rows["epoch"].max()), validation=chosen != "none")
            values = rows[["loss", "accuracy", "val_loss", "val_accuracy"]].to_numpy(float).tolist()
            for epoch, (loss, accuracy, held_out, right) in zip(rows["epoch"].tolist(), values, strict=True):
                self.add(epoch, Quality(loss, accuracy), Quality(held_out, right))
            self.end_fold()

    def mean(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(epochs, 5) mean of the finished folds, columns as in a fold; empty for fewer than two."""
        rows = [np.array(fold.rows) for fold in self.folds if fold.done and fold.rows]
        return mean_curves(rows) if len(rows) > 1 else np.empty((0, 5))

    def table(self) -> pd.DataFrame:
        """One row per fold and epoch: fold, epoch, loss, accuracy, val_loss, val_accuracy."""
        rows = [(fold.name, *row) for fold in self.folds for row in fold.rows]
        frame = pd.DataFrame(rows, columns=["fold", "epoch", "loss", "val_loss", "accuracy", "val_accuracy"])
        return frame[["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]]
