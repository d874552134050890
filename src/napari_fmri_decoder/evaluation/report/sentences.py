"""The sentences of the report: the score and chance, overridden errors, captions, descriptions of files."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores

UNTESTED = "not tested against chance (no permutations)"

BY_RUN = "with whole runs held out"

MISSING = "\N{EN DASH}"
"""Shown for a number that does not exist."""

NO_FIGURES = "No figures were drawn because the recipe sets report.figures to none."

FILES = {
    "scores.json": "all numbers in this report",
    "predictions.tsv": "the prediction for each held-out sample",
    "history.tsv": "loss and accuracy of each epoch",
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
    "null": "Scores with block labels permuted within runs and all fits repeated.",
    "probabilities": "Confidence of the decoder: the predicted probability of each class.",
    "folds": "How each fold used each sample, by run and in order of time: for training, held out for "
    "testing, or held out of the training set to choose the epoch (validation).",
    "voxels": "Means and standard deviations of the voxels; a line marks the threshold of a mask.",
    "pca": "Principal components of the samples. Groups by run instead of by label indicate drift between "
    "runs.",
    "pca_variance": "Fraction of the variance explained by the first components.",
    "tsne": "t-SNE of the samples. Distances between separate groups, and their sizes, have no meaning.",
}


def headline_sentence(scores: Scores) -> str:
    """Write the score in one sentence, with chance, the baselines and the permutation test.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    str
        The first sentence of the report, and the last line of a command.
    """
    return f"{_score(scores)}; {', '.join(_chance_and_baselines(scores))}; {_permutation_test(scores)}."


def override_sentence(scores: Scores) -> str:
    """Name the errors of the audit that are overridden; "" if there are none. It follows the headline.

    Parameters
    ----------
    scores : Scores
    """
    codes = [finding.code for finding in scores.audit if finding.allowed and finding.severity == "error"]
    if not codes:
        return ""
    return (
        f"The audit found errors, which the recipe overrides: {', '.join(codes)}. "
        "These may explain the score."
    )


def size_sentence(scores: Scores) -> str:
    """Write how many samples, classes and seconds there were."""
    held_out = sum(row.n for row in scores.per_class)
    tested = "" if held_out == scores.n_samples else f", {held_out} of them held out"
    return f"{scores.n_samples} samples of {len(scores.classes)} classes{tested}, {scores.seconds:.0f} s."


def number(value: str | float | None) -> str:
    """Write texts and counts as they are, and other numbers with three decimals."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return MISSING
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _score(scores: Scores) -> str:
    name = scores.headline.replace("_", " ").capitalize()
    per_fold = [getattr(fold, scores.headline) for fold in scores.folds]
    folds = "1 fold"
    if len(per_fold) > 1:
        folds = f"{len(per_fold)} folds, {number(min(per_fold))} to {number(max(per_fold))}"
    if scores.seeds:
        by_seed = scores.seeds.scores
        folds += f"; {len(by_seed)} seeds, {number(min(by_seed))} to {number(max(by_seed))}"
    return f"{name} {number(scores.score)} ({folds})"


def _chance_and_baselines(scores: Scores) -> list[str]:
    comparisons = [f"chance {number(scores.chance)}"]
    for name, value in scores.baseline.items():
        by_run = scores.baseline_by_run if name == "linear" else None
        comparisons.append(
            f"{name} {number(value)}" + ("" if by_run is None else f" ({BY_RUN} {number(by_run)})")
        )
    return comparisons


def _permutation_test(scores: Scores) -> str:
    if not scores.permutation:
        return UNTESTED
    test = scores.permutation
    return f"p = {test.p:.3g} from {test.n} permutations (their mean {number(test.mean)})"
