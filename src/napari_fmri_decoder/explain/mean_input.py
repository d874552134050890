"""mean-input: a negative control that shows the input itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from napari_fmri_decoder.explain.negative_control import NegativeControl, mean_absolute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space


class MeanInput(NegativeControl):
    """Mean absolute value of each voxel over samples, the same for all classes."""

    summary: ClassVar[str] = "Negative control: mean absolute value of the input"
    name: Literal["mean-input"] = "mean-input"

    def features(self, X: NDArray[np.float32], space: Space, n_classes: int) -> NDArray[np.float32]:
        """Average; see `NegativeControl.features`."""
        return mean_absolute(X)
