"""The open napari window."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari import Viewer


def current_viewer() -> Viewer | None:
    """Find the open napari window, without importing napari if it is not loaded."""
    napari: Any = sys.modules.get("napari")
    return napari.current_viewer() if napari is not None else None
