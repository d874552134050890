"""The demo in the window: the phantom with mask, slab and labels, ready for Train."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

from napari_fmri_decoder._napari.guide.samples import SampleOpener
from napari_fmri_decoder._napari.qt.docks import open_dock
from napari_fmri_decoder._napari.qt.frame import NAMES
from napari_fmri_decoder._napari.viewer.session import Session

if TYPE_CHECKING:
    from napari import Viewer

SAMPLE = "phantom"


def open_demo() -> None:
    """Open napari with the demo, and wait until it is closed."""
    set_up(napari.Viewer())
    napari.run()


def set_up(viewer: Viewer) -> None:
    """Open all docks, and the phantom with all its settings, as on the Start page."""
    for name in NAMES:
        open_dock(viewer, name)
    Session.of(viewer).part(SampleOpener).open(SAMPLE).wait()
    open_dock(viewer, "Train")
