"""The arrays of one network in a bundle: weights, scaler, screening and whitening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.scaling import Scaler
from napari_fmri_decoder.training.bundle.checks import WEIGHTS
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.training.whitening import whitening_of

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder

Values = Mapping[str, Any]


def arrays_of(model: FittedModel) -> dict[str, NDArray[Any]]:
    """Name the arrays of one network."""
    return {f"{WEIGHTS}{name}": value for name, value in model.state.items()} | {
        "scaler.mean": model.scaler.mean,
        "scaler.std": model.scaler.std,
        **({} if model.screened is None else {"chosen": model.screened.astype(np.uint8)}),
        **({} if model.whitening is None else model.whitening.arrays()),
    }


def model_of(
    decoder: Decoder, input_shape: tuple[int, ...], n_classes: int, arrays: Mapping[str, NDArray[Any]]
) -> FittedModel:
    """Build a network from the arrays of `arrays_of`."""
    return FittedModel(
        decoder,
        input_shape,
        n_classes,
        {name.removeprefix(WEIGHTS): value for name, value in arrays.items() if name.startswith(WEIGHTS)},
        Scaler(arrays["scaler.mean"], arrays["scaler.std"]),
        arrays["chosen"].astype(bool) if "chosen" in arrays else None,
        whitening_of(arrays),
    )


def divided(arrays: Values, n_others: int) -> list[dict[str, Any]]:
    """Divide the arrays of a file by network: those of the first, then of each further one.

    Arrays of the space belong to all of them.
    """
    prefixes = [prefix_of(i) for i in range(n_others)]
    first = {name: value for name, value in arrays.items() if not name.startswith(tuple(prefixes))}
    space = {name: value for name, value in first.items() if name.startswith("space.")}
    return [first] + [
        space | {n.removeprefix(prefix): value for n, value in arrays.items() if n.startswith(prefix)}
        for prefix in prefixes
    ]


def prefix_of(number: int) -> str:
    """Beginning of the names of the arrays of a further network, counted from 0.

    Examples
    --------
    >>> prefix_of(0)
    'network2.'
    """
    return f"network{number + 2}."
