"""The dock View: planes and crosshair, colours of maps, the voxel under the cursor, the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabWidget, QWidget

from napari_fmri_decoder._napari.docks import Dock, scrolled
from napari_fmri_decoder._napari.widgets.header_tab import HeaderTab
from napari_fmri_decoder._napari.widgets.map_tab import MapTab
from napari_fmri_decoder._napari.widgets.views_tab import ViewsTab
from napari_fmri_decoder._napari.widgets.voxel_tab import VoxelTab

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

TABS: tuple[tuple[str, Callable[[Dock], QWidget]], ...] = (
    ("Views", ViewsTab),
    ("Map", MapTab),
    ("Voxel", VoxelTab),
    ("Header", HeaderTab),
)
"""Title of each tab, and what builds it."""


class ViewDock(Dock):
    """Looks at scans; changes none of them."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("view_dock")
        self.tabs = QTabWidget()
        self.tabs.setObjectName("view_tabs")
        for title, build in TABS:
            self.tabs.addTab(scrolled(build(self), f"{title.lower()}_scroll"), title)
        self.rows.addWidget(self.tabs, 1)
