"""Decoders: one file, one network. Importing this package registers all of them."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.decoders.base import Decoder, EstimatorDecoder, NetworkDecoder, registry
from napari_fmri_decoder.registry import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

__all__ = ["Decoder", "EstimatorDecoder", "NetworkDecoder", "get_decoder", "registry"]


def get_decoder(options: Mapping[str, Any]) -> Decoder:
    """Build a decoder from its name and options, as in a recipe.

    Parameters
    ----------
    options : mapping
        `name`, and any of that decoder's own options.

    Returns
    -------
    Decoder

    Raises
    ------
    InputError
        If the name is unknown, or an option is unknown or out of its limits.

    Examples
    --------
    >>> get_decoder({"name": "mlp", "hidden": 100}).hidden
    100
    """
    return choose(registry, "name", "decoder", options)
