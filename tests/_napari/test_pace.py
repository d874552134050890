"""What is dragged is drawn at once, and what comes meanwhile once more, never for each small move."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.pace import Pace

PAUSE = 10**6
"""Milliseconds: no pause ends by the clock, but where a test says so."""


def pause_ends(pace: Pace) -> None:
    """Do what Qt does when the time is up."""
    assert pace._timer.interval() == PAUSE
    if pace._timer.isActive():
        pace._timer.stop()
        pace._on_time()


@pytest.fixture
def drawn() -> list[int]:
    return []


def test_the_first_change_is_drawn_at_once_and_the_rest_in_the_end(drawn: list[int], qtbot: Any):
    owner = QObject()
    moved: list[int] = []
    pace = Pace(owner, lambda: drawn.append(moved[-1]), PAUSE)
    for value in (1, 2, 3):
        moved.append(value)
        pace.change()
    assert drawn == [1]
    pause_ends(pace)
    assert drawn == [1, 3]
    pause_ends(pace)
    assert drawn == [1, 3], "nothing came meanwhile"
    moved.append(4)
    pace.change()
    assert drawn == [1, 3, 4], "it is at rest again"


def test_the_pause_is_ended_by_a_clock(drawn: list[int], qtbot: Any):
    owner = QObject()
    pace = Pace(owner, lambda: drawn.append(1), 1)
    pace.change()
    pace.change()
    assert drawn == [1]
    qtbot.waitUntil(lambda: drawn == [1, 1])


def test_what_waits_is_drawn_when_somebody_cannot_wait_or_forgotten(drawn: list[int], qtbot: Any):
    owner = QObject()
    pace = Pace(owner, lambda: drawn.append(1), PAUSE)
    pace.settle()
    assert not drawn  # nothing waits
    pace.change()
    pace.change()
    pace.settle()
    assert len(drawn) == 2
    pace.change()
    pace.drop()
    pause_ends(pace)
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

    pace = Pace(owner, draw, PAUSE)
    pace.change()
    with pytest.raises(ValueError, match="once"):
        pace.settle()
    pause_ends(pace)
    pace.change()
    assert depths == [1, 1, 1]
