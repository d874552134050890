"""What each fold does with each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyqtgraph as pg
from qtpy.QtGui import QFontMetrics

from napari_fmri_decoder._napari.plots.base import Plot
from napari_fmri_decoder.evaluation.diagnostics import USES

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder.evaluation.diagnostics import FoldDesign

ROW, MOST = 16, 280
"""Height of a fold, pixels, and of all of them at most."""


class DesignPlot(Plot):
    """Folds down, samples across in time order, run by run; the runs in greys beneath."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, height=90)
        self._design: FoldDesign | None = None
        self._texts: list[tuple[pg.TextItem, int, int]] = []
        pane = self.add_pane("sample", "fold")
        pane.invertY(True)
        pane.vb.sigResized.connect(self._fit_texts)
        self.add_legend()
        self.set_ink(self.ink)

    def set_data(self, design: FoldDesign) -> None:
        """Show a design."""
        self._design = design
        self.legend.set_plain_height(76 + min(ROW * len(design.names), MOST))
        self.draw()

    def draw(self) -> None:
        """Draw folds and runs."""
        pane, design = self._panes[0], self._design
        pane.clear()
        self._texts.clear()
        if design is None:
            return
        n_folds, n = design.use.shape
        colors = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] + [255] for c in USES.values()]
        colors[0][3] = 0  # what is not used shows the paper
        image = pg.ImageItem(
            np.array(colors, dtype=np.uint8)[design.use], axisOrder="row-major", levels=(0, 255)
        )
        image.setRect(-0.5, -0.5, n, n_folds)
        pane.addItem(image)
        ink = [int(self.ink[i : i + 2], 16) for i in (1, 3, 5)]
        strip = np.zeros((1, n, 4), dtype=np.uint8)
        for turn, (name, start, stop) in enumerate(design.spans):
            strip[0, start:stop] = [*ink, 45 if turn % 2 else 90]
            text = pg.TextItem(name, color=self.ink, anchor=(0.5, 0.5))
            text.setPos((start + stop - 1) / 2, n_folds)
            pane.addItem(text, ignoreBounds=True)
            self._texts.append((text, QFontMetrics(self.font()).horizontalAdvance(name), stop - start))
            if start:
                pane.addItem(pg.InfiniteLine(start - 0.5, angle=90, pen=pg.mkPen(self.ink, width=1)))
        runs = pg.ImageItem(strip, axisOrder="row-major", levels=(0, 255))
        runs.setRect(-0.5, n_folds - 0.5, n, 1)
        pane.addItem(runs)
        every = -(-n_folds // 18)
        ticks = [(i, str(i)) for i in range(0, n_folds, every)]
        pane.getAxis("left").setTicks([[*ticks, (n_folds, "run")]])
        pane.setRange(xRange=(-0.5, n - 0.5), yRange=(-0.5, n_folds + 0.5), padding=0)
        used = [list(USES)[code] for code in np.unique(design.use) if code]
        self.legend.show_names({name: USES[name] for name in used}, self.ink)
        self._fit_texts()

    def table(self) -> pd.DataFrame:
        """One row per sample: volume, run, label, and what each fold does with it."""
        if self._design is None:
            return pd.DataFrame()
        design, names = self._design, np.array(list(USES))
        folds = {f"fold {i}": names[use] for i, use in enumerate(design.use)}
        return pd.DataFrame({"volume": design.volumes, "run": design.runs, "label": design.labels, **folds})

    def describe(self, x: float, y: float, pane: int) -> str:
        """Say what the fold under the mouse does with the sample under it."""
        design, sample, fold = self._design, round(x), round(y)
        if design is None or not 0 <= sample < len(design.runs) or not 0 <= fold <= len(design.names):
            return ""
        what = f"volume {design.volumes[sample]}, run {design.runs[sample]}, {design.labels[sample]}"
        if fold == len(design.names):
            return what
        return f"fold {design.rows[fold]}: {list(USES)[design.use[fold, sample]]}; {what}"

    def _fit_texts(self, *_: object) -> None:
        """Hide the names that are wider than their run."""
        pixel = self._panes[0].vb.viewPixelSize()[0] if self._texts else 1.0
        for text, width, samples in self._texts:
            text.setVisible(width + 4 <= samples / max(pixel, 1e-9))
