"""prototype: the class whose mean pattern correlates best with a sample (Haxby and colleagues 2001)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from napari_fmri_decoder.decoders.base import EstimatorDecoder, Solution
from napari_fmri_decoder.decoders.one_layer import layer_state, log_loss
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.generators import Steps


class Prototype(EstimatorDecoder):
    """Correlation with the mean pattern of each class.

    The correlation of a sample with class k is a linear function of the sample, divided by the sample's own
    spread, which is the same for all classes. So the decoder is one torch layer `out` without bias, whose
    rows are the mean patterns with mean 0 and length 1. Its probabilities rank the classes as the
    correlations do, but are not calibrated.
    """

    layout: ClassVar[Layout] = "vector"
    summary: ClassVar[str] = "The class whose mean pattern correlates best with the sample"

    name: Literal["prototype"] = "prototype"

    def solve(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.int64],
        n_classes: int,
        groups: NDArray[np.str_],
        seed: int,
        *,
        balanced: bool = False,
    ) -> Steps[float, Solution]:
        """Average the samples of each class; see `EstimatorDecoder.solve`."""
        classes = np.unique(y)
        patterns = prototypes(np.stack([X[y == k].mean(axis=0) for k in classes]))
        bias = np.zeros(len(classes))
        yield log_loss(X @ patterns.T, y, classes)
        return Solution(layer_state(patterns, bias, classes, n_classes))


def prototypes(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean patterns, (classes, features), with mean 0 and length 1 each; 0 for a pattern that is constant.

    Examples
    --------
    >>> prototypes(np.array([[0.0, 2.0], [1.0, 1.0]])).round(3).tolist()
    [[-0.707, 0.707], [0.0, 0.0]]
    """
    centered = means - means.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centered, axis=1, keepdims=True)
    patterns: NDArray[np.float64] = np.divide(
        centered, lengths, out=np.zeros_like(centered), where=lengths > 0
    )
    return patterns
