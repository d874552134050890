"""grad-cam: where the units of a convolution raise or lower the logit of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.explain.activations import OfLayer, end_of_layer, hidden_layers, layer_grid
from napari_fmri_decoder.explain.base import Explanation, class_numbers
from napari_fmri_decoder.explain.evidence import AT_ONCE, LOGIT
from napari_fmri_decoder.explain.layer_positions import on_slab
from napari_fmri_decoder.training.predict import module_of, network_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel


class GradCAM(OfLayer):
    """Activations of a convolution after its nonlinearity, weighted by the mean gradient of each filter.

    The weighted sum keeps its sign: positive where the units raise the logit of the class. The published
    method sets negative values to 0.

    References
    ----------
    Selvaraju, R. R. et al. (2017), "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", arXiv:1610.02391.
    """

    over_folds: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Grad-CAM: activations of a convolution, weighted by gradients of each class's logit"
    )
    name: Literal["grad-cam"] = "grad-cam"
    layer: str = Field("", description="Name of the convolution, such as conv2; empty for the last.")
    grid: Literal["slab", "layer"] = Field(
        "slab",
        description="Voxels of the maps. slab: interpolated linearly to the voxels of the slab; layer: the "
        "units of the layer, each at the center of its receptive field.",
    )

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one signed map per sample and class; see `Explainer.explain`."""
        from captum.attr import LayerGradCam

        layers = hidden_layers(model)
        layer = self.layer or (layers[-1] if layers else "")
        of_layer = layer_grid(model, layer, space)  # an unknown layer is an error here
        network, inputs = module_of(model), network_inputs(model, X, space)
        method = LayerGradCam(network, network.get_submodule(end_of_layer(network, layer)))
        values = np.empty((len(X), model.n_classes, *of_layer.shape), dtype=np.float32)
        for start in range(0, len(X), AT_ONCE):
            batch = inputs[start : start + AT_ONCE].requires_grad_()
            for k in range(model.n_classes):
                found = method.attribute(batch, target=k, relu_attributions=False).detach().numpy()
                values[start : start + AT_ONCE, k] = found.reshape(-1, *of_layer.shape)
        grid = of_layer
        if self.grid == "slab":
            values, grid = on_slab(values, of_layer, space.grid) * space.mask, space.grid
        return Explanation(values, class_numbers(model.n_classes), grid, unit=LOGIT, of_classes=True)

    @classmethod
    def choices(cls, model: FittedModel) -> dict[str, tuple[str, ...]]:
        """Give the layers of a model, the last one first; see `Explainer.choices`."""
        return {"layer": tuple(reversed(hidden_layers(model)))}
