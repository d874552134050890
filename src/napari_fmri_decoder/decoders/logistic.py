"""Logistic regression, solved in the space spanned by the samples.

With an L2 penalty the best weights are sums of samples, so that where there are fewer samples than voxels
the problem is the same in as many coordinates as there are samples: X = Z V with orthonormal rows of V
gives X w = Z (V w), and w and V w have the same length. The coordinates come from the Gram matrix of the
samples. L-BFGS uses directions only through their inner products, so that it takes the same steps in either
space; it ends when the gradient along each voxel is below the tolerance, as in scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-4
"""Largest gradient along any voxel at the end; the default of scikit-learn."""
_RANK = 1e-12
"""A direction whose variance is below this fraction of the largest contains only rounding errors."""
_STEPS = 30
"""Approximate number of evaluations of a fit, to decide whether a change of coordinates is faster."""


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Coordinates of samples in the space spanned by them.

    Attributes
    ----------
    samples : (n, features) float64 array
    coordinates : (n, r) float64 array
        With the same inner products as the samples.
    basis : (n, r) float64 array
        `samples.T @ basis` are the axes, each of length 1.
    """

    samples: NDArray[np.float64]
    coordinates: NDArray[np.float64]
    basis: NDArray[np.float64]

    def of(self, others: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates of other samples, (m, r); components outside the span have no weight."""
        return np.asarray((others @ self.samples.T) @ self.basis)

    def voxels(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the voxels, (rows, features), from those of the coordinates, (rows, r)."""
        return np.asarray((weights @ self.basis.T) @ self.samples)


def span(samples: NDArray[np.float64], n_classes: int = 2, n_fits: int = 1) -> Span | None:
    """Compute the coordinates, or return None if they would cost more time than they save.

    Parameters
    ----------
    samples : (n, features) float64 array
    n_classes, n_fits : int
        Of the fits that will use them.

    Examples
    --------
    >>> samples = np.random.default_rng(0).normal(size=(5, 100))
    >>> found = span(samples)
    >>> np.allclose(found.coordinates @ found.coordinates.T, samples @ samples.T)
    True
    >>> span(samples.T) is None
    True
    """
    n, features = samples.shape
    costs, saves = n * (2 * features + 9 * n), 4 * _STEPS * n_fits * n_classes * (features - n)
    if features <= n or costs > saves:
        return None
    variances, axes = np.linalg.eigh(samples @ samples.T)
    nonzero = variances > _RANK * max(variances[-1], np.finfo(np.float64).tiny)
    lengths = np.sqrt(variances[nonzero])
    return Span(samples, axes[:, nonzero] * lengths, axes[:, nonzero] / lengths)


@dataclass(slots=True, eq=False)
class Logistic:
    """Multinomial logistic regression with an L2 penalty: scikit-learn's, in fewer coordinates.

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

    def fit(self, X: NDArray[np.float64], y: NDArray[np.int64], within: Span | None = None) -> Logistic:
        """Fit to (n, features) samples.

        Parameters
        ----------
        X : (n, features) float64 array
        y : (n,) int64 array
            At least two classes.
        within : Span, optional
            If X are coordinates of this span; the weights are then of coordinates too.
        """
        found = span(X, len(np.unique(y))) if within is None else None
        if found is None:
            self._solve(X, y, within)
        else:
            self._solve(found.coordinates, y, found)
            self.coef_ = found.voxels(self.coef_)
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

    def _solve(self, Z: NDArray[np.float64], y: NDArray[np.int64], within: Span | None) -> None:
        from scipy.optimize import minimize

        self.classes_, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        n, features, rows = len(y), Z.shape[1], 1 if len(counts) == 2 else len(counts)
        share = (1 / (len(counts) * counts))[codes] if self.balanced else np.full(n, 1 / n)
        target = codes[:, None].astype(np.float64) if rows == 1 else np.eye(rows)[codes]
        pull = 1 / (self.C * n)
        slope = np.zeros(rows * (features + 1))
        inner, last = slope[: rows * features].reshape(rows, features), slope[rows * features :]

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            W, b = weights[: rows * features].reshape(rows, features), weights[rows * features :]
            losses, excess = _cross_entropy(Z @ W.T + b, target)
            excess *= share[:, None]
            np.matmul(excess.T, Z, out=inner)
            inner[:] += pull * W
            last[:] = excess.sum(axis=0)
            return float(share @ losses + 0.5 * pull * np.vdot(W, W)), slope.copy()

        def end(_: NDArray[np.float64]) -> None:
            """Stop when the gradient is below the tolerance; the last evaluation is the step taken."""
            if within is not None and self._is_flat(inner, last, within):
                raise StopIteration

        options = {
            "maxiter": self.max_iter,
            "maxls": 50,
            "gtol": self.tol if within is None else 0.0,
            "ftol": 64 * np.finfo(float).eps,
        }
        found = minimize(  # type: ignore[call-overload]
            loss,
            np.zeros(slope.size),
            jac=True,
            method="L-BFGS-B",
            callback=None if within is None else end,
            options=options,
        )
        self.n_iter_ = int(found.nit)
        self.coef_ = found.x[: rows * features].reshape(rows, features)
        self.intercept_ = found.x[rows * features :]

    def _is_flat(self, slope: NDArray[np.float64], of_bias: NDArray[np.float64], within: Span) -> bool:
        """Whether no gradient exceeds the tolerance; voxels are computed only if the length is ambiguous."""
        length = np.sqrt(np.square(slope).sum(axis=1).max())
        if np.abs(of_bias).max() > self.tol or length > self.tol * np.sqrt(within.samples.shape[1]):
            return False
        return bool(length <= self.tol or np.abs(within.voxels(slope)).max() <= self.tol)


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
