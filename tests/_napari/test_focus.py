"""The control with the focus is visible in every dock and in both themes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dock_pages import DOCKS, pages_of
from pictures import contrast, pixels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractScrollArea, QApplication, QScrollArea, QWidget
from small_result import small_result


def focusable(dock: QWidget) -> list[QWidget]:
    """The visible controls that the Tab key reaches."""
    return [
        part
        for part in dock.findChildren(QWidget)
        if part.isVisible()
        and part.isEnabled()
        and part.focusPolicy() & Qt.FocusPolicy.TabFocus
        and part.focusProxy() is None
        and not (isinstance(part, QScrollArea) or part.parentWidget().inherits("QScrollArea"))
    ]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_result(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", DOCKS)
def test_focus_changes_what_every_control_looks_like(
    viewer: Any, person: Any, qtbot: Any, theme: str, name: str, result: Any
) -> None:
    viewer.theme = theme
    made = person.dock(name)
    dock = made.native
    window = viewer.window._qt_window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    seen, hidden = set(), []
    for show in pages_of(made, result):
        show()
        QApplication.processEvents()
        for control in focusable(dock):
            for area in dock.findChildren(QScrollArea):
                if area.isAncestorOf(control):
                    area.ensureWidgetVisible(control)
            window.setFocus()
            QApplication.processEvents()
            before = pixels(dock.grab().toImage())
            control.setFocus(Qt.FocusReason.TabFocusReason)
            QApplication.processEvents()
            if not control.hasFocus() and not control.isAncestorOf(QApplication.focusWidget()):
                continue  # it gives the focus to another control
            after = pixels(dock.grab().toImage())
            if isinstance(control, QAbstractScrollArea) and not control.isVisibleTo(dock):
                continue
            clear = (contrast(before, after) >= 3).sum()
            seen_part = control.visibleRegion().boundingRect()  # the dock may scroll
            if clear < (seen_part.width() + seen_part.height()) / 2:
                hidden.append((control.objectName(), type(control).__name__, int(clear)))
            seen.add(control.objectName())
    assert not hidden
    assert len(seen) >= 3, seen


def test_contrast_is_that_of_the_guidelines() -> None:
    """WCAG 2.2: black on white is 21:1, #767676 on white is 4.54:1."""
    white = np.full((1, 1, 3), 255, np.uint8)
    for gray, ratio in ((0, 21.0), (0x76, 4.54), (255, 1.0)):
        assert contrast(np.full_like(white, gray), white)[0, 0] == pytest.approx(ratio, abs=0.01)
