"""Pages of the Look inside dock with plots: learning curves, probabilities, voxels, PCA, t-SNE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.plots import CurvesPlot, HistogramPlot, LinePlot, ScatterPlot
from napari_fmri_decoder._napari.qt.dock import text_label
from napari_fmri_decoder._napari.qt.workers import Job, run_generator
from napari_fmri_decoder.evaluation.palette import PALETTE, class_colors
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.evaluation.projections import Projection, pca, tsne
from napari_fmri_decoder.samples.masks.intensity import FloorsMask
from napari_fmri_decoder.volumes.moments import moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.samples.samples import Samples


class Page(QWidget):
    """A page that draws a result when it becomes visible.

    Attributes
    ----------
    volume_requested : Signal(int)
        Sent with a volume that the viewer should show.
    """

    volume_requested = Signal(int)
    title = ""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName(type(self).__name__)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(2, 4, 2, 4)
        self.about = text_label(name="about")
        self.about.hide()
        self.rows.addWidget(self.about)
        self.result: RunResult | None = None

    def update_result(self, result: RunResult) -> None:
        """Show a result, unless it is already shown."""
        if result is not self.result:
            self.result = result
            self.draw(result)

    def draw(self, result: RunResult) -> None:
        """Draw a new result."""

    def show_message(self, text: str) -> None:
        """Show a message above the content, or none ("")."""
        self.about.setText(text)
        self.about.setVisible(bool(text))

    def compute(self, text: str, then: Callable[[Any], None], work: Callable[..., Any], *args: Any) -> Job:
        """Compute in the background; the output is discarded if another result is shown by then."""
        requested_for = self.result
        self.show_message(f"{text}…")

        def show(output: Any) -> None:
            if requested_for is self.result:
                self.show_message("")
                then(output)

        return run_generator(
            work,
            *args,
            owner=_owner(self),
            description=text,
            on_done=show,
            on_error=lambda error: self.show_message(f"Failed: {error}"),
        )


def _owner(page: QWidget) -> QWidget:
    """Return the owner of one job; a page may start a second one before the first has ended."""
    owner = QWidget(page)
    owner.hide()
    return owner


class CurvesPage(Page):
    """Loss and accuracy of all folds."""

    title = "Learning curves"

    def __init__(self) -> None:
        super().__init__()
        self.plot = CurvesPlot()
        self.rows.addWidget(self.plot)

    def draw(self, result: RunResult) -> None:
        """Show the history of each fold."""
        self.plot.clear()
        self.plot.set_chance(result.scores.chance)
        for fold in result.folds:
            self.plot.add_fold(fold)
        self.plot.set_why(result.prepared.recipe.decoder.no_curves)


class ProbabilitiesPage(Page):
    """Histograms of the predicted probability of a class."""

    title = "Probabilities"

    def __init__(self) -> None:
        super().__init__()
        self.which = QComboBox()
        self.which.setObjectName("class")
        self.which.setToolTip("<p>Class whose predicted probability is shown.</p>")
        self.plot = HistogramPlot(x_label="predicted probability", y_label="test samples")
        self.rows.addWidget(self.which)
        self.rows.addWidget(self.plot)
        self.which.currentTextChanged.connect(self._count)

    def draw(self, result: RunResult) -> None:
        """List the classes of the result."""
        blocked = self.which.blockSignals(True)
        self.which.clear()
        self.which.addItems(list(result.scores.classes))
        self.which.blockSignals(blocked)
        self._count(self.which.currentText())

    def _count(self, name: str) -> None:
        if self.result is None or not name:
            return
        table = predictions_table(self.result.folds, self.result.prepared.samples)
        of_class = table["true"] == name
        color = class_colors(self.result.scores.classes)[name]
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
        self.compute("Reading the series", self._show, moments, result.prepared.series)

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
        self.compute("Computing the components", self._show, pca, result.prepared.samples.X)

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

    def __init__(self) -> None:
        super().__init__()
        self.perplexity = QDoubleSpinBox()
        self.perplexity.setObjectName("perplexity")
        self.perplexity.setRange(2, 200)
        self.perplexity.setValue(30)
        self.perplexity.setToolTip("<p>Approximate number of neighbors of each sample.</p>")
        self.button = QPushButton("Compute t-SNE")
        self.button.setObjectName("compute_tsne")
        self.button.setToolTip(
            "<p>Distances between clusters, and the sizes of clusters, have no meaning in this plot.</p>"
        )
        self.scatter = ScatterPlot()
        self.scatter.clicked.connect(self._clicked)
        row = QHBoxLayout()
        for part in (QLabel("Perplexity"), self.perplexity, self.button):
            row.addWidget(part)
        self.rows.addLayout(row)
        self.rows.addWidget(self.scatter)
        self.button.clicked.connect(self._compute)

    def draw(self, result: RunResult) -> None:
        """Remove the plot of the previous result."""
        self.scatter.set_data(np.empty((0, 2)), {"label": []})

    def _compute(self) -> None:
        if self.result is not None:
            X = self.result.prepared.samples.X
            self.compute("Computing t-SNE", self._show, tsne, X, self.perplexity.value())

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
