"""The design of the folds: which samples each fold trains on and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyqtgraph as pg

from napari_fmri_decoder._napari.plots.base import Plot
from napari_fmri_decoder._napari.plots.spans import SpanNames
from napari_fmri_decoder.evaluation.fold_design import USES

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder.evaluation.fold_design import FoldDesign

ROW_HEIGHT, MAX_HEIGHT = 16, 280
"""Pixels of a fold, and of all folds at most."""
MAX_TICKS = 18


class DesignPlot(Plot):
    """Folds from top to bottom, samples in time order from left to right; the runs in grays below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, height=90)
        self._design: FoldDesign | None = None
        pane = self.add_pane("sample", "fold")
        pane.invertY(True)
        self._names = SpanNames(pane)
        self.add_legend()
        self.set_ink(self.ink)

    def set_data(self, design: FoldDesign) -> None:
        """Show a design."""
        self._design = design
        self.legend.set_plain_height(76 + min(ROW_HEIGHT * len(design.names), MAX_HEIGHT))
        self.draw()

    def draw(self) -> None:
        """Draw folds and runs."""
        pane, design = self.panes[0], self._design
        pane.clear()
        self._names.clear()
        if design is None:
            return
        n_folds, n = design.use.shape
        colors = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] + [255] for c in USES.values()]
        colors[0][3] = 0  # unused samples show the background
        image = pg.ImageItem(
            np.array(colors, dtype=np.uint8)[design.use], axisOrder="row-major", levels=(0, 255)
        )
        image.setRect(-0.5, -0.5, n, n_folds)
        pane.addItem(image)
        ink = [int(self.ink[i : i + 2], 16) for i in (1, 3, 5)]
        strip = np.zeros((1, n, 4), dtype=np.uint8)
        for i, (name, start, stop) in enumerate(design.spans):
            strip[0, start:stop] = [*ink, 45 if i % 2 else 90]
            self._names.add(name, start, stop, n_folds, self.ink, self.font())
            if start:
                pane.addItem(pg.InfiniteLine(start - 0.5, angle=90, pen=pg.mkPen(self.ink, width=1)))
        runs = pg.ImageItem(strip, axisOrder="row-major", levels=(0, 255))
        runs.setRect(-0.5, n_folds - 0.5, n, 1)
        pane.addItem(runs)
        step = -(-n_folds // MAX_TICKS)
        ticks = [(i, str(i)) for i in range(0, n_folds, step)]
        pane.getAxis("left").setTicks([[*ticks, (n_folds, "run")]])
        pane.setRange(xRange=(-0.5, n - 0.5), yRange=(-0.5, n_folds + 0.5), padding=0)
        used = [list(USES)[code] for code in np.unique(design.use) if code]
        self.legend.show_names({name: USES[name] for name in used}, self.ink)
        self._names.fit()

    def table(self) -> pd.DataFrame:
        """One row per sample: volume, run, label, and its use in each fold."""
        if self._design is None:
            return pd.DataFrame()
        design, names = self._design, np.array(list(USES))
        folds = {f"fold {i}": names[use] for i, use in enumerate(design.use)}
        return pd.DataFrame({"volume": design.volumes, "run": design.runs, "label": design.labels, **folds})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the sample under the mouse and its use in the fold under the mouse."""
        design, sample, fold = self._design, round(x), round(y)
        if design is None or not 0 <= sample < len(design.runs) or not 0 <= fold <= len(design.names):
            return ""
        about = f"volume {design.volumes[sample]}, run {design.runs[sample]}, {design.labels[sample]}"
        if fold == len(design.names):
            return about
        return f"fold {design.rows[fold]}: {list(USES)[design.use[fold, sample]]}; {about}"
