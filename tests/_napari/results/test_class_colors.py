"""Report and viewer give each class the same color."""

from __future__ import annotations

from pathlib import Path

from matplotlib.colors import to_hex
from small_result import small_result

from napari_fmri_decoder._napari.plots import class_colors
from napari_fmri_decoder._napari.results.features import prediction_features
from napari_fmri_decoder._napari.results.result_layers import predictions
from napari_fmri_decoder.evaluation.all_figures import run_figures
from napari_fmri_decoder.evaluation.palette import label_colors


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
