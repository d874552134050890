"""Pages of the Look inside dock with plots: learning curves, probabilities, voxels, PCA, t-SNE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QHBoxLayout, QLabel

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.number import Number
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.plots import CurvesPlot, HistogramPlot, LinePlot, ScatterPlot
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder.evaluation.palette import PALETTE, class_colors
from napari_fmri_decoder.evaluation.projections import Projection, pca, tsne
from napari_fmri_decoder.samples.masks.intensity import FloorsMask
from napari_fmri_decoder.volumes.moments import moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.samples.samples import Samples


class CurvesPage(Page):
    """Loss and accuracy of all folds."""

    title = "Learning curves"
    needs_images = False

    def __init__(self) -> None:
        super().__init__()
        self.plot = CurvesPlot()
        self.rows.addWidget(self.plot)

    def draw(self, run: RunResult | SavedRun) -> None:
        """Show the history of each fold."""
        self.plot.data.show_run(run)
        self.plot.draw()


class ProbabilitiesPage(Page):
    """Histograms of the predicted probability of a class."""

    title = "Probabilities"
    needs_images = False

    def __init__(self) -> None:
        super().__init__()
        self.which = ListChoice("class", "Class", "Class whose predicted probability is shown.")
        self.plot = HistogramPlot(x_label="predicted probability", y_label="test samples")
        self.rows.addWidget(self.which.native)
        self.rows.addWidget(self.plot)
        self.which.changed.connect(self._count)

    def draw(self, run: RunResult | SavedRun) -> None:
        """List the classes of the run."""
        self.which.relist(run.scores.classes)
        self._count(self.which.value)

    def _count(self, name: str) -> None:
        if self.run is None or not name:
            return
        table = self.run.predictions
        of_class = table["true"] == name
        color = class_colors(self.run.scores.classes)[name]
        self.plot.set_data(
            {
                f"is {name}": table.loc[of_class, f"p_{name}"],
                "is another class": table.loc[~of_class, f"p_{name}"],
            },
            colors={f"is {name}": color, "is another class": "#888888"},
            bins=20,
            value_range=(0.0, 1.0),
        )


class VoxelsPage(Page):
    """Histograms of the mean and the standard deviation of each voxel, with the thresholds of the mask."""

    title = "Voxel means and standard deviations"

    def __init__(self) -> None:
        super().__init__()
        self.means = HistogramPlot(x_label="mean over the volumes", y_label="voxels")
        self.stds = HistogramPlot(x_label="standard deviation over the volumes", y_label="voxels")
        self.rows.addWidget(self.means)
        self.rows.addWidget(self.stds)

    def draw(self, result: RunResult) -> None:
        """Compute mean and standard deviation of the series."""
        self.draw_later("Reading the series", self._show, moments, result.prepared.series)

    def _show(self, found: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
        mean, std = found
        mask = self.result.prepared.recipe.data.mask if self.result is not None else None
        floors = mask.floors(mean, std) if isinstance(mask, FloorsMask) else (None, None)
        nonzero = mean != 0
        for plot, values, floor in (
            (self.means, mean[nonzero], floors[0]),
            (self.stds, std[nonzero], floors[1]),
        ):
            plot.set_data(
                {"voxels": values}, colors={"voxels": PALETTE[1]}, marks={"threshold": floor} if floor else {}
            )


class PCAPage(Page):
    """Principal components of the samples, and the variance they explain."""

    title = "PCA of the samples"

    def __init__(self) -> None:
        super().__init__()
        self.scatter = ScatterPlot()
        self.scatter.clicked.connect(self._clicked)
        self.explained = LinePlot(x_label="components", y_label="variance explained")
        self.rows.addWidget(self.scatter)
        self.rows.addWidget(self.explained)

    def draw(self, result: RunResult) -> None:
        """Compute the components."""
        self.draw_later("Computing the components", self._show, pca, result.prepared.samples.X)

    def _show(self, found: Projection) -> None:
        if self.result is None:
            return
        first, second = (
            f"PC {i + 1} ({part:.0%})" for i, part in enumerate([*found.explained, 0.0, 0.0][:2])
        )
        _scatter(self.scatter, found, self.result.prepared.samples, (first, second))
        self.explained.set_data({"cumulative": np.cumsum(found.explained)}, y_range=(0.0, 1.0))

    def _clicked(self, sample: int) -> None:
        _request_volume(self, sample)


class TSNEPage(Page):
    """t-SNE of the samples, computed on request."""

    title = "t-SNE of the samples"

    def __init__(self, selected: Callable[[], RunResult | SavedRun | None]) -> None:
        super().__init__(selected)
        self.perplexity = Number(name="perplexity", label="Perplexity", value=30.0, min=2, max=200)
        tip = "Approximate number of neighbors of each sample."
        prepare_control(self.perplexity, "perplexity", "Perplexity", tip)
        tip = "Distances between clusters, and the sizes of clusters, have no meaning in this plot."
        self.button = push_button("compute_tsne", "Compute t-SNE", tip)
        self.scatter = ScatterPlot()
        self.scatter.clicked.connect(self._clicked)
        row = QHBoxLayout()
        for part in (QLabel("Perplexity"), self.perplexity.native, self.button.native):
            row.addWidget(part)
        self.rows.addLayout(row)
        self.rows.addWidget(self.scatter)
        self.button.changed.connect(guard(self.error)(self._compute))

    def draw(self, result: RunResult) -> None:
        """Remove the plot of the previous result."""
        self.scatter.set_data(np.empty((0, 2)), {"label": []})

    def compute(self, *, wait: bool = True) -> None:
        """Compute and draw the points of the selected run.

        Parameters
        ----------
        wait : bool
            Whether to return only when they are drawn.

        Raises
        ------
        InputError
            If no run has finished.
        """
        self._compute().wait_if(wait)

    def _compute(self) -> Job:
        X = self.selected_result().prepared.samples.X
        return self.in_background("Computing t-SNE", self._show, tsne, X, self.perplexity.value)

    def _show(self, found: Projection) -> None:
        if self.result is not None:
            _scatter(self.scatter, found, self.result.prepared.samples, ("t-SNE 1", "t-SNE 2"))

    def _clicked(self, sample: int) -> None:
        _request_volume(self, sample)


def _scatter(plot: ScatterPlot, found: Projection, samples: Samples, axes: tuple[str, str]) -> None:
    columns = ["label", *(c for c in ("subject", "session", "run") if (samples.table[c] != "").any())]
    plot.set_data(found.points, samples.table[[*columns, "volume"]], class_colors(samples.classes), axes)


def _request_volume(page: Page, sample: int) -> None:
    if page.result is not None:
        page.volume_requested.emit(int(page.result.prepared.samples.table["volume"].iloc[sample]))
