"""The methods text of a run: paragraph and table."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from napari_fmri_decoder.pipeline.methods import data, model, results  # their functions add themselves
from napari_fmri_decoder.pipeline.methods.settings import listed, settings
from napari_fmri_decoder.pipeline.methods.statement import WRITERS, Item, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe

SECTIONS = ("prepare", "split", "training")
"""Sections whose options are listed if no sentence states them."""
NO_METHOD = ("training.threads", "training.device")
"""Options that do not belong to the methods."""
PARTS = (data, model, results)
"""Modules of the sentences, in the order of the text."""


def statements(recipe: Recipe, scores: Scores) -> list[Statement]:
    """Write all statements.

    Parameters
    ----------
    recipe : Recipe
        Resolved.
    scores : Scores

    Returns
    -------
    list of Statement
        In the order of the text; each option and each score is in one of them.
    """
    written = []
    for item, writer, _ in WRITERS:
        result = writer(recipe, scores)
        text, cites = (result, ()) if isinstance(result, str) else result
        if text:
            written.append(Statement(writer.__name__, item, text, cites))
    if others := _others(recipe):
        text = f"Further settings that differ from the defaults: {listed(others)}."
        written.insert(-1, Statement("others", "Training procedure", text))
    return written


def methods_text(statements: Sequence[Statement]) -> str:
    """Join the sentences into a paragraph, with the keys of what they cite."""
    return " ".join(_cited(one) for one in statements)


def methods_table(statements: Sequence[Statement]) -> list[tuple[str, str]]:
    """List what predictive modeling must report, after COBIDAS: rows and their sentences."""
    return [
        (item, " ".join(one.text for one in statements if one.item == item))
        for item in get_args(Item)
        if any(one.item == item for one in statements)
    ]


def _cited(one: Statement) -> str:
    if not one.cites:
        return one.text
    return f"{one.text.removesuffix('.')} [{', '.join(f'@{key}' for key in one.cites)}]."


def _others(recipe: Recipe) -> list[str]:
    """Write the options that no sentence states, and that differ from their defaults."""
    stated = {option for _, _, options in WRITERS for option in options} | set(NO_METHOD)
    unread = recipe.decoder.unread_training
    texts = []
    for section in SECTIONS:
        names = [option.split(".")[1] for option in stated if option.startswith(f"{section}.")]
        leave = (*names, *(unread if section == "training" else ()))
        texts += [f"{section}.{text}" for text in settings(getattr(recipe, section), leave=leave)]
    return texts
