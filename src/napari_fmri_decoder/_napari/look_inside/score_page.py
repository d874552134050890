"""Page of the Look inside dock: the score of each run, and its permutation null distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.plots import HistogramPlot, LinePlot
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder.evaluation.palette import PALETTE
from napari_fmri_decoder.evaluation.predictions import predictions_table, run_accuracy
from napari_fmri_decoder.evaluation.report import UNTESTED

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult


class ScorePage(Page):
    """Score per run compared with chance and the baselines, and the null distribution."""

    title = "Runs and null distribution"

    def __init__(self) -> None:
        super().__init__()
        self.runs = LinePlot(x_label="run", y_label="test score")
        self.null = HistogramPlot(x_label="score with permuted labels", y_label="permutations")
        self.tested = text_label(name="tested")
        for part in (self.runs, self.tested, self.null):
            self.rows.addWidget(part)

    def draw(self, result: RunResult) -> None:
        """Show the score of each run, and the null distribution if there is one."""
        scores = result.scores
        accuracy = run_accuracy(predictions_table(result.folds, result.prepared.samples), scores.headline)
        runs = [str(run) for run in accuracy.index]
        by_run = {
            name: [found.get(run, np.nan) for run in runs] for name, found in scores.run_baselines.items()
        }
        # A run folder of an earlier version has only the means of the baselines.
        means = {name: value for name, value in scores.baseline.items() if name not in by_run}
        self.runs.set_data(
            {scores.headline.replace("_", " "): accuracy.to_numpy(), **by_run},
            y_range=(0.0, 1.0),
            names=runs,
            levels={"chance": scores.chance, **means},
        )
        self.null.setVisible(result.permutations is not None)
        if result.permutations is None:
            self.tested.setText(f"The score is {UNTESTED}.")
            return
        self.tested.setText(
            f"p = {result.permutations.summary.p:.3g}, {result.permutations.summary.n} permutations."
        )
        self.null.set_data(
            {"permutations": result.permutations.scores},
            colors={"permutations": PALETTE[1]},
            bins=20,
            marks={"true labels": result.permutations.observed, "chance": scores.chance},
        )
