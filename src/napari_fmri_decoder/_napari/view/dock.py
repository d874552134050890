"""The View dock: the Start page, planes and crosshair, display of maps, voxel time courses, headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.dock import Dock
from napari_fmri_decoder._napari.qt.help_dialog import show_help
from napari_fmri_decoder._napari.qt.sections import scrolled
from napari_fmri_decoder._napari.results.dropped_runs import DroppedRuns
from napari_fmri_decoder._napari.view.header_tab import HeaderTab
from napari_fmri_decoder._napari.view.map_tab import MapTab
from napari_fmri_decoder._napari.view.start_page import StartPage
from napari_fmri_decoder._napari.view.views_tab import ViewsTab
from napari_fmri_decoder._napari.view.voxel_tab import VoxelTab

if TYPE_CHECKING:
    from napari import Viewer

TABS = ("start", "views", "map", "voxel", "header")
"""Names of the pages, in their order."""


class ViewDock(Dock):
    """Shows scans without changing them.

    Attributes
    ----------
    start : StartPage
    views : ViewsTab
    map : MapTab
    voxel : VoxelTab
    header : HeaderTab
    tabs : QTabWidget
        These five.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "view_dock")
        self.session.part(DroppedRuns)
        self.start = StartPage(self)
        self.views = ViewsTab(self)
        self.map = MapTab(self)
        self.voxel = VoxelTab(self)
        self.header = HeaderTab(self)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("view_tabs")
        for name in TABS:
            self.tabs.addTab(scrolled(getattr(self, name), f"{name}_scroll"), name.capitalize())
        self.keys = push_button("keys", "Keys", "List the keyboard shortcuts (F1).")
        self.keys.changed.connect(self._show_keys)
        self.keys.native.setStyleSheet("padding: 1px 6px")  # as low as the tabs, which Qt cuts it to
        self.tabs.setCornerWidget(self.keys.native)
        self.rows.addWidget(self.tabs, 1)

    def _show_keys(self) -> None:
        show_help(self.viewer)
