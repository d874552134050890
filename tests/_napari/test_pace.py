"""What is dragged is drawn at once, and what comes meanwhile once more, never for each small move."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.pace import Pace


@pytest.fixture
def drawn() -> list[int]:
    return []


def test_the_first_change_is_drawn_at_once_and_the_rest_in_the_end(drawn: list[int], qtbot: Any):
    owner = QObject()
    moved: list[int] = []
    pace = Pace(owner, lambda: drawn.append(moved[-1]), 30)
    for value in (1, 2, 3):
        moved.append(value)
        pace.change()
    assert drawn == [1]
    qtbot.waitUntil(lambda: len(drawn) > 1, timeout=5_000)
    qtbot.wait(80)
    assert drawn == [1, 3]


def test_what_waits_is_drawn_when_somebody_cannot_wait_or_forgotten(drawn: list[int], qtbot: Any):
    owner = QObject()
    pace = Pace(owner, lambda: drawn.append(1), 30)
    pace.settle()
    assert not drawn  # nothing waits
    pace.change()
    pace.change()
    pace.settle()
    assert len(drawn) == 2
    pace.change()
    pace.drop()
    qtbot.wait(80)
    assert len(drawn) == 2


def test_a_change_that_drawing_makes_is_drawn_after_it_and_an_error_ends_nothing(qtbot: Any):
    owner = QObject()
    depths: list[int] = []
    depth = 0

    def draw() -> None:
        nonlocal depth
        depth += 1
        depths.append(depth)
        if len(depths) == 1:
            pace.change()
        depth -= 1
        if len(depths) == 2:
            raise ValueError("once")

    pace = Pace(owner, draw, 10)
    pace.change()
    with pytest.raises(ValueError, match="once"):
        pace.settle()
    qtbot.wait(40)
    pace.change()
    assert depths == [1, 1, 1]
