"""Predictions at many centers, of decoders that can be fitted as a stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_fmri_decoder.decoders.lda import LDA
from napari_fmri_decoder.decoders.linear import Linear
from napari_fmri_decoder.decoders.prototype import Prototype
from napari_fmri_decoder.training.stacks.lda import predict_lda
from napari_fmri_decoder.training.stacks.logistic import predict_logistic
from napari_fmri_decoder.training.stacks.prototype import predict_prototype
from napari_fmri_decoder.training.stacks.stack import Folds, Stack, make_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder

BYTES_AT_ONCE = 2**26
"""Memory of the matrices of one stack, so that they fit in the cache of most CPUs, or nearly."""
LARGEST = 512
"""Voxels of a center up to which a stack is faster than one fit after the other."""

_STACKED: dict[type[Decoder], Callable[[Any, Stack, Folds], list[torch.Tensor]]] = {
    LDA: predict_lda,
    Linear: predict_logistic,
    Prototype: predict_prototype,
}


def can_stack(decoder: Decoder) -> bool:
    """Whether `predict_stacked` gives the predictions of a decoder."""
    if isinstance(decoder, Linear) and (decoder.loss != "logistic" or decoder.C == "nested"):
        return False
    return type(decoder) in _STACKED


def predict_stacked(
    decoder: Decoder, X: NDArray[np.float32], folds: Folds, sets: Sequence[NDArray[np.int32]]
) -> Iterator[tuple[NDArray[np.int64], list[NDArray[np.int64]]]]:
    """Predict the test samples of each fold at several centers, some centers at a time.

    Parameters
    ----------
    decoder : Decoder
        See `can_stack`.
    X : (n, features) float32 array
        As prepared, not scaled: each fold scales by its training samples.
    folds : Folds
    sets : sequence of (voxels,) int32 array
        Features of each center, at most `LARGEST`.

    Yields
    ------
    centers : (m,) int64 array
        Positions in `sets`.
    predicted : list of (m, test samples) int64 array
        Classes, one array per fold.
    """
    predict = _STACKED[type(decoder)]
    sizes = np.array([len(one) for one in sets])
    order = np.argsort(sizes, kind="stable")
    n_folds, n = folds.train.shape
    start = 0
    with torch.inference_mode():
        while start < len(order):
            stop = start + _centers_at_once(sizes[order[start:]], n_folds + folds.n_classes, n)
            centers = order[start:stop]
            stack = make_stack(X, folds, [sets[i] for i in centers])
            yield centers, [found.numpy() for found in predict(decoder, stack, folds)]
            start = stop


def _centers_at_once(sizes: NDArray[np.int64], matrices: int, n: int) -> int:
    """Number of the next centers, in increasing order of size, that fit in the memory of a stack."""
    each = 8 * sizes * np.maximum(matrices * sizes, 4 * n)
    fits = each * np.arange(1, len(sizes) + 1) <= BYTES_AT_ONCE
    return max(1, int(fits.argmin()) if not fits.all() else len(sizes))
