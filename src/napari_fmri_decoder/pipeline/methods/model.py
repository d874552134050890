"""Sentences on the decoder, how it was trained and tested, and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.pipeline.methods.settings import counted, listed, settings
from napari_fmri_decoder.pipeline.methods.statement import Written, statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe

OPTIMIZATION = ("epochs", "optimizer", "learning_rate", "weight_decay", "momentum", "batch_size", "schedule")
VALIDATION = ("validation", "validation_size", "patience", "keep_best")


@statement("Features extraction and dimension reduction", "training.screening")
def screening(recipe: Recipe, scores: Scores) -> Written:
    """Selection of voxels inside the folds."""
    kept = recipe.training.screening
    if not kept:
        return ""
    many = f"{kept:.0f} voxels" if kept >= 1 else f"{100 * kept:g}% of the voxels"
    return f"The {many} with the highest F (ANOVA of the classes) in each training set were used."


@statement("Features extraction and dimension reduction")
def scaling(recipe: Recipe, scores: Scores) -> Written:
    """Scaling inside the folds."""
    return "Voxels were scaled to mean 0 and standard deviation 1 with the values of each training set."


@statement("Features extraction and dimension reduction", "training.whiten")
def whitening(recipe: Recipe, scores: Scores) -> Written:
    """Removal of shared noise inside the folds."""
    if not recipe.training.whiten:
        return ""
    return (
        "Samples were multiplied by the inverse square root of the covariance within classes (Ledoit-Wolf) "
        "of each training set."
    ), ("LedoitWolf2004",)


@statement("Model", "decoder")
def decoder(recipe: Recipe, scores: Scores) -> Written:
    """The model and its options."""
    model = recipe.decoder
    stated = settings(model, leave=("name",), defaults=True)
    text = f"The decoder was {model.name}: {type(model).summary}{listed(stated, ' (', ')')}."
    if isinstance(model, NetworkDecoder):
        return text, ("Paszke2019",)
    shrunken = model.name == "lda" and getattr(model, "shrinkage", None) == "auto"
    return text, ("Pedregosa2011", *(["LedoitWolf2004"] if shrunken else []))


@statement("Learning method", *(f"training.{name}" for name in OPTIMIZATION))
def optimization(recipe: Recipe, scores: Scores) -> Written:
    """How a network was trained."""
    if not isinstance(recipe.decoder, NetworkDecoder):
        return ""
    config = recipe.training.resolved(recipe.decoder)
    size = f"batches of {config.batch_size} samples" if config.batch_size else "all samples per step"
    momentum = f", momentum {config.momentum:g}" if config.optimizer == "sgd" else ""
    return (
        f"It was trained for at most {config.epochs} epochs with {config.optimizer} (learning rate "
        f"{config.learning_rate:g}, {config.schedule} schedule, weight decay {config.weight_decay:g}"
        f"{momentum}, {size})."
    )


@statement("Learning method", "training.augment")
def augmentation(recipe: Recipe, scores: Scores) -> Written:
    """Changes of training samples in each epoch."""
    stated = settings(recipe.training.augment)
    return f"Training samples were changed at random in each epoch ({', '.join(stated)})." if stated else ""


@statement("Learning method", "training.balance")
def balance(recipe: Recipe, scores: Scores) -> Written:
    """Treatment of classes of unequal size."""
    match recipe.training.balance:
        case "weights":
            return "Classes had the same weight in the loss, whatever their number of samples."
        case "undersample":
            return "Training sets were balanced by dropping samples of the larger classes."
        case "oversample":
            return "Training sets were balanced by repeating samples of the smaller classes."
        case _:
            return ""


@statement("Training procedure", *(f"training.{name}" for name in VALIDATION))
def validation(recipe: Recipe, scores: Scores) -> Written:
    """Validation set and early stopping."""
    config = recipe.training
    if config.validation == "none" or not isinstance(recipe.decoder, NetworkDecoder):
        return ""
    part = "the last whole runs" if config.validation == "runs" else "the last samples"
    stop = f"training stopped after {config.patience} epochs without a lower loss there"
    kept = "the epoch with the lowest loss there was used" if config.keep_best else "the last epoch was used"
    return (
        f"{part.capitalize()} of each training set, about {100 * config.validation_size:g}%, were a "
        f"validation set: {f'{stop}, and ' if config.patience else ''}{kept}."
    )


@statement("Training procedure", "training.calibrate")
def temperature(recipe: Recipe, scores: Scores) -> Written:
    """Calibration of the probabilities inside the folds."""
    if recipe.training.calibrate == "none":
        return ""
    return (
        "The logits were divided by a temperature, found inside each training set by holding out its last "
        "runs."
    ), ("Guo2017",)


@statement("Training procedure", "training.select")
def selection(recipe: Recipe, scores: Scores) -> Written:
    """Hyperparameters that were selected inside the folds."""
    select = recipe.training.select
    if not select:
        return ""
    candidates = "; ".join(f"{name} from {', '.join(map(str, values))}" for name, values in select.items())
    return (
        f"Hyperparameters were selected inside each training set by holding out whole runs ({candidates})."
    ), ("Varoquaux2017",)


@statement("Training procedure", *(f"split.{name}" for name in ("scheme", "n_splits", "group")))
def split(recipe: Recipe, scores: Scores) -> Written:
    """Cross-validation."""
    config = recipe.split
    units = f", which kept each {config.group} in one set" if "group" in config.scheme else ""
    n_train, n_test = ({getattr(fold, name) for fold in scores.folds} for name in ("n_train", "n_test"))
    return (
        f"The decoder was tested by {config.scheme} cross-validation{units}: "
        f"{counted(len(scores.folds), 'fold')}, trained on {_span(n_train)} and tested on {_span(n_test)} "
        "samples each."
    ), ("Varoquaux2017",)


@statement("Training procedure", "split.train_where", "split.test_where")
def cross_decoding(recipe: Recipe, scores: Scores) -> Written:
    """Conditions of the training and test samples."""
    config = recipe.split
    parts = (("trained", config.train_where), ("tested", config.test_where))
    where = [f"{part} where {_listed(given)}" for part, given in parts if given]
    return f"For cross-decoding, decoders were {' and '.join(where)}." if where else ""


@statement("Training procedure", *(f"split.{name}" for name in ("test_size", "seed", "method")))
def random_split(recipe: Recipe, scores: Scores) -> Written:
    """A split of single samples."""
    config = recipe.split
    if config.scheme != "random":
        return ""
    return (
        f"Single samples were held out at random ({config.method}, {100 * config.test_size:g}% of them, seed "
        f"{config.seed}), so that neighbors in time were in both sets."
    )


@statement("Learning method", "training.average")
def average(recipe: Recipe, scores: Scores) -> Written:
    """Networks that vote as one model."""
    if not recipe.training.average:
        return ""
    n = recipe.training.seeds
    return f"The networks of {n} seeds voted as one model: its probabilities were the mean of theirs."


@statement("Training procedure", "training.seed", "training.seeds")
def seeds(recipe: Recipe, scores: Scores) -> Written:
    """Random seeds, and the spread of the score over them."""
    first = f"Random numbers had seed {recipe.training.seed}"
    if scores.seeds is None:
        return f"{first}."
    return (
        f"{first}; over {recipe.training.seeds} seeds the score was {scores.seeds.mean:.3f}, standard "
        f"deviation {scores.seeds.std:.3f}."
    )


def _span(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _listed(conditions: Mapping[str, tuple[str, ...]]) -> str:
    return " and ".join(
        f"{column} is {' or '.join(map(str, values))}" for column, values in conditions.items()
    )
