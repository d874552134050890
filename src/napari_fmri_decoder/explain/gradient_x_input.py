"""gradient-x-input: the gradient of a logit times the scaled voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from napari_fmri_decoder.explain.evidence import LOGIT, InputAttribution

if TYPE_CHECKING:
    import torch
    from torch import nn


class GradientXInput(InputAttribution):
    """Gradient of the logit of each class, times the difference of each voxel from its training mean.

    References
    ----------
    Shrikumar, A., Greenside, P. and Kundaje, A. (2017), "Learning important features through propagating
    activation differences", arXiv:1704.02685.
    """

    summary: ClassVar[str] = "Gradient of each class's logit times the voxels' difference from their mean"
    unit: ClassVar[str] = LOGIT
    name: Literal["gradient-x-input"] = "gradient-x-input"

    def attribute(self, network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
        """Multiply gradient and input; see `InputAttribution.attribute`."""
        from captum.attr import InputXGradient

        found: torch.Tensor = InputXGradient(network).attribute(inputs, target=target)
        return found
