"""What a trained network looks at: one file, one method, each found by its name in `explainers`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from napari_fmri_decoder.explain.base import Explainer, Explanation, explainers
from napari_fmri_decoder.samples.options import choose

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)


def get_explainer(options: dict[str, Any]) -> Explainer:
    """Build a method from its name and options, as the command line or a form gives them.

    Parameters
    ----------
    options : dict
        `name`, and the options of that method.

    Examples
    --------
    >>> get_explainer({"name": "activation", "layer": "conv2"}).model_dump()["layer"]
    'conv2'
    """
    return choose(explainers, "name", "method", options)


__all__ = ["Explainer", "Explanation", "explainers", "get_explainer"]
