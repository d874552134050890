"""Report and viewer give each class the same color."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from napari.utils.theme import get_theme
from skimage.color import deltaE_ciede2000, rgb2lab
from small_result import small_result

from napari_fmri_decoder._napari.plots import class_colors
from napari_fmri_decoder._napari.results.features import prediction_features
from napari_fmri_decoder._napari.results.result_layers import predictions
from napari_fmri_decoder.evaluation.all_figures import run_figures
from napari_fmri_decoder.evaluation.palette import N_DISTINCT, PALETTE, label_colors


def test_report_and_viewer_give_each_class_the_same_color(tmp_path: Path) -> None:
    result = small_result(tmp_path, {"name": "linear"})
    classes = result.scores.classes
    figures = run_figures(result.prepared.samples, result.prepared.splits, result.folds, result.scores)
    report = {
        name: to_hex(line.get_markerfacecolor())
        for name, line in zip(classes, figures["pca"].axes[0].lines, strict=True)
    }
    strip = figures["folds"].axes[0].images[0]
    assert [to_hex(color) for color in strip.to_rgba([range(len(classes))])[0]] == list(report.values())
    predicted = prediction_features(result)["predicted"].tolist()
    layer_colors = predictions(result).meta["colors"]
    assert {name: to_hex(layer_colors[predicted.index(name) + 1]) for name in classes} == report
    for viewer_colors in (class_colors(classes), label_colors(result.prepared.table["label"])):
        assert {name: to_hex(color) for name, color in viewer_colors.items()} == report


# Machado, Oliveira and Fernandes (2009), severity 1.0, applied to linear RGB:
# https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(color: str, vision: str) -> np.ndarray:
    """CIELAB of a color as somebody with that vision sees it."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb)


@pytest.mark.parametrize("vision", list(VISION))
def test_eight_classes_are_told_apart_by_color_in_any_vision_and_theme(vision: str) -> None:
    themes = [get_theme(name) for name in ("dark", "light")]
    around = [str(getattr(theme, part)) for theme in themes for part in ("canvas", "background")]
    colors = PALETTE[:N_DISTINCT]
    pairs = [*combinations(colors, 2), *((color, back) for color in colors for back in around)]
    differences = {
        pair: float(deltaE_ciede2000(*(seen(str(color), vision) for color in pair))) for pair in pairs
    }
    assert N_DISTINCT == 8
    assert min(differences.values()) >= 20, min(differences, key=lambda pair: differences[pair])


def test_all_colors_of_the_palette_differ() -> None:
    labs = {vision: [seen(color, vision) for color in PALETTE] for vision in VISION}
    for one in labs.values():
        assert min(deltaE_ciede2000(a, b) for a, b in combinations(one, 2)) >= 7
