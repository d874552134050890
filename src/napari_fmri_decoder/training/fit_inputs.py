"""Samples as the input of a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Scaled and arranged samples: inputs (n, *input_shape) float32, y (n,) int64."""

    inputs: NDArray[np.float32]
    y: NDArray[np.int64]
