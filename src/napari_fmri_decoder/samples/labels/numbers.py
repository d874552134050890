"""Labels that are numbers: divided into classes, or refused if they look like measurements."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from napari_fmri_decoder.errors import InputError

MOST_NUMBERS = 20
"""More different numbers than these are not treated as names of classes."""


def binned(labels: Sequence[str], edges: Sequence[float]) -> list[str]:
    """Replace each label that is a number by its bin.

    Parameters
    ----------
    labels : sequence of str
    edges : sequence of float
        Increasing; each belongs to the bin above it.

    Examples
    --------
    >>> binned(["0.3", "0.5", "2", "rest", ""], [0.5, 1])
    ['below 0.5', '0.5 to 1', '1 or more', 'rest', '']
    """
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    names = [f"below {edges[0]:g}", *between, f"{edges[-1]:g} or more"]
    numbers = {label: _number(label) for label in set(labels)}
    return [
        label if np.isnan(numbers[label]) else names[bisect_right(edges, numbers[label])] for label in labels
    ]


def check_classes(labels: Iterable[str]) -> None:
    """Refuse labels with too many different numbers: they are probably measurements, not classes.

    Parameters
    ----------
    labels : iterable of str
        Those that are decoded.

    Raises
    ------
    InputError
        If more than `MOST_NUMBERS` different labels are numbers.
    """
    numbers = different_numbers(labels)
    if len(numbers) > MOST_NUMBERS:
        middle = f"{numbers[len(numbers) // 2]:g}"
        raise InputError(
            f"Labels must be classes, but {len(numbers)} of them are different numbers, from "
            f"{numbers[0]:g} to {numbers[-1]:g}. Decoding predicts classes; regression is not offered. "
            f"Divide the numbers into classes with bins = [{middle}] in labels, or set categorical = true if "
            "each number is the name of a class."
        )


def different_numbers(labels: Iterable[str]) -> list[float]:
    """Sort the different numbers among labels."""
    return sorted({number for label in set(labels) if not np.isnan(number := _number(label))})


def _number(label: str) -> float:
    try:
        return float(label) if "_" not in label else np.nan
    except ValueError:
        return np.nan
