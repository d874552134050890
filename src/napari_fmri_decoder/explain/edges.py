"""edges: a negative control that shows where the input changes from voxel to voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from napari_fmri_decoder.explain.negative_control import NegativeControl, mean_absolute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space


class Edges(NegativeControl):
    """Sobel's edge strength of the mean absolute input, the same for all classes.

    References
    ----------
    Adebayo, J. et al. (2018), "Sanity checks for saliency maps", arXiv:1810.03292: several maps of networks
    resemble edges, and do not depend on the network.
    """

    summary: ClassVar[str] = "Negative control: edges of the input"
    name: Literal["edges"] = "edges"

    def features(self, X: NDArray[np.float32], space: Space, n_classes: int) -> NDArray[np.float32]:
        """Filter the mean of the samples; see `NegativeControl.features`."""
        from scipy import ndimage

        image = space.paint(mean_absolute(X), fill=0.0)
        found: NDArray[np.float32] = ndimage.generic_gradient_magnitude(image, ndimage.sobel)[space.mask]
        return found
