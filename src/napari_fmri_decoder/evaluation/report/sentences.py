"""The sentences of the report: sizes, captions, descriptions of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores

NO_FIGURES = "No figures were drawn because the recipe sets report.figures to none."

FILES = {
    "scores.json": "all numbers in this report",
    "predictions.tsv": "the prediction for each held-out sample",
    "volume_labels.tsv": "label and run of each volume",
    "history.tsv": "loss and accuracy of each epoch",
    "null.tsv": "the score of each permutation",
    "methods.txt": "the methods text of this report",
    "methods.bib": "its references, as BibTeX",
    "recipe.toml": "all settings of the run, to repeat it",
    "model.safetensors": "the model fitted to all samples",
}
"""Descriptions of the files that are linked if they are in the run folder."""

CAPTIONS = {
    "curves": "Learning curves. Epoch 0 is the untrained network. The held-out samples are evaluated but "
    "never used for training. If training uses a validation set, its curve is shown instead, and it "
    "determines the epoch.",
    "confusion_test": "Confusion matrix of the held-out samples.",
    "confusion_train": "Confusion matrix of the training sets, each sample once per fold that trained on it.",
    "run_accuracy": "The score in each run, over its held-out samples.",
    "lag": "Accuracy of lda on the held-out samples of all folds, by the lag of the labels. No lag is chosen "
    "by this curve: if the lag is nested, each fold chose its own inside its training set (points below).",
    "null": "Scores with block labels permuted within runs and all fits repeated.",
    "probabilities": "Confidence of the decoder: the predicted probability of each class.",
    "reliability": "Calibration of the decoder and of those it is compared with: the fraction of correct "
    "predictions in each tenth of the confidence. Below the dashed line, confidence is too high. ECE: "
    "expected calibration error. Bottom: number of predictions of the decoder.",
    "folds": "How each fold used each sample, by run and in order of time: for training, held out for "
    "testing, or held out of the training set to choose the epoch (validation).",
    "planes": "The decoded voxels in three planes through their middle.",
    "brain": "Where the decoded voxels are. Of a slab, each plane is shown, and positions count along its "
    "axis.",
    "pattern": "Activation patterns (Haufe et al., 2014) of the linear model fitted to all samples: where "
    "voxels are higher (hot) or lower (cold) when the evidence for the class is higher. Values below 16% of "
    "the color limit are transparent. The folder layers has patterns and weights of all classes.",
    "voxels": "Means and standard deviations of the voxels; a line marks the threshold of a mask.",
    "pca": "Principal components of the samples. Groups by run instead of by label indicate drift between "
    "runs.",
    "pca_variance": "Fraction of the variance explained by the first components.",
    "tsne": "t-SNE of the samples. Distances between separate groups, and their sizes, have no meaning.",
}


def size_sentence(scores: Scores) -> str:
    """Write how many samples, classes and seconds there were."""
    held_out = sum(row.n for row in scores.per_class)
    tested = "" if held_out == scores.n_samples else f", {held_out} of them held out"
    return f"{scores.n_samples} samples of {len(scores.classes)} classes{tested}, {scores.seconds:.0f} s."


def brain_sentence(scores: Scores) -> str:
    """Write how many voxels were decoded, the volume that they fill, and the day of the run."""
    data = scores.data
    if data is None:
        return ""
    size = " x ".join(f"{mm:.3g}" for mm in data.voxel_mm)
    day = f", decoded on {data.date}" if data.date else ""
    return f"{data.n_voxels} voxels of {size} mm, {data.volume_mm3:.0f} mm³ in all{day}."
