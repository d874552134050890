"""Explanations of a trained network: one file, one method, each found by its name in `explainers`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.explain.base import (
    Explainer,
    Explanation,
    explain_samples,
    explainers,
    mean_explanation,
)
from napari_fmri_decoder.registry import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)


def get_explainer(options: Mapping[str, Any]) -> Explainer:
    """Build a method from its name and options, as the command line or a form gives them.

    Parameters
    ----------
    options : mapping
        `name`, and the options of that method.

    Raises
    ------
    InputError
        If the name is unknown, or an option is unknown or out of its limits.

    Examples
    --------
    >>> get_explainer({"name": "activation", "layer": "conv2"}).model_dump()["layer"]
    'conv2'
    """
    return choose(explainers, "name", "method", options)


__all__ = [
    "Explainer",
    "Explanation",
    "explain_samples",
    "explainers",
    "get_explainer",
    "mean_explanation",
]
