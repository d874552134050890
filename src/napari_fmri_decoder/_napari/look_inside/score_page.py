"""Page of the Look inside dock: the score of each run, and its permutation null distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.plots import HistogramPlot, LinePlot
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder.evaluation.headline import UNTESTED
from napari_fmri_decoder.evaluation.p_values import p_text
from napari_fmri_decoder.evaluation.palette import PALETTE
from napari_fmri_decoder.evaluation.predictions import run_accuracy

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun


class ScorePage(Page):
    """Score per run compared with chance and the baselines, and the null distribution."""

    title = "Runs and null distribution"
    needs_images = False

    def __init__(self) -> None:
        super().__init__()
        self.runs = LinePlot(x_label="run", y_label="test score")
        self.null = HistogramPlot(x_label="score with permuted labels", y_label="permutations")
        self.tested = text_label(name="tested")
        for part in (self.runs, self.tested, self.null):
            self.rows.addWidget(part)

    def draw(self, run: RunResult | SavedRun) -> None:
        """Show the score of each run, and the null distribution if there is one."""
        scores = run.scores
        accuracy = run_accuracy(run.predictions, scores.headline)
        runs = [str(name) for name in accuracy.index]
        by_run = {
            name: [found.get(run_name, np.nan) for run_name in runs]
            for name, found in scores.run_baselines.items()
        }
        # A run folder of an earlier version has only the means of the baselines.
        means = {name: value for name, value in scores.baseline.items() if name not in by_run}
        self.runs.set_data(
            {scores.headline.replace("_", " "): accuracy.to_numpy(), **by_run},
            y_range=(0.0, 1.0),
            names=runs,
            levels={"chance": scores.chance, **means},
        )
        self.null.setVisible(run.permutations is not None)
        test = scores.permutation or (run.permutations.summary if run.permutations else None)
        self.tested.setText(f"{p_text(test.p, test.n)}." if test else f"The score is {UNTESTED}.")
        if run.permutations is not None:
            self.null.set_data(
                {"permutations": run.permutations.scores},
                colors={"permutations": PALETTE[1]},
                bins=20,
                marks={"true labels": run.permutations.observed, "chance": scores.chance},
            )
