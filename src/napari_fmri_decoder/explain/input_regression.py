"""input-regression: how each voxel varies with the logit of a class over samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.base import Explainer
from napari_fmri_decoder.explain.evidence import DEVIATION_PER_LOGIT, class_maps, logits_of, used_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.explain.base import Explanation
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel

FEWEST = 3
"""Samples that a slope needs."""
_SMALLEST = 1e-12
"""Variance of a logit below this fraction of its squared size consists of rounding errors."""


class InputRegression(Explainer):
    """Slope of the regression of each scaled voxel on the logit of each class, over samples.

    For a linear decoder, Haufe et al. (2014) prove that such slopes show where the signal is. The theorem
    does not hold for networks: there, a slope only says that the voxel and the logit vary together.

    References
    ----------
    Haufe, S. et al. (2014), "On the interpretation of weight vectors of linear models in multivariate
    neuroimaging", NeuroImage 87, doi:10.1016/j.neuroimage.2013.10.067.
    """

    per_sample: ClassVar[bool] = False
    over_folds: ClassVar[bool] = True
    summary: ClassVar[str] = "Regression of each voxel on each class's logit, over samples"
    name: Literal["input-regression"] = "input-regression"

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one signed map per class, for all samples together; see `Explainer.explain`.

        Raises
        ------
        InputError
            With fewer than three samples, or if all have the same logits.
        """
        if len(X) < FEWEST:
            raise InputError(
                f"The method input-regression needs at least {FEWEST} samples, got {len(X)}. Explain all "
                "samples together, or choose another method."
            )
        logits = logits_of(model, X, space).astype(np.float64)
        centered = logits - logits.mean(axis=0)
        squares = (centered**2).sum(axis=0)
        varying = squares > _SMALLEST * (logits**2).sum(axis=0)
        if not varying.any():
            raise InputError(
                "The method input-regression needs samples with different logits, but all are the same. "
                "Choose other samples, or train the model longer."
            )
        shares = np.divide(centered, squares, out=np.zeros_like(centered), where=varying)
        features = model.scaler.apply(used_features(model, X))
        slopes = shares.T @ (features - features.mean(axis=0, dtype=np.float64))
        return class_maps(slopes[None].astype(np.float32), model, space, DEVIATION_PER_LOGIT)
