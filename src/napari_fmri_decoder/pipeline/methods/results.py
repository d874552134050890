"""Sentences on scores, significance and software."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.p_values import p_text
from napari_fmri_decoder.pipeline.methods.statement import Written, statement

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe


@statement("Evaluation metrics")
def score(recipe: Recipe, scores: Scores) -> Written:
    """The score and chance."""
    by_fold = [getattr(fold, scores.headline) for fold in scores.folds]
    if scores.headline == "accuracy":
        how = "the accuracy, averaged over folds"
    else:
        how = "the balanced accuracy, over the test sets of all folds together"
    return (
        f"The score was {how}: {scores.score:.3f} (folds {min(by_fold):.3f} to {max(by_fold):.3f}), where "
        f"guessing gives {scores.chance:.3f}."
    )


@statement("Evaluation metrics")
def overfitting(recipe: Recipe, scores: Scores) -> Written:
    """Scores of the training sets, and losses."""
    return (
        f"The accuracy was {scores.train_accuracy:.3f} in the training sets; the cross-entropy was "
        f"{scores.train_loss:.3f} there and {scores.loss:.3f} in the test sets."
    )


@statement("Evaluation metrics", "baseline")
def baselines(recipe: Recipe, scores: Scores) -> Written:
    """Scores of the baselines."""
    if not scores.baseline:
        return ""
    each = ", ".join(f"{name} {value:.3f}" for name, value in scores.baseline.items())
    return f"Baselines on the same folds scored: {each}.", ("Varoquaux2017",)


@statement("Evaluation metrics", "compare")
def compared(recipe: Recipe, scores: Scores) -> Written:
    """Scores of other decoders."""
    each = ", ".join(f"{one.decoder['name']} {getattr(one, scores.headline):.3f}" for one in scores.compared)
    return f"Other decoders on the same folds scored: {each}." if each else ""


@statement("Evaluation metrics")
def calibration(recipe: Recipe, scores: Scores) -> Written:
    """Calibration of the probabilities."""
    found = scores.calibration
    if found is None:
        return ""
    return (
        f"The expected calibration error was {found.ece:.3f}, the log loss {found.log_loss:.3f}, over the "
        "test sets of all folds together."
    ), ("Guo2017",)


@statement("Significance")
def versus_baseline(recipe: Recipe, scores: Scores) -> Written:
    """Test against the better baseline."""
    test = scores.versus_baseline
    if test is None:
        return ""
    return (
        f"Compared with {test.baseline}, the decoder was correct more often in {test.better} and less often "
        f"in {test.worse} of {test.n_blocks} blocks (exact sign test, p = {test.p:.3g})."
    )


@statement("Significance", "null")
def permutations(recipe: Recipe, scores: Scores) -> Written:
    """Test against chance."""
    test = scores.permutation
    if test is None:
        return "The score was not tested against chance."
    return (
        f"All fits were repeated with block labels permuted within runs (mean score {test.mean:.3f}): "
        f"{p_text(test.p, test.n)}."
    ), ("EtzelBraver2013", "PhipsonSmyth2010")


@statement("Significance", "null.compared")
def best_of(recipe: Recipe, scores: Scores) -> Written:
    """Choice of the best of several decoders."""
    return f"{scores.best_of.sentence}" if scores.best_of else ""


@statement("Significance", "audit")
def audit(recipe: Recipe, scores: Scores) -> Written:
    """Findings of the audit."""
    codes = [f"{one.code}{' (allowed)' if one.allowed else ''}" for one in scores.audit]
    if not codes:
        return "An audit of the data and the split had no findings."
    return f"An audit of the data and the split found: {', '.join(codes)}."


@statement("Software")
def software(recipe: Recipe, scores: Scores) -> Written:
    """Software, and where this text comes from."""
    return (
        "The analysis was made with napari-fmri-decoder; this text follows COBIDAS and was written from the "
        "settings and scores of the run."
    ), ("napari-fmri-decoder", "Nichols2017")
