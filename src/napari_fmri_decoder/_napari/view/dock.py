"""The View dock: planes and crosshair, display of maps, voxel time courses, headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabWidget, QWidget

from napari_fmri_decoder._napari.qt.dock import Dock, scrolled
from napari_fmri_decoder._napari.view.header_tab import HeaderTab
from napari_fmri_decoder._napari.view.map_tab import MapTab
from napari_fmri_decoder._napari.view.views_tab import ViewsTab
from napari_fmri_decoder._napari.view.voxel_tab import VoxelTab

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

TABS: tuple[tuple[str, Callable[[Dock], QWidget]], ...] = (
    ("Views", ViewsTab),
    ("Map", MapTab),
    ("Voxel", VoxelTab),
    ("Header", HeaderTab),
)
"""Title and widget class of each tab."""


class ViewDock(Dock):
    """Shows scans without changing them."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("view_dock")
        self.tabs = QTabWidget()
        self.tabs.setObjectName("view_tabs")
        for title, build in TABS:
            self.tabs.addTab(scrolled(build(self), f"{title.lower()}_scroll"), title)
        self.rows.addWidget(self.tabs, 1)
