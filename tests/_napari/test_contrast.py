"""Texts have a contrast of at least 4.5:1 in both themes, on pictures of the window (WCAG 1.4.3)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dock_pages import DOCKS, pages_of
from numpy.typing import NDArray
from pictures import contrast, luminance, pixels
from qtpy.QtCore import QPoint, QRect
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTabBar,
    QTextEdit,
    QWidget,
)
from scipy import ndimage
from small_result import small_result

from napari_fmri_decoder._napari.plots.base import Plot
from napari_fmri_decoder._napari.qt.help_dialog import HelpDialog
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.view.dock import TABS
from napari_fmri_decoder._napari.viewer import orientation_labels
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS
from napari_fmri_decoder.volumes.volume import Volume

LEAST = 4.5
TEXTS = (
    *(QLabel, QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox, QTabBar, QHeaderView),
    QTextEdit,
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_result(tmp_path_factory.mktemp("run"))


def clearest(picture: NDArray[np.uint8]) -> float:
    """Contrast between the most frequent color of a picture and the color that differs most from it."""
    colors, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    return float(contrast(colors, colors[counts.argmax()]).max())


def text_of(part: QWidget) -> str:
    """The text that a widget shows."""
    if isinstance(part, QComboBox):
        return part.currentText()
    if isinstance(part, QLineEdit):
        return part.text() or part.placeholderText()
    if isinstance(part, (QTabBar, QHeaderView)):
        return "names"
    if isinstance(part, QTextEdit):
        return part.toPlainText()
    return re.sub("<[^>]*>|&nbsp;", "", part.text())


def visible_texts(dock: QWidget) -> list[QWidget]:
    """Enabled widgets with a text that is seen; disabled controls are exempt."""
    found = [part for part in dock.findChildren(QWidget) if isinstance(part, TEXTS)]
    return [part for part in found if part.isVisible() and part.isEnabled() and text_of(part).strip()]


def crop(picture: NDArray[np.uint8], part: QWidget, dock: QWidget) -> NDArray[np.uint8]:
    """The part of a dock's picture that shows the text of a widget."""
    place = QRect(part.mapTo(dock, QPoint(0, 0)), part.size()).intersected(dock.rect())
    if isinstance(part, QCheckBox):
        place.setLeft(place.left() + 22)  # the box itself is no text
    return picture[place.top() : place.bottom() + 1, place.left() : place.right() + 1]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", DOCKS)
def test_texts_of_docks_are_readable(
    viewer: Any, person: Any, qtbot: Any, theme: str, name: str, result: Any
) -> None:
    viewer.theme = theme
    made = person.dock(name)
    dock = made.native
    checked, weak = 0, []
    for show in pages_of(made, result):
        show()
        qtbot.wait(50)
        for part in visible_texts(dock):
            for area in dock.findChildren(QScrollArea):
                if area.isAncestorOf(part):
                    area.ensureWidgetVisible(part)
            QApplication.processEvents()
            shown = crop(pixels(dock.grab().toImage()), part, dock)
            if shown.shape[0] < 6 or shown.shape[1] < 6 or not part.isEnabled():
                continue  # not in the picture, or disabled meanwhile
            checked += 1
            if (ratio := clearest(shown)) < LEAST:
                weak.append((part.objectName(), type(part).__name__, text_of(part)[:30], round(ratio, 2)))
        for plot in (part for part in dock.findChildren(Plot) if part.isVisible()):
            shown = pixels(plot.grab().toImage())
            colors, counts = np.unique(shown.reshape(-1, 3), axis=0, return_counts=True)
            ink = np.array([int(plot.ink[i : i + 2], 16) for i in (1, 3, 5)])
            if (contrast(ink, colors[counts.argmax()])) < LEAST:
                weak.append((type(plot).__name__, plot.ink))
            assert (np.abs(shown.astype(int) - ink).max(axis=-1) < 12).any(), "its texts have that color"
    assert not weak
    assert checked >= 3


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_messages_of_all_severities_and_the_list_of_keys_are_readable(
    viewer: Any, qtbot: Any, theme: str
) -> None:
    viewer.theme = theme
    message = Message("message")
    viewer.window.add_dock_widget(message, name="message")
    for severity in SEVERITY_MARKS:
        message._show_text("Training is blocked: two findings.", severity)
        qtbot.wait(50)
        assert clearest(pixels(message.grab().toImage())) >= LEAST, severity
    dialog = HelpDialog(viewer.window._qt_window)
    dialog.show()
    qtbot.waitUntil(dialog.text.isVisible)
    assert clearest(pixels(dialog.text.grab().toImage())) >= LEAST
    dialog.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("gray", [0.0, 130.0, 255.0])
def test_letters_are_readable_on_any_image(
    viewer: Any, person: Any, qtbot: Any, theme: str, gray: float, tmp_path: Path
) -> None:
    viewer.theme = theme
    values = np.full((40, 40, 40), gray, np.float32)
    values[0, 0, 0] = 1.0
    session = Session.of(viewer)
    session.add(Volume(values, np.diag([4.0, 4, 4, 1]), "anatomy", name="head"), contrast_limits=(0, 255))
    view = person.dock("View")
    view.tabs.setCurrentIndex(TABS.index("views"))
    viewer.scene.camera.zoom *= 3  # the image is everywhere
    qtbot.wait(300)
    pictures = [viewer.screenshot(canvas_only=True, flash=False)[..., :3]]
    pictures += [pixels(one.grab().toImage()) for one in view.views.slices.views.values()]
    amber = np.array(orientation_labels.COLOR[:3]) * 255
    for picture in pictures:
        letter = np.abs(picture.astype(float) - amber).max(axis=-1) < 20
        assert letter.sum() > 20, "letters were found"
        around = ndimage.binary_dilation(letter, iterations=4) & ~ndimage.binary_dilation(
            letter, iterations=2
        )
        behind = np.median(luminance(picture[around]))
        assert (luminance(amber) + 0.05) / (behind + 0.05) >= LEAST
