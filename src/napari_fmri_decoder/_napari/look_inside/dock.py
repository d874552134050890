"""The Look inside dock: scores, errors, and filter activations of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QComboBox, QFormLayout, QStackedWidget

from napari_fmri_decoder._napari.look_inside.explain_page import ExplainPage
from napari_fmri_decoder._napari.look_inside.plot_pages import (
    CurvesPage,
    Page,
    PCAPage,
    ProbabilitiesPage,
    TSNEPage,
    VoxelsPage,
)
from napari_fmri_decoder._napari.look_inside.prediction_pages import (
    ConfusionPage,
    FiltersPage,
    PredictionsPage,
)
from napari_fmri_decoder._napari.look_inside.score_page import ScorePage
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import Dock, scrolled, text_label
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.results.headline import headline
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.viewer.dims import show_volume
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder.pipeline import RunResult

NOTHING = "No run has finished yet. Train in the Train dock."
RUN_TIP = "One of the latest runs of this session. Its layers are shown as well."
MOST = 5
"""Number of runs that are kept, because each holds its samples and models."""


class LookInsideDock(Dock):
    """Shows the results of this session's runs, one page at a time."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("look_inside_dock")
        self._results: list[RunResult] = []
        self.run = QComboBox()
        self.run.setObjectName("run")
        self.page = QComboBox()
        self.page.setObjectName("page")
        self.headline = text_label(NOTHING, "headline")
        self.filters = FiltersPage(self.session)
        self.pages: list[Page] = [
            self.filters,
            PredictionsPage(),
            ConfusionPage(),
            ScorePage(),
            CurvesPage(),
            ProbabilitiesPage(),
            PCAPage(),
            TSNEPage(),
            VoxelsPage(),
            ExplainPage(self.session),
        ]
        self.stack = QStackedWidget()
        for page in self.pages:
            self.page.addItem(page.title)
            self.stack.addWidget(scrolled(page, f"{page.objectName()}_scroll"))
            page.volume_requested.connect(self._show_volume)
        form = QFormLayout()
        form.addRow("Run", self.run)
        form.addRow("Page", self.page)
        self.rows.addLayout(form)
        self.rows.addWidget(self.headline)
        self.rows.addWidget(self.stack, 1)
        self.run.currentIndexChanged.connect(self._on_run)
        self.page.currentIndexChanged.connect(self._on_page)
        self.follow(self.session.changed, self._on_changed)
        self.follow(self.viewer.dims.events.point, self._on_moved)
        self._on_changed("result")

    def catch_up(self) -> None:
        """Show the current result of the session."""
        self._on_changed("result")

    @property
    def result(self) -> RunResult | None:
        """The selected run."""
        return self._results[self.run.currentIndex()] if self._results else None

    def _on_changed(self, name: str) -> None:
        if name != "result":
            return
        result = self.session.state.results.result
        if result is not None and result not in self._results:
            self._results = [result, *self._results][:MOST]
            blocked = self.run.blockSignals(True)
            self.run.clear()
            self.run.addItems([r.folder.name for r in self._results])
            self.run.blockSignals(blocked)
        self._refresh()

    @guard()
    def _on_run(self) -> None:
        """Show the layers of the selected run."""
        if self.result is not None:
            with all_or_nothing(self.session):
                show_result(self.session, self.result)
            self._refresh()

    def _refresh(self) -> None:
        result = self.result
        why = None if result is not None else NOTHING
        set_available(self.run, why, RUN_TIP)
        set_available(self.page, why, "Choose a page of results.")
        self.stack.setEnabled(result is not None)
        self.headline.setText(NOTHING if result is None else headline(result.scores))
        self._on_page()

    def _on_page(self) -> None:
        """Draw the visible page; the others are drawn when they become visible."""
        self.stack.setCurrentIndex(self.page.currentIndex())
        if self.result is not None and self.isVisible():
            self.pages[self.page.currentIndex()].update_result(self.result)

    def _on_moved(self, event: Any = None) -> None:
        self.filters.update_position()

    def _show_volume(self, volume: int) -> None:
        if self.result is not None:
            show_volume(self.viewer, volume, self.result.prepared.series.step)

    def showEvent(self, event: Any) -> None:
        """Draw what changed while hidden."""
        super().showEvent(event)
        self._on_page()
