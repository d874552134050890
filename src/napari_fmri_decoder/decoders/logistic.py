"""Logistic regression, solved along the principal axes of the samples.

With an L2 penalty the best weights are sums of samples, so that the problem is the same in at most as many
coordinates as there are samples: X = Z V' with orthonormal columns of V gives X w = Z (V'w), and w and V'w
have the same length. The axes V are those of the Gram matrix, samples by samples or voxels by voxels,
whichever is smaller. Along them Z'Z is diagonal, and so, nearly, is the matrix of second derivatives, by
which the variables are scaled. L-BFGS then takes few steps to the minimum, however strong the penalty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-7
"""Largest gradient at the end, where the second derivatives of the loss are about 1."""
ROUGH = 1e-5
"""The same for fits that are only compared with one another."""
_RANK = 1e-12
"""A direction whose variance is below this fraction of the largest contains only rounding errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Samples along their principal axes.

    Attributes
    ----------
    values : (n, r) float64 array
        With the same inner products as the samples.
    squares : (r,) float64 array
        ``(values**2).sum(axis=0)``; ``values.T @ values`` is this diagonal matrix.
    samples : (n, features) float64 array or None
        Where there are fewer samples than features; None otherwise.
    basis : (n, r) or (features, r) float64 array
        ``samples.T @ basis``, or `basis` itself, are the axes, each of length 1.
    """

    values: NDArray[np.float64]
    squares: NDArray[np.float64]
    samples: NDArray[np.float64] | None
    basis: NDArray[np.float64]

    def voxels(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the voxels, (rows, features), from those of the coordinates, (rows, r)."""
        along = weights @ self.basis.T
        return np.asarray(along if self.samples is None else along @ self.samples)


def coordinates(samples: NDArray[np.float64]) -> Coordinates:
    """Compute the coordinates of samples along their principal axes.

    Parameters
    ----------
    samples : (n, features) float64 array

    Examples
    --------
    >>> samples = np.random.default_rng(0).normal(size=(5, 100))
    >>> found = coordinates(samples)
    >>> np.allclose(found.values @ found.values.T, samples @ samples.T)
    True
    >>> found.values.shape, coordinates(samples.T).values.shape
    ((5, 5), (100, 5))
    """
    n, features = samples.shape
    few = n < features
    variances, axes = np.linalg.eigh(samples @ samples.T if few else samples.T @ samples)
    nonzero = variances > _RANK * max(variances[-1], np.finfo(np.float64).tiny)
    variances, axes = variances[nonzero], axes[:, nonzero]
    if few:
        lengths = np.sqrt(variances)
        return Coordinates(axes * lengths, variances, samples, axes / lengths)
    return Coordinates(samples @ axes, variances, None, axes)


@dataclass(slots=True, eq=False)
class Logistic:
    """Multinomial logistic regression with an L2 penalty: the minimum of scikit-learn's, in coordinates.

    Attributes and methods have the names of scikit-learn's `LogisticRegression`, and two classes share one
    row of weights as there.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty; the intercept is not penalized.
    balanced : bool
        Give each class the same weight.
    max_iter : int
    tol : float
        Largest gradient at the end.

    Examples
    --------
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> Logistic(C=1.0).fit(X, y).predict(np.array([[-3.0], [3.0]])).tolist()
    [0, 1]
    """

    C: float
    balanced: bool = False
    max_iter: int = 1000
    tol: float = TOLERANCE
    classes_: NDArray[np.int64] = field(init=False)
    coef_: NDArray[np.float64] = field(init=False)
    intercept_: NDArray[np.float64] = field(init=False)
    n_iter_: int = field(init=False, default=0)

    def fit(self, X: NDArray[np.float64], y: NDArray[np.int64]) -> Logistic:
        """Fit to (n, features) samples with (n,) classes, at least two."""
        found = coordinates(X)
        self.fit_along(found.values, found.squares, y)
        self.coef_ = found.voxels(self.coef_)
        return self

    def fit_along(
        self,
        Z: NDArray[np.float64],
        squares: NDArray[np.float64],
        y: NDArray[np.int64],
        start: Logistic | None = None,
    ) -> Logistic:
        """Fit to coordinates; the weights are then of coordinates, too.

        Parameters
        ----------
        Z : (n, r) float64 array
            Rows of `Coordinates.values`.
        squares : (r,) float64 array
            Their sum of squares along each axis; an approximation only makes the fit slower.
        y : (n,) int64 array
            At least two classes.
        start : Logistic, optional
            A fit to the same samples with another C, along the same axes: where to start.
        """
        from scipy.optimize import minimize

        self.classes_, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        n, r, rows = len(y), Z.shape[1], 1 if len(counts) == 2 else len(counts)
        share = (1 / (len(counts) * counts))[codes] if self.balanced else np.full(n, 1 / n)
        target = codes[:, None].astype(np.float64) if rows == 1 else np.eye(rows)[codes]
        pull = 1 / (self.C * n)
        curvature = 1 / 4 if rows == 1 else 1 / rows  # of the loss where all classes are equally probable
        scale = 1 / np.sqrt(curvature * squares / n + pull)
        of_bias = 1 / np.sqrt(curvature)
        penalty = pull * scale**2
        scaled = Z * scale
        slope = np.zeros((rows, r + 1))

        def loss(variables: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            V = variables.reshape(rows, r + 1)
            W = V[:, :r]
            losses, excess = _cross_entropy(scaled @ W.T + of_bias * V[:, r], target)
            excess *= share[:, None]
            np.matmul(excess.T, scaled, out=slope[:, :r])
            slope[:, :r] += penalty * W
            slope[:, r] = of_bias * excess.sum(axis=0)
            return float(share @ losses + 0.5 * np.einsum("ij,j,ij->", W, penalty, W)), slope.ravel().copy()

        first = np.zeros((rows, r + 1))
        if start is not None and np.array_equal(start.classes_, self.classes_):
            first[:, :r], first[:, r] = start.coef_ / scale, start.intercept_ / of_bias
        options = {"maxiter": self.max_iter, "maxls": 50, "gtol": self.tol, "ftol": 0.0}
        found = minimize(  # type: ignore[call-overload]
            loss, first.ravel(), jac=True, method="L-BFGS-B", options=options
        )
        self.n_iter_ = int(found.nit)
        best = found.x.reshape(rows, r + 1)
        self.coef_, self.intercept_ = best[:, :r] * scale, best[:, r] * of_bias
        return self

    def decision_function(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, classes) logits; for two classes their difference alone, (n,)."""
        logits = X @ self.coef_.T + self.intercept_
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) classes."""
        logits = self.decision_function(X)
        best = (logits > 0).astype(np.int64) if logits.ndim == 1 else logits.argmax(axis=1)
        return np.asarray(self.classes_[best])


def _cross_entropy(
    logits: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loss of each sample, and probability minus target; for two classes from their difference, (n, 1)."""
    if logits.shape[1] == 1:
        losses = np.logaddexp(0, logits) - target * logits
        half = 0.5 * logits
        return losses[:, 0], 0.5 * (1 + np.tanh(half)) - target
    logits = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    sums = powers.sum(axis=1, keepdims=True)
    return np.log(sums[:, 0]) - (logits * target).sum(axis=1), powers / sums - target
