"""The plot of a time course: its range, its borders, its descriptions."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

from napari_fmri_decoder._napari.plots import TimecoursePlot, VolumeAnnotations, spans, timecourse
from napari_fmri_decoder.evaluation import palette

ANNOTATIONS = VolumeAnnotations(
    6, 2.0, labels=("a", "a", "", "b", "b", "a"), runs=("1",) * 3 + ("2",) * 3, colors={"a": (1, 0, 0, 1.0)}
)


def test_examples_hold():
    assert doctest.testmod(timecourse).failed == 0
    assert doctest.testmod(spans).failed == 0
    assert doctest.testmod(palette).failed == 0


def test_the_axis_range_holds_all_values_and_rarely_changes():
    rng = np.random.default_rng(0)
    ranges = set()
    for _ in range(200):
        values = rng.normal(500, 20, 100)
        low, high = timecourse.nice_range(values)
        assert low <= values.min() < values.max() <= high
        assert high - low <= 2 * np.ptp(values)
        ranges.add((low, high))
    assert len(ranges) < 30
    for values in ([], [np.nan], [0.0], [7.0, 7.0], [1e-12, 2e-12]):
        low, high = timecourse.nice_range(np.array(values))
        assert low < high


def test_draws_conditions_runs_and_the_current_volume(qtbot: Any):
    plot = TimecoursePlot()
    qtbot.addWidget(plot)
    plot.set_annotations(ANNOTATIONS)
    plot.set_values([1.0, 2.0, np.nan, 4.0, 5.0, 6.0], "signal")
    pixels = plot.shade.image[0]
    assert pixels[0].tolist() == [255, 0, 0, 102]
    assert pixels[[2, 3]].tolist() == [[0, 0, 0, 0]] * 2
    borders, _ = plot.borders.getData()
    assert borders.tolist() == [5.0, 5.0]  # between the third and the fourth volume
    plot.set_current(4)
    qtbot.waitUntil(lambda: plot.line.value() == 8.0)
    assert plot.describe(7.8, 0, 0) == "volume 4 (8 s), b, run 2: 5"
    assert plot.describe(99, 0, 0) == ""
    with qtbot.waitSignal(plot.clicked) as sent:
        plot.click(6.9, 0, 0)
    assert sent.args == [3]
    plot.set_span((3, 6))
    assert plot.panes[0].viewRange()[0] == pytest.approx([5.0, 11.0])
    plot.set_annotations(VolumeAnnotations(2, None, names=("face", "house")))
    assert plot.describe(1, 0, 0) == "volume 1, house"
    assert plot.panes[0].getAxis("bottom").labelText == "volume"
    plot.set_values([np.nan, np.nan], "signal")
    assert plot.table()["name"].tolist() == ["face", "house"]
