"""While something is dragged, the first change is drawn immediately, and later ones together."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.qt.throttle import Throttle

PAUSE = 10**6
"""Milliseconds: so long that no pause ends on its own, unless a test sets another one."""


@pytest.fixture
def drawn() -> list[int]:
    return []


def test_the_first_change_is_drawn_immediately_and_the_others_after_the_pause(drawn: list[int], qtbot: Any):
    owner = QObject()
    moved: list[int] = []
    throttle = Throttle(owner, lambda: drawn.append(moved[-1]), PAUSE)
    for value in (1, 2, 3):
        moved.append(value)
        throttle.change()
    assert drawn == [1]
    throttle.end_pause()
    assert drawn == [1, 3]
    throttle.end_pause()
    assert drawn == [1, 3], "no change in the meantime"
    moved.append(4)
    throttle.change()
    assert drawn == [1, 3, 4], "no pause is running"


def test_the_timer_ends_the_pause(drawn: list[int], qtbot: Any):
    owner = QObject()
    throttle = Throttle(owner, lambda: drawn.append(1), 1)
    throttle.change()
    throttle.change()
    assert drawn == [1]
    qtbot.waitUntil(lambda: drawn == [1, 1])


def test_pending_changes_can_be_drawn_now_or_discarded(drawn: list[int], qtbot: Any):
    owner = QObject()
    throttle = Throttle(owner, lambda: drawn.append(1), PAUSE)
    throttle.settle()
    assert not drawn  # nothing pending
    throttle.change()
    throttle.change()
    throttle.settle()
    assert len(drawn) == 2
    throttle.change()
    throttle.drop()
    throttle.end_pause()
    assert len(drawn) == 2


def test_a_change_while_drawing_is_drawn_afterwards_and_an_error_does_not_stop_drawing(qtbot: Any):
    owner = QObject()
    depths: list[int] = []
    depth = 0

    def draw() -> None:
        nonlocal depth
        depth += 1
        depths.append(depth)
        if len(depths) == 1:
            throttle.change()
        depth -= 1
        if len(depths) == 2:
            raise ValueError("once")

    throttle = Throttle(owner, draw, PAUSE)
    throttle.change()
    with pytest.raises(ValueError, match="once"):
        throttle.settle()
    throttle.end_pause()
    throttle.change()
    assert depths == [1, 1, 1]
