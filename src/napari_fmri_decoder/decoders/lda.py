"""Linear discriminant analysis with a shrunken covariance, solved in the space spanned by the samples.

The model is that of scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr")``: the covariance S within
classes is the mean of the covariances of the classes, each shrunken toward a diagonal matrix. So S is a
diagonal plus a sum over samples, D + B'B with one row of B per sample. Where there are fewer samples than
voxels, a matrix of samples by samples inverts it (Woodbury identity), and no matrix of voxels by voxels is
stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.decoders.base import EstimatorDecoder, Solution
from napari_fmri_decoder.decoders.one_layer import layer_state, log_loss
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.generators import Steps


class LDA(EstimatorDecoder):
    """Linear discriminant analysis of scikit-learn, with a shrunken covariance.

    Its weights are stored as one torch layer `out`; its probabilities are those of scikit-learn.
    """

    layout: ClassVar[Layout] = "vector"
    summary: ClassVar[str] = "Linear discriminant analysis with shrinkage on the voxels of the mask"

    name: Literal["lda"] = "lda"
    shrinkage: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = Field(
        "auto",
        description="Weight of the diagonal in the covariance within classes, from 0 to 1. 'auto': computed "
        "for each class by the formula of Ledoit and Wolf. With 0 and fewer samples than voxels, the "
        "pseudo-inverse of the covariance is used.",
    )
    priors: Literal["counted", "equal"] = Field(
        "counted",
        description="Probability of each class before a sample is seen. counted: its frequency in the "
        "training set; equal: the same for all.",
    )

    def solve(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.int64],
        n_classes: int,
        groups: NDArray[np.str_],
        seed: int,
        *,
        balanced: bool = False,
    ) -> Steps[float, Solution]:
        """Solve for the weights in one step; see `EstimatorDecoder.solve`."""
        classes = np.unique(y)
        equal = balanced or self.priors == "equal"
        coef, intercept = discriminants(X, y, self.shrinkage, equal_priors=equal)
        yield log_loss(X @ coef.T + intercept, y, classes)
        return Solution(layer_state(coef, intercept, classes, n_classes))


def discriminants(
    X: NDArray[np.float64],
    y: NDArray[np.int64],
    shrinkage: float | Literal["auto"] = "auto",
    *,
    equal_priors: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and intercepts of linear discriminant analysis.

    Parameters
    ----------
    X : (n, features) float64 array
    y : (n,) int64 array
    shrinkage : float or "auto"
        From 0 to 1; "auto" is the formula of Ledoit and Wolf, for each class after each feature was divided
        by its standard deviation within the class. A given value shrinks toward the mean variance.
    equal_priors : bool
        The classes have the same prior probability, instead of their frequencies.

    Returns
    -------
    coef : (classes, features) float64 array
        Rows in the order of ``np.unique(y)``; X @ coef.T + intercept are the logits of the classes.
    intercept : (classes,) float64 array

    References
    ----------
    Ledoit, O. and Wolf, M. (2004), "A well-conditioned estimator for large-dimensional covariance matrices",
    doi:10.1016/S0047-259X(03)00096-4.

    Examples
    --------
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> coef, intercept = discriminants(X, y)
    >>> (np.array([[-3.0], [3.0]]) @ coef.T + intercept).argmax(axis=1).tolist()
    [0, 1]
    """
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    priors = np.full(len(classes), 1 / len(classes)) if equal_priors else counts / len(y)
    means = np.stack([X[codes == k].mean(axis=0) for k in range(len(classes))])
    diagonal, rows = covariance_within(X - means[codes], codes, priors, shrinkage)
    coef = _solve(diagonal, rows, means)
    return coef, np.log(priors) - 0.5 * np.einsum("kv,kv->k", means, coef)


def covariance_within(
    centered: NDArray[np.float64],
    codes: NDArray[np.int64],
    priors: NDArray[np.float64],
    shrinkage: float | Literal["auto"] = "auto",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the covariance within classes: the mean of the shrunken covariances of the classes.

    Parameters
    ----------
    centered : (n, features) float64 array
        Samples minus the mean of their class; overwritten.
    codes : (n,) int64 array
        Classes from 0 to k - 1; each has a sample.
    priors : (k,) float64 array
        Weight of each class.
    shrinkage : float or "auto"
        See `discriminants`.

    Returns
    -------
    diagonal : (features,) float64 array
    rows : (n, features) float64 array
        The covariance is diag(diagonal) + rows.T @ rows.
    """
    diagonal = np.zeros(centered.shape[1])
    for k, prior in enumerate(priors):
        of_class = codes == k
        weight, shrunken = _shrink(centered[of_class], shrinkage)
        diagonal += prior * shrunken
        centered[of_class] *= np.sqrt(prior * (1 - weight) / of_class.sum())
    return diagonal, centered


def ledoit_wolf_weight(centered: NDArray[np.float64]) -> float:
    """Weight of the diagonal in the covariance by Ledoit and Wolf, from inner products of samples.

    Parameters
    ----------
    centered : (n, features) float64 array
        The mean of each feature is 0.

    Returns
    -------
    float
        From 0 to 1, as of scikit-learn's `ledoit_wolf_shrinkage`; 0 for a single feature.
    """
    n, features = centered.shape
    if features == 1:
        return 0.0
    lengths = np.einsum("nv,nv->n", centered, centered)
    gram = centered @ centered.T if n <= features else centered.T @ centered
    trace = lengths.sum() / n
    squared = float(np.vdot(gram, gram)) / n**2
    noise = (np.square(lengths).sum() / n - squared) / (n * features)
    distance = (squared - trace**2 / features) / features
    noise = min(noise, distance)
    return 0.0 if noise == 0 else float(noise / distance)


def _shrink(
    centered: NDArray[np.float64], shrinkage: float | Literal["auto"]
) -> tuple[float, NDArray[np.float64]]:
    """Weight of the diagonal in the covariance of one class, and the diagonal times that weight."""
    variances = np.mean(centered**2, axis=0)
    if shrinkage != "auto":
        return shrinkage, np.full(len(variances), shrinkage * variances.mean())
    constant = variances < 10 * len(centered) * np.finfo(float).eps ** 2
    scale = np.sqrt(np.where(constant, 1.0, variances))
    scaled = centered / scale
    weight = ledoit_wolf_weight(scaled)
    return weight, weight * float(np.mean(scaled**2, axis=0).mean()) * scale**2


def _solve(
    diagonal: NDArray[np.float64], rows: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Multiply means, (classes, features), by the inverse of diag(diagonal) + rows.T @ rows."""
    from scipy import linalg

    n, features = rows.shape
    if features <= n:
        covariance = rows.T @ rows
        covariance[np.diag_indices(features)] += diagonal
        return np.asarray(linalg.lstsq(covariance, means.T)[0].T)
    if not diagonal.all():  # no shrinkage: all of it is 0
        return _least_squares(rows, means)
    scaled = rows / diagonal
    inner = scaled @ rows.T
    inner[np.diag_indices(n)] += 1
    first = means / diagonal
    return np.asarray(first - linalg.solve(inner, rows @ first.T, assume_a="pos").T @ scaled)


def _least_squares(rows: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply by the pseudo-inverse of rows.T @ rows, as scikit-learn's solver does without shrinkage."""
    variances, axes = np.linalg.eigh(rows @ rows.T)
    nonzero = variances > len(rows) * np.finfo(float).eps * max(variances[-1], np.finfo(float).tiny)
    axes, variances = axes[:, nonzero], variances[nonzero]
    return np.asarray((((means @ rows.T) @ axes) / variances**2 @ axes.T) @ rows)
