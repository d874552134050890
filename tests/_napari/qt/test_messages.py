"""Messages in a dock: complete at any width, readable in both themes, and there until fixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS

LONG = "The mask must be a file, but " + "/a_folder_with_a_long_name" * 20 + ".nii.gz is missing. Choose it."


@pytest.fixture
def message(qtbot: Any) -> Iterator[Message]:
    holder = QWidget()
    rows = QVBoxLayout(holder)
    made = Message("message")
    rows.addWidget(made)
    rows.addStretch(1)
    qtbot.addWidget(holder)
    holder.resize(300, 900)
    holder.show()
    qtbot.waitExposed(holder)
    yield made
    holder.hide()


def test_long_words_are_complete_and_make_nothing_wider(message: Message, qtbot: Any) -> None:
    message.show_error(LONG)
    holder = message.parentWidget()
    heights = []
    for width in (300, 500):
        holder.resize(width, 900)
        qtbot.waitUntil(lambda width=width: holder.width() == width and message.width() < width)
        text, view = message.document().size(), message.viewport().size()
        assert text.width() <= view.width() + 1, "a word is cut"
        assert text.height() <= view.height() + 1, "lines are cut"
        heights.append(message.height())
    assert heights[1] < heights[0]
    assert holder.minimumSizeHint().width() < 100
    assert message.text == LONG, "the text can be copied as it is"


def test_hidden_while_empty(message: Message) -> None:
    assert not message.isVisible()
    message.show_warning("Check it.")
    assert (message.isVisible(), message.severity) == (True, "warning")
    message.show_error("")
    assert not message.isVisible()
    message.show_error("No.")
    message.clear()
    assert (message.isVisible(), message.text) == (False, "")


@pytest.mark.parametrize("severity", SEVERITY_MARKS)
def test_contrast(message: Message, severity: str) -> None:
    """WCAG 2.1 contrast of the painted pixels, whatever the theme."""
    getattr(message, f"show_{severity}")("M" * 40)
    image = message.grab().toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    light = [_luminance(color) for color in pixels]
    paper = _luminance(QColor(SEVERITY_MARKS[severity].background))
    assert sum(abs(value - paper) < 1e-6 for value in light) > len(light) / 3
    ink = max(light) if _luminance(QColor(SEVERITY_MARKS[severity].text)) > paper else min(light)
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def test_guard_shows_the_error_until_the_action_succeeds(message: Message, notified: list[Any]) -> None:
    def act(path: str) -> str:
        if not path:
            raise InputError("A path must be given, got none. Choose a file.")
        return path

    act_guarded = guard(message)(act)
    assert act_guarded("") is None
    assert act_guarded("") is None
    assert message.text == "A path must be given, got none. Choose a file."
    assert message.severity == "error"
    assert [note.message for note in notified] == [message.text], "the notification is not repeated"
    assert act_guarded("x") == "x"
    assert not message.isVisible()


def _luminance(color: QColor) -> float:
    parts = [color.redF(), color.greenF(), color.blueF()]
    red, green, blue = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
