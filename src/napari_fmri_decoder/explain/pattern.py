"""pattern: where the signal that a linear decoder reads is, by the formula of Haufe et al. (2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.evidence import class_maps, used_features
from napari_fmri_decoder.explain.weights import LinearExplainer, both_classes, decision_weights, voxel_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.explain.base import Explanation
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel

SMALLEST = 1e-10
"""Variances of the decision values below this fraction of the largest are taken as rounding errors: the
weights of several classes add up to 0, so that one combination of their decision values is constant."""
_CHUNK = 4096
"""Features at a time, so that memory never holds a float64 copy of X."""


class Pattern(LinearExplainer):
    """Activation pattern of each class: cov(X) W cov(s)^-1, for samples X, weights W and decision values s.

    The covariances are those of the samples on which the model was trained. A voxel has a large value where
    it varies with the decision value, as in the forward model of Haufe et al.

    References
    ----------
    Haufe, S. et al. (2014), "On the interpretation of weight vectors of linear models in multivariate
    neuroimaging", NeuroImage 87, doi:10.1016/j.neuroimage.2013.10.067.
    """

    rows: ClassVar[Literal["test", "train", "none"]] = "train"
    summary: ClassVar[str] = "Haufe's activation pattern of a linear decoder, per class"
    name: Literal["pattern"] = "pattern"

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one map per class, from samples on which the model was trained; see `Explainer.explain`.

        Raises
        ------
        InputError
            With fewer than two samples, or if all samples have the same decision values.
        """
        if len(X) < 2:
            raise InputError(
                f"A pattern needs at least two samples for its covariance, got {len(X)}. Give the scan that "
                "the model was trained on, or choose the method weights."
            )
        pattern = haufe_pattern(used_features(model, X), decision_weights(model) / model.scaler.std)
        if self.voxels == "scaled":
            pattern = pattern / model.scaler.std
        return class_maps(both_classes(pattern), model, space, f"{voxel_unit(self.voxels)} per logit")


def haufe_pattern(X: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Activation patterns of linear decision functions, without a matrix of features by features.

    Parameters
    ----------
    X : (n, features) array
        At least two samples.
    weights : (functions, features) float64 array
        Decision values are ``X @ weights.T``, up to constants.

    Returns
    -------
    (functions, features) float64 array
        The transpose of cov(X) W cov(s)^-1. Where the decision functions depend on one another, the inverse
        is the pseudo-inverse.

    Raises
    ------
    InputError
        If the decision values are constant.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 4.0]])
    >>> haufe_pattern(X, np.array([[1.0, 0.0]])).tolist()
    [[1.0, 1.5]]
    """
    chunks = [slice(start, start + _CHUNK) for start in range(0, X.shape[1], _CHUNK)]
    scores, largest = np.zeros((len(X), len(weights))), np.zeros(len(weights))
    for part in chunks:
        scores += X[:, part].astype(np.float64) @ weights[:, part].T
        largest += np.abs(weights[:, part]) @ np.abs(X[:, part]).max(axis=0)
    scores -= scores.mean(axis=0)
    if not (np.ptp(scores, axis=0) > SMALLEST * largest).any():  # only rounding errors
        raise InputError(
            "A pattern needs samples that differ in the decision values of the model, but all are the same. "
            "Give the scan that the model was trained on."
        )
    inverse = np.linalg.pinv(scores.T @ scores, rcond=SMALLEST, hermitian=True)
    shares = inverse @ scores.T  # (functions, n)
    pattern = np.empty(weights.shape)
    for part in chunks:
        values = X[:, part].astype(np.float64)
        pattern[:, part] = shares @ (values - values.mean(axis=0))
    return pattern
