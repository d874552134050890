"""Which pictures a run gets, drawn from what its floors below gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.evaluation import diagnostics
from napari_fmri_decoder.evaluation.scores import history_table, predictions_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.diagnostics import FoldDesign, Histogram
    from napari_fmri_decoder.evaluation.null import PermutationsDone
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.events import FoldResult

LAID_OUT = 3000
"""Samples that PCA and t-SNE lay out, at most; evenly chosen where there are more."""


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
) -> dict[str, Figure]:
    """Draw all pictures of a cross-validated run.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    results : sequence of FoldResult
    scores : Scores
    permutations : PermutationsDone or None
        Adds the null distribution.
    voxels : (Histogram, Histogram) or None
        Of the raw voxels' means and standard deviations with their floors; without them those of
        the prepared samples are drawn.
    seed : int
        Of t-SNE.
    design : FoldDesign, optional
        Of the folds; that of the splits alone by default.

    Returns
    -------
    dict of str to Figure
        By name, in the order of a report: "curves", "confusion_test", "confusion_train",
        "run_accuracy", "null", "probabilities", "folds", "voxels", "pca", "pca_variance", "tsne".
        What cannot be drawn (curves of a decoder without epochs, a t-SNE of three samples) is
        left out.
    """
    from napari_fmri_decoder.evaluation import figures

    predictions, history = predictions_table(results, samples), history_table(results)
    pictures: dict[str, Figure] = {}
    if history["epoch"].nunique() > 1:
        pictures["curves"] = figures.curves(history, scores.chance)
    pictures["confusion_test"] = figures.confusion_matrices(scores.confusion, scores.classes, "left out")
    pictures["confusion_train"] = figures.confusion_matrices(
        scores.train_confusion, scores.classes, "training parts"
    )
    accuracy = diagnostics.run_accuracy(predictions, scores.headline)
    pictures["run_accuracy"] = figures.run_accuracies(
        accuracy, scores.chance, scores.baseline, len(predictions), scores.headline
    )
    if permutations is not None:
        pictures["null"] = figures.null_distribution(
            permutations.scores,
            permutations.observed,
            scores.chance,
            permutations.summary.p,
            scores.headline,
        )
    counted = diagnostics.probability_histograms(predictions, samples.classes)
    pictures["probabilities"] = figures.probabilities(counted, len(predictions))
    pictures["folds"] = figures.fold_picture(design or diagnostics.fold_design(splits, samples))
    if voxels is None:
        means, stds = diagnostics.voxel_statistics(samples.X)
        prepared = diagnostics.histogram(means), diagnostics.histogram(stds)
        pictures["voxels"] = figures.voxel_histograms(*prepared, "prepared samples")
    else:
        pictures["voxels"] = figures.voxel_histograms(*voxels, "images as read")
    return pictures | _layouts(samples, seed)


def _layouts(samples: Samples, seed: int) -> dict[str, Figure]:
    """Lay the samples out, where there are enough that differ."""
    from napari_fmri_decoder.evaluation import figures

    n = len(samples.X)
    kept = np.unique(np.linspace(0, n - 1, min(n, LAID_OUT)).astype(int))
    X = samples.X[kept]
    labels, runs = samples.table["label"].to_numpy()[kept].tolist(), samples.groups[kept].tolist()
    if len(X) < diagnostics.FEWEST or not (X != X[0]).any():
        return {}
    components = diagnostics.pca(X)
    return {
        "pca": figures.scatter(components, labels, runs),
        "pca_variance": figures.explained_variance(components),
        "tsne": figures.scatter(diagnostics.tsne(X, seed=seed), labels, runs),
    }
