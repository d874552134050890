"""gradient: how the logit of a class changes with each voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from napari_fmri_decoder.explain.evidence import LOGIT_PER_DEVIATION, InputAttribution

if TYPE_CHECKING:
    import torch
    from torch import nn


class Gradient(InputAttribution):
    """Derivative of the logit of each class with respect to the scaled voxels, with its sign.

    References
    ----------
    Simonyan, K., Vedaldi, A. and Zisserman, A. (2013), "Deep inside convolutional networks",
    arXiv:1312.6034.
    """

    summary: ClassVar[str] = "Gradient of each class's logit with respect to the voxels"
    unit: ClassVar[str] = LOGIT_PER_DEVIATION
    name: Literal["gradient"] = "gradient"

    def attribute(self, network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
        """Differentiate one logit; see `InputAttribution.attribute`."""
        from captum.attr import Saliency

        found: torch.Tensor = Saliency(network).attribute(inputs, target=target, abs=False)
        return found
