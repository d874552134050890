"""weights: the weights of a linear decoder in the brain."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.decoders.base import EstimatorDecoder
from napari_fmri_decoder.explain.base import Explainer
from napari_fmri_decoder.explain.evidence import class_maps
from napari_fmri_decoder.training.one_layer import BIAS, WEIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.explain.base import Explanation
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel

Voxels = Literal["prepared", "scaled"]
"""Voxels whose values a map refers to: before or after the scaling within the fold."""


class LinearExplainer(Explainer):
    """A method for linear decoders: one map per class, of the model and not of single samples."""

    per_sample: ClassVar[bool] = False
    over_folds: ClassVar[bool] = True
    voxels: Voxels = Field(
        "prepared",
        description="prepared: the maps refer to the values of the voxels as they were prepared; scaled: to "
        "the voxels as the decoder receives them, divided by their standard deviation in the training set.",
    )

    @classmethod
    def unavailable(cls, model: FittedModel) -> str:
        """Why a model has no weights of voxels; see `Explainer.unavailable`."""
        linear = isinstance(model.decoder, EstimatorDecoder) and set(model.state) == {WEIGHT, BIAS}
        if linear and model.state[WEIGHT].any():
            return ""
        return (
            f"Only a linear decoder has one weight per voxel, but {model.decoder.name!r} is none. Choose "
            "another method, or train lda or linear."
        )


class Weights(LinearExplainer):
    """Weights of the decision function of each class.

    A weight says how a voxel is used, not whether it responds: a voxel without any response has a weight if
    it removes noise from others (Haufe et al., 2014). The method `pattern` shows where the signal is.
    """

    rows: ClassVar[Literal["test", "train", "none"]] = "none"
    summary: ClassVar[str] = "Weight of each voxel in a linear decoder, per class"
    name: Literal["weights"] = "weights"

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one map per class, whatever the samples; see `Explainer.explain`."""
        weights = decision_weights(model)
        if self.voxels == "prepared":
            weights = weights / model.scaler.std
        unit = "logit per " + voxel_unit(self.voxels)
        return class_maps(both_classes(weights), model, space, unit)


def decision_weights(model: FittedModel) -> NDArray[np.float64]:
    """Weights of the scaled voxels, as scikit-learn's `coef_` has them.

    Parameters
    ----------
    model : FittedModel
        Of a linear decoder.

    Returns
    -------
    (functions, features) float64 array
        One row per class; of two classes one row, for the second against the first.
    """
    weights = model.state[WEIGHT].astype(np.float64)
    return weights[1:] - weights[:1] if len(weights) == 2 else weights


def both_classes(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """(1, classes, features) values from those of decision functions; the first of two is the negative."""
    return (np.vstack([-values, values]) if len(values) == 1 else values).astype(np.float32)[None]


def voxel_unit(voxels: Voxels) -> str:
    """Unit of the values of voxels."""
    return "unit of the prepared voxel" if voxels == "prepared" else "standard deviation of the voxel"
