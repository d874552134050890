"""Base of the methods that say how much each voxel speaks for each class, and what they share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_fmri_decoder.explain.base import Explainer, Explanation, class_numbers
from napari_fmri_decoder.training.predict import module_of

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel

AT_ONCE = 64
"""Inputs that go through the network at once: limits the memory, changes no result."""

LOGIT = "logit"
"""Unit of maps whose sum is a difference of logits (nats)."""
LOGIT_PER_DEVIATION = "logit per standard deviation of the voxel in the training set"
DEVIATION_PER_LOGIT = "standard deviation of the voxel in the training set per logit"


class InputAttribution(Explainer):
    """A method of captum that attributes the logit of a class to scaled voxels.

    A voxel is scaled by (x - mean) / standard deviation, both of the training set. Voxels
    that are no features of the model, because they are outside the mask or screening removed them, are 0.
    """

    over_folds: ClassVar[bool] = True
    unit: ClassVar[str]

    @abstractmethod
    def attribute(self, network: nn.Module, inputs: torch.Tensor, target: int) -> torch.Tensor:
        """Attribute a logit to inputs.

        Parameters
        ----------
        network : nn.Module
            See `voxel_network`.
        inputs : (n, features) float32 tensor
            Scaled voxels, with a gradient.
        target : int
            The class.

        Returns
        -------
        (n, features) tensor
        """

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one signed map per sample and class; see `Explainer.explain`."""
        network, inputs = voxel_network(model, space), scaled_voxels(model, X)
        values = np.empty((len(X), model.n_classes, inputs.shape[1]), dtype=np.float32)
        for start in range(0, len(X), AT_ONCE):
            batch = inputs[start : start + AT_ONCE].requires_grad_()
            for k in range(model.n_classes):
                values[start : start + AT_ONCE, k] = self.attribute(network, batch, k).detach().numpy()
        return class_maps(values, model, space, type(self).unit)


def voxel_network(model: FittedModel, space: Space) -> nn.Module:
    """Build a network that takes scaled voxels, (n, features), and gives (n, classes) logits.

    It whitens and arranges the voxels as training did, so that its derivatives are those of voxels.
    """
    import torch
    from torch import nn

    network, used, layout = module_of(model), space.only(model.screened), model.decoder.layout
    whitening, mask = model.whitening, torch.tensor(used.mask)

    class OfVoxels(nn.Module):
        def forward(self, voxels: torch.Tensor) -> torch.Tensor:
            if whitening is not None:
                scale, axes, gains = map(torch.tensor, (whitening.scale, whitening.axes, whitening.gains))
                voxels = voxels * scale
                voxels = voxels + (voxels @ axes.T * gains) @ axes
            if layout != "vector":
                volumes = voxels.new_zeros(len(voxels), *mask.shape)
                volumes[:, mask] = voxels
                voxels = volumes[:, None] if layout == "volume" else volumes.movedim(1 + used.axis, 1)
            logits: torch.Tensor = network(voxels.contiguous())
            return logits

    return OfVoxels().eval()


def scaled_voxels(model: FittedModel, X: NDArray[np.float32]) -> torch.Tensor:
    """Scale the features that the model uses, (n, features), for `voxel_network`."""
    import torch

    return torch.tensor(model.scaler.apply(used_features(model, X)))


def logits_of(model: FittedModel, X: NDArray[np.float32], space: Space) -> NDArray[np.float32]:
    """Logits of (n, features) prepared samples, (n, classes)."""
    return network_logits(voxel_network(model, space), scaled_voxels(model, X))


def network_logits(network: nn.Module, inputs: torch.Tensor) -> NDArray[np.float32]:
    """Logits of n inputs, (n, classes), a few at a time."""
    import torch

    with torch.inference_mode():
        pieces = [network(batch).numpy() for batch in inputs.split(AT_ONCE)]
    found: NDArray[np.float32] = np.concatenate(pieces)
    return found


def used_features(model: FittedModel, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features that the model uses: all, or those that screening selected."""
    return X if model.screened is None else X[:, model.screened]


def class_maps(values: NDArray[np.float32], model: FittedModel, space: Space, unit: str) -> Explanation:
    """Put values of the features that the model uses, (n, classes, features), into the slab; 0 elsewhere."""
    maps = space.only(model.screened).paint(values, fill=0.0)
    return Explanation(maps, class_numbers(model.n_classes), space.grid, unit=unit, of_classes=True)
