"""The pages of the Look inside dock, each made when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.look_inside.explain_page import ExplainPage
from napari_fmri_decoder._napari.look_inside.filters_page import FiltersPage
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.look_inside.plot_pages import (
    CurvesPage,
    PCAPage,
    ProbabilitiesPage,
    TSNEPage,
    VoxelsPage,
)
from napari_fmri_decoder._napari.look_inside.prediction_pages import ConfusionPage, PredictionsPage
from napari_fmri_decoder._napari.look_inside.runs_page import RunsPage
from napari_fmri_decoder._napari.look_inside.score_page import ScorePage
from napari_fmri_decoder._napari.look_inside.where_page import WherePage

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock

PAGES: dict[str, tuple[str, Callable[[LookInsideDock], Page]]] = {
    "filters": (FiltersPage.title, lambda dock: FiltersPage(dock.session)),
    "predictions": (PredictionsPage.title, lambda _: PredictionsPage()),
    "confusion": (ConfusionPage.title, lambda _: ConfusionPage()),
    "scores": (ScorePage.title, lambda _: ScorePage()),
    "curves": (CurvesPage.title, lambda _: CurvesPage()),
    "probabilities": (ProbabilitiesPage.title, lambda _: ProbabilitiesPage()),
    "pca": (PCAPage.title, lambda _: PCAPage()),
    "tsne": (TSNEPage.title, lambda dock: TSNEPage(lambda: dock.selected)),
    "voxels": (VoxelsPage.title, lambda _: VoxelsPage()),
    "explain": (ExplainPage.title, lambda dock: ExplainPage(dock.session, lambda: dock.selected)),
    "where": (WherePage.title, lambda dock: WherePage(dock.session, lambda: dock.selected)),
    "runs": (RunsPage.title, lambda dock: RunsPage(dock.session)),
}
"""Title of each page and how to make it, by its attribute."""


class Pages(Mapping[str, Page]):
    """The pages of a dock by their titles."""

    def __init__(self, dock: LookInsideDock) -> None:
        self._dock = dock
        self._names = {title: name for name, (title, _) in PAGES.items()}

    def __getitem__(self, title: str) -> Page:
        page: Page = getattr(self._dock, self._names[title])
        return page

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
