"""Figures of a run: each function takes plain arrays or tables and returns a matplotlib Figure."""

from napari_fmri_decoder.evaluation.figures.data_figures import (
    explained_variance,
    fold_figure,
    scatter,
    voxel_histograms,
)
from napari_fmri_decoder.evaluation.figures.mosaic import map_rows, mosaic, three_planes
from napari_fmri_decoder.evaluation.figures.score_figures import (
    confusion_matrices,
    lag_figure,
    learning_curves,
    null_distribution,
    probabilities,
    reliability,
    run_accuracies,
)
from napari_fmri_decoder.evaluation.figures.style import save_figures, save_picture

__all__ = [
    "confusion_matrices",
    "explained_variance",
    "fold_figure",
    "lag_figure",
    "learning_curves",
    "map_rows",
    "mosaic",
    "null_distribution",
    "probabilities",
    "reliability",
    "run_accuracies",
    "save_figures",
    "save_picture",
    "scatter",
    "three_planes",
    "voxel_histograms",
]
