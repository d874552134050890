"""Options that a plain script of nilearn, scikit-learn and torch cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.methods.settings import settings

if TYPE_CHECKING:
    from napari_fmri_decoder.recipe import Recipe

SCHEMES = ("leave-one-run-out", "leave-one-session-out", "leave-one-subject-out")
DECODERS = ("lda", "linear")
EXPRESSED = {
    "prepare": ("smooth_mm", "detrend", "center_runs", "standardize_runs", "average_blocks", "average_runs"),
    "split": ("scheme",),
    "training": (
        *("epochs", "optimizer", "learning_rate", "weight_decay", "momentum", "batch_size", "seed", "seeds"),
        *("threads", "device"),
    ),
}
"""Options that the script has; any other must have its default."""
UNUSED = {"split": ("n_splits", "group", "test_size", "method", "seed"), "prepare": (), "training": ()}
"""Options that the expressed schemes do not read."""


def check_expressible(recipe: Recipe) -> None:
    """Refuse a recipe with an option that the script cannot express.

    Raises
    ------
    InputError
        It names the first such option.
    """
    for found in _refused(recipe):
        raise InputError(
            f"A plain script cannot express every option, and this run has {found}. Write scripts of runs "
            "without it, or call this package: fd.run(fd.load_recipe(...))."
        )


def _refused(recipe: Recipe) -> list[str]:
    """Options with their values that cannot be expressed."""
    found = []
    if recipe.zmaps is not None:
        found.append("[zmaps]")
    if recipe.split.scheme not in SCHEMES:
        found.append(f"split.scheme = {recipe.split.scheme}")
    unread = recipe.decoder.unread_training
    for section, names in EXPRESSED.items():
        leave = (*names, *UNUSED[section], *(unread if section == "training" else ()))
        found += [f"{section}.{text}" for text in settings(getattr(recipe, section), leave=leave)]
    decoder = recipe.decoder
    if getattr(decoder, "C", None) == "nested":
        found.append("decoder.C = nested")
    if isinstance(decoder, NetworkDecoder):
        if decoder.preset != "torch":
            found.append(f"decoder.preset = {decoder.preset}")
    elif decoder.name not in DECODERS:
        found.append(f"decoder.name = {decoder.name}")
    return found
