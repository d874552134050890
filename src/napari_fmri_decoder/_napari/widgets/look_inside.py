"""The dock Look inside: how well it decoded, where it erred, and what the filters answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QComboBox, QFormLayout, QStackedWidget

from napari_fmri_decoder._napari.docks import Dock, scrolled, words
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.score_words import score_in_words
from napari_fmri_decoder._napari.showing import show_result
from napari_fmri_decoder._napari.slider import show_volume
from napari_fmri_decoder._napari.widgets.answer_pages import ConfusionPage, FiltersPage, PredictionsPage
from napari_fmri_decoder._napari.widgets.pages import (
    CurvesPage,
    Page,
    PCAPage,
    ProbabilitiesPage,
    TSNEPage,
    VoxelsPage,
)
from napari_fmri_decoder._napari.widgets.score_page import ScorePage

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder.pipeline import RunResult

NOTHING = "No run has ended yet: train in the dock Train."
MOST = 5
"""Runs that are kept to choose from: each holds its samples and models."""


class LookInsideDock(Dock):
    """Shows the results of this session's runs, one page at a time."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("look_inside_dock")
        self._results: list[RunResult] = []
        self.run = QComboBox()
        self.run.setObjectName("run")
        self.run.setToolTip("<p>One of the last runs of this session; its layers are shown as well.</p>")
        self.page = QComboBox()
        self.page.setObjectName("page")
        self.page.setToolTip("<p>What to look at.</p>")
        self.headline = words(NOTHING, "headline")
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
        ]
        self.stack = QStackedWidget()
        for page in self.pages:
            self.page.addItem(page.title)
            self.stack.addWidget(scrolled(page, f"{page.objectName()}_scroll"))
            page.volume_asked.connect(self._go_to)
        form = QFormLayout()
        form.addRow("Run", self.run)
        form.addRow("Look at", self.page)
        self.rows.addLayout(form)
        self.rows.addWidget(self.headline)
        self.rows.addWidget(self.stack, 1)
        self.run.currentIndexChanged.connect(self._on_run)
        self.page.currentIndexChanged.connect(self._on_page)
        self.follow(self.session.changed, self._on_changed)
        self.follow(self.viewer.dims.events.point, self._on_moved)
        self._on_changed("result")

    def catch_up(self) -> None:
        """Show the session as it is now."""
        self._on_changed("result")

    @property
    def result(self) -> RunResult | None:
        """The run that is looked at."""
        return self._results[self.run.currentIndex()] if self._results else None

    def _on_changed(self, name: str) -> None:
        if name != "result":
            return
        result = self.session.state.result
        if result is not None and result not in self._results:
            self._results = [result, *self._results][:MOST]
            blocked = self.run.blockSignals(True)
            self.run.clear()
            self.run.addItems([r.folder.name for r in self._results])
            self.run.blockSignals(blocked)
        self._refresh()

    @guard()
    def _on_run(self) -> None:
        """Show the layers of another run."""
        if self.result is not None:
            with self.session.all_or_nothing():
                show_result(self.session, self.result)
            self._refresh()

    def _refresh(self) -> None:
        result = self.result
        for part in (self.run, self.page, self.stack):
            part.setEnabled(result is not None)
        self.headline.setText(NOTHING if result is None else score_in_words(result.scores))
        self._on_page()

    def _on_page(self) -> None:
        """Draw the page that is in front; the others wait until they are."""
        self.stack.setCurrentIndex(self.page.currentIndex())
        if self.result is not None and self.isVisible():
            self.pages[self.page.currentIndex()].look_at(self.result)

    def _on_moved(self, event: Any = None) -> None:
        self.filters.moved()

    def _go_to(self, volume: int) -> None:
        if self.result is not None:
            show_volume(self.viewer, volume, self.result.prepared.series.step)

    def showEvent(self, event: Any) -> None:
        """Draw what came while hidden."""
        super().showEvent(event)
        self._on_page()
