"""All figures of a run, as its report shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.evaluation.histograms import histogram, probability_histograms, voxel_statistics
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.evaluation.picture_config import PictureConfig
from napari_fmri_decoder.evaluation.predictions import predictions_table, run_accuracy
from napari_fmri_decoder.evaluation.projections import can_project, pca, tsne
from napari_fmri_decoder.evaluation.slice_images import SCANNER
from napari_fmri_decoder.volumes.frames import Frame, apply_affine
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.calibration import Calibration
    from napari_fmri_decoder.evaluation.fold_design import FoldDesign
    from napari_fmri_decoder.evaluation.histograms import Histogram
    from napari_fmri_decoder.evaluation.permutations import PermutationsDone
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.samples.samples import Samples, Space
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.events import FoldResult

MOST_MAPS, ROW_SLICES = 8, 6
"""Rows and slices of the picture of patterns."""
CLEAR = 0.16
"""Values below this fraction of the largest are transparent, as in the window."""
MAX_PROJECTED = 3000
"""Samples that PCA and t-SNE project, at most; evenly spaced ones if there are more."""


def run_figures(
    samples: Samples,
    splits: Sequence[Split],
    results: Sequence[FoldResult],
    scores: Scores,
    *,
    permutations: PermutationsDone | None = None,
    voxels: tuple[Histogram, Histogram] | None = None,
    seed: int = 0,
    design: FoldDesign | None = None,
    below: Volume | None = None,
    pattern: Volume | None = None,
) -> dict[str, Figure]:
    """Draw all figures of a cross-validated run.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    results : sequence of FoldResult
    scores : Scores
    permutations : PermutationsDone or None
        Adds the null distribution.
    voxels : (Histogram, Histogram) or None
        Of the means and standard deviations of the images' voxels, with the thresholds of the mask;
        by default those of the prepared samples.
    seed : int
        Of t-SNE.
    design : FoldDesign, optional
        Use of samples in the folds; by default without validation sets.
    below : Volume, optional
        The anatomy, or the mean of the series; adds the picture of the decoded voxels.
    pattern : Volume, optional
        (x, y, z, class) activation patterns of a linear decoder; drawn over `below`.

    Returns
    -------
    dict of str to Figure
        By name, in the order of the report: "curves", "confusion_test", "confusion_train",
        "run_accuracy", "lag", "null", "probabilities", "reliability", "folds", "planes", "brain",
        "pattern", "voxels", "pca", "pca_variance", "tsne".
        Figures that cannot be drawn (learning curves without epochs, a t-SNE of three samples) are
        missing.
    """
    from napari_fmri_decoder.evaluation import figures

    predictions, history = predictions_table(results, samples), history_table(results)
    drawn: dict[str, Figure] = {}
    if history["epoch"].nunique() > 1:
        drawn["curves"] = figures.learning_curves(history, scores.chance)
    drawn["confusion_test"] = figures.confusion_matrices(scores.confusion, scores.classes, "held out")
    drawn["confusion_train"] = figures.confusion_matrices(
        scores.train_confusion, scores.classes, "training sets"
    )
    accuracy = run_accuracy(predictions, scores.headline)
    drawn["run_accuracy"] = figures.run_accuracies(
        accuracy, scores.chance, scores.baseline, len(predictions), scores.headline, scores.run_baselines
    )
    if scores.lag is not None:
        drawn["lag"] = figures.lag_figure(scores.lag, scores.chance, scores.headline)
    if permutations is not None:
        drawn["null"] = figures.null_distribution(
            permutations.scores,
            permutations.observed,
            scores.chance,
            permutations.summary.p,
            scores.headline,
        )
    histograms = probability_histograms(predictions, samples.classes)
    drawn["probabilities"] = figures.probabilities(histograms, len(predictions))
    if scores.calibration is not None:
        drawn["reliability"] = figures.reliability(_calibrations(scores, results, scores.calibration))
    drawn["folds"] = figures.fold_figure(design or fold_design(splits, samples))
    if below is not None:
        drawn |= brain_figures(samples.space, below)
        if pattern is not None:
            drawn |= pattern_figure(samples.space, pattern, below)
    drawn["voxels"] = _voxel_figure(samples, voxels)
    return drawn | _projections(samples, seed)


def _voxel_figure(samples: Samples, voxels: tuple[Histogram, Histogram] | None) -> Figure:
    """Draw the means and standard deviations of the voxels: of the images, or else of the samples."""
    from napari_fmri_decoder.evaluation import figures

    if voxels is not None:
        return figures.voxel_histograms(*voxels, "input images")
    means, stds = voxel_statistics(samples.X)
    return figures.voxel_histograms(histogram(means), histogram(stds), "prepared samples")


def _calibrations(scores: Scores, results: Sequence[FoldResult], own: Calibration) -> dict[str, Calibration]:
    """Calibration of the decoder, the baselines and the decoders that it is compared with, by name."""
    found = {results[0].model.decoder.name: own}
    # a baseline that is the decoder itself was not fitted again
    others = [(name, one) for name, one in scores.baseline_calibration.items() if one != own]
    others += [(other.decoder["name"], other.calibration) for other in scores.compared if other.calibration]
    for name, one in others:
        number = 1 + sum(key == name or key.startswith(f"{name} (") for key in found)
        found[name if number == 1 else f"{name} ({number})"] = one
    return found


def brain_figures(space: Space, below: Volume) -> dict[str, Figure]:
    """Draw the decoded voxels over an image: in three planes, and of a slab each of its planes.

    Parameters
    ----------
    space : Space
        Of the samples.
    below : Volume

    Returns
    -------
    dict of str to Figure
        "brain" and "planes"; empty if the image is elsewhere.
    """
    from napari_fmri_decoder.evaluation import figures

    mask = decoded_voxels(space)
    title = f"Decoded voxels, n = {int(space.mask.sum())}, over {below.name}"
    config, frame = _view(space)
    try:
        return {
            "planes": figures.three_planes(mask, below, PictureConfig(title=title[:200])),
            "brain": figures.mosaic(
                mask, below, config.model_copy(update={"title": "Decoded voxels"}), frame
            ),
        }
    except InputError:
        return {}


def pattern_figure(space: Space, pattern: Volume, below: Volume) -> dict[str, Figure]:
    """Draw the activation patterns of a linear decoder over an image, one row per class.

    Parameters
    ----------
    space : Space
        Of the samples.
    pattern : Volume
        (x, y, z, class). Of two classes the second is drawn: the first differs in its sign alone. Of many,
        the first eight are drawn.
    below : Volume

    Returns
    -------
    dict of str to Figure
        "pattern"; empty if the image is elsewhere.
    """
    from napari_fmri_decoder.evaluation import figures

    names, n = pattern.names, pattern.n_volumes
    kept = [1] if n == 2 else list(range(min(n, MOST_MAPS)))
    of_all = f" (first {MOST_MAPS} of {n} classes)" if n > MOST_MAPS else ""
    title = f"Pattern{of_all}, over {below.name}"
    labels = (f"{names[1]} against {names[0]}",) if n == 2 else tuple(names[k] for k in kept)
    values = np.asarray(pattern.data)[..., kept]
    shown = replace(pattern, data=values, names=labels)
    config, frame = _view(space)
    top = float(np.abs(values).max(initial=0))
    given = {"title": title[:200], "count": ROW_SLICES, "threshold": CLEAR * top}
    try:
        return {"pattern": figures.map_rows(shown, below, config.model_copy(update=given), frame)}
    except InputError:
        return {}


def _view(space: Space) -> tuple[PictureConfig, Frame]:
    """Slices through the voxels of samples: each plane of a thin slab, else evenly spaced axial ones."""
    grid, across = space.grid, space.axis
    config = PictureConfig()
    if grid.shape[across] > config.count:
        return config, SCANNER
    frame = Frame.straightening(grid.affine)
    direction = frame.matrix[:3, :3] @ grid.affine[:3, across]
    axis = int(np.abs(direction).argmax())
    planes = np.zeros((grid.shape[across], 3))
    planes[:, across] = np.arange(grid.shape[across])
    places = frame.to_frame(apply_affine(grid.affine, planes))[:, axis].round(6)
    given = {"axis": "xyz"[axis], "positions": tuple(map(float, np.sort(places)))}
    return PictureConfig.model_validate(given), frame


def decoded_voxels(space: Space) -> Volume:
    """The mask of the samples, as an image in scanner space."""
    return Volume(space.mask.astype(np.uint8), space.grid.affine, "mask", name="decoded voxels")


def _projections(samples: Samples, seed: int) -> dict[str, Figure]:
    """Draw PCA and t-SNE if there are enough samples that differ."""
    from napari_fmri_decoder.evaluation import figures

    n = len(samples.X)
    rows = np.unique(np.linspace(0, n - 1, min(n, MAX_PROJECTED)).astype(int))
    X = samples.X[rows]
    labels, runs = samples.table["label"].to_numpy()[rows].tolist(), samples.groups[rows].tolist()
    if not can_project(X):
        return {}
    components = pca(X)
    return {
        "pca": figures.scatter(components, labels, runs, samples.classes),
        "pca_variance": figures.explained_variance(components),
        "tsne": figures.scatter(tsne(X, seed=seed), labels, runs, samples.classes),
    }
