"""Every tab and page of every dock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtWidgets import QTabWidget

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock

DOCKS = ("View", "Prepare", "Labels", "Train", "Look inside")


def pages_of(dock: Any, result: Any) -> list[Callable[[], object]]:
    """Functions that show each tab or page of a dock; Look inside shows a result."""
    if isinstance(dock, LookInsideDock):
        dock.session.add(result.prepared.series)
        dock.session.update(result=result)
        return [partial(dock.show, title) for title in dock.pages]
    tabs = dock.native.findChild(QTabWidget)
    return [lambda: None] if tabs is None else [partial(tabs.setCurrentIndex, i) for i in range(tabs.count())]
