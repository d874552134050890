"""integrated-gradients: the logit of a class distributed over the voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.explain.evidence import AT_ONCE, LOGIT, InputAttribution

if TYPE_CHECKING:
    import torch
    from torch import nn


class IntegratedGradients(InputAttribution):
    """Gradients integrated along the straight line from the training mean to the sample.

    The map of a sample adds up to the logit of the sample minus the logit of the training mean; the error of
    the integration decreases with the number of steps.

    References
    ----------
    Sundararajan, M., Taly, A. and Yan, Q. (2017), "Axiomatic attribution for deep networks",
    arXiv:1703.01365.
    """

    summary: ClassVar[str] = (
        "Each class's logit, minus that of the training mean, distributed over the voxels"
    )
    unit: ClassVar[str] = LOGIT
    name: Literal["integrated-gradients"] = "integrated-gradients"
    steps: int = Field(50, description="Points of the integral.", ge=2, le=1000)

    def attribute(self, network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
        """Integrate the gradient; see `InputAttribution.attribute`."""
        from captum.attr import IntegratedGradients as Integral

        found: torch.Tensor = Integral(network).attribute(
            inputs, target=target, n_steps=self.steps, internal_batch_size=max(AT_ONCE, len(inputs))
        )
        return found
