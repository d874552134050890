"""random: a negative control of noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.explain.negative_control import NegativeControl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space


class RandomMap(NegativeControl):
    """White noise, other for each class, the same for each model and all samples."""

    summary: ClassVar[str] = "Negative control: white noise"
    name: Literal["random"] = "random"
    seed: int = Field(0, description="Seed of the noise.", ge=0, le=2**32 - 1)

    def features(self, X: NDArray[np.float32], space: Space, n_classes: int) -> NDArray[np.float32]:
        """Draw numbers; see `NegativeControl.features`."""
        noise = np.random.default_rng(self.seed).standard_normal((n_classes, space.n_features))
        return noise.astype(np.float32)
