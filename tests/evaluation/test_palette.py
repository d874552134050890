"""Figures of the report give each class the color that the viewer gives it."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples
from matplotlib.colors import to_hex

from napari_fmri_decoder.evaluation.figures import fold_figure, scatter
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.evaluation.palette import class_colors, hex_color, label_colors
from napari_fmri_decoder.evaluation.projections import Projection


@pytest.mark.parametrize("n", [2, 9, 30])
def test_figures_use_the_class_colors_of_the_viewer(n: int) -> None:
    classes = tuple(f"class {i:02d}" for i in range(n))
    expected = [hex_color(color) for color in class_colors(classes).values()]
    figure = scatter(Projection(np.zeros((n, 2)), "PCA", np.ones(2)), classes[::-1], ["1"] * n)
    assert [to_hex(line.get_markerfacecolor()) for line in figure.axes[0].lines] == [
        color.lower() for color in expected
    ]
    samples = make_samples(classes, runs=2, length=1)
    strip = fold_figure(fold_design(leave_one_run_out(samples), samples)).axes[0].images[0]
    drawn = strip.to_rgba(np.arange(n)[None])[0]
    assert [to_hex(color) for color in drawn] == [color.lower() for color in expected]


def test_a_class_without_a_projected_sample_shifts_no_color() -> None:
    projection = Projection(np.zeros((2, 2)), "PCA", np.ones(2))
    line = scatter(projection, ["owl", "owl"], ["1"] * 2, ["cat", "owl"]).axes[0].lines[1]
    assert to_hex(line.get_markerfacecolor()) == hex_color(class_colors(["cat", "owl"])["owl"]).lower()


def test_labels_have_the_same_colors_as_classes() -> None:
    colors = label_colors(["", "rest", "house", "face"], ["rest"])
    assert {name: colors[name] for name in ("face", "house")} == class_colors(["face", "house"])
