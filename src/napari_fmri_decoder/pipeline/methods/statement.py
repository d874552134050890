"""A statement of the methods text, and the list of all functions that write one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe

Item = Literal[
    "Data preprocessing",
    "Target values",
    "Features extraction and dimension reduction",
    "Model",
    "Learning method",
    "Training procedure",
    "Evaluation metrics",
    "Significance",
    "Software",
]
"""Rows of the table: what predictive modeling must report (COBIDAS; Nichols et al. 2017)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the methods text.

    Attributes
    ----------
    name : str
        Of the function that wrote it.
    item : Item
        The row of the COBIDAS table.
    text : str
    cites : tuple of str
        Keys of `references.REFERENCES`.
    """

    name: str
    item: Item
    text: str
    cites: tuple[str, ...] = ()


Written = tuple[str, tuple[str, ...]] | str
"""A sentence, or a sentence and what it cites; "" for none."""
Writer = Callable[["Recipe", "Scores"], Written]

WRITERS: list[tuple[Item, Writer, tuple[str, ...]]] = []
"""In the order of the text: row, function, and the options that it reads, as "section.name"."""


def statement(item: Item, *options: str) -> Callable[[Writer], Writer]:
    """Add a function to the methods text.

    Parameters
    ----------
    item : Item
        Row of the table.
    *options : str
        Options that the sentence states, as "section.name". An option that no sentence states is listed
        with its value, so that a new option is never missing.
    """

    def added(writer: Writer) -> Writer:
        WRITERS.append((item, writer, options))
        return writer

    return added
