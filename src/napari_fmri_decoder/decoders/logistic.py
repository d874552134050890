"""Logistic regression, solved in the space that the samples span.

With an L2 penalty the best weights are sums of samples, so that where there are fewer samples than voxels
the problem is the same in as many coordinates as there are samples: X = Z V with orthonormal rows of V
gives X w = Z (V w), and w and V w have one length. The coordinates come from the Gram matrix of the samples.
L-BFGS knows directions by their inner products alone, so that it takes the same steps in either space; it
ends where no slope along a voxel is left, as scikit-learn ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-4
"""Largest slope along any voxel at the end, as scikit-learn has it by default."""
_RANK = 1e-12
"""A direction whose variance is below this part of the largest holds rounding errors alone."""
_STEPS = 30
"""Evaluations that a fit takes, about: what a change of coordinates must be worth."""


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Coordinates of samples in the space that they span.

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
        """Coordinates of other samples, (m, r); what is outside the span has no weight."""
        return np.asarray((others @ self.samples.T) @ self.basis)

    def voxels(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the voxels, (rows, features), from those of the coordinates, (rows, r)."""
        return np.asarray((weights @ self.basis.T) @ self.samples)


def span(samples: NDArray[np.float64], n_classes: int = 2, n_fits: int = 1) -> Span | None:
    """Find the coordinates, or None where they would cost more than they save.

    Parameters
    ----------
    samples : (n, features) float64 array
    n_classes, n_fits : int
        What is to be fitted on them.

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
    kept = variances > _RANK * max(variances[-1], np.finfo(np.float64).tiny)
    lengths = np.sqrt(variances[kept])
    return Span(samples, axes[:, kept] * lengths, axes[:, kept] / lengths)


@dataclass(slots=True, eq=False)
class Logistic:
    """Multinomial logistic regression with an L2 penalty: scikit-learn's, in fewer coordinates.

    Attributes and methods have the names of scikit-learn's `LogisticRegression`, and two classes share
    one row of weights as they do there.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty; the intercept has none.
    balanced : bool
        Let each class count alike.
    max_iter : int
    tol : float
        Largest slope at the end.

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
            Whose coordinates the samples are; the weights are then of coordinates too.
        """
        found = span(X, len(np.unique(y))) if within is None else None
        if found is None:
            self._solve(X, y, within)
        else:
            self._solve(found.coordinates, y, found)
            self.coef_ = found.voxels(self.coef_)
        return self

    def decision_function(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, classes) logits; of two classes their difference alone, (n,)."""
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
            """Stop where no slope along a voxel is left; the last that was evaluated is the step taken."""
            if within is not None and self._is_flat(inner, last, within):
                raise StopIteration

        found = minimize(  # type: ignore[call-overload]  # the stubs know no callback that is None
            loss,
            np.zeros(slope.size),
            jac=True,
            method="L-BFGS-B",
            callback=None if within is None else end,
            options={
                "maxiter": self.max_iter,
                "maxls": 50,
                "gtol": self.tol if within is None else 0.0,
                "ftol": 64 * np.finfo(float).eps,
            },
        )
        self.n_iter_ = int(found.nit)
        self.coef_ = found.x[: rows * features].reshape(rows, features)
        self.intercept_ = found.x[rows * features :]

    def _is_flat(self, slope: NDArray[np.float64], of_bias: NDArray[np.float64], within: Span) -> bool:
        """Whether no slope exceeds the tolerance; the voxels are asked where the length leaves it open."""
        length = np.sqrt(np.square(slope).sum(axis=1).max())
        if np.abs(of_bias).max() > self.tol or length > self.tol * np.sqrt(within.samples.shape[1]):
            return False
        return bool(length <= self.tol or np.abs(within.voxels(slope)).max() <= self.tol)


def _cross_entropy(
    logits: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loss of each sample, and probability less target; of two classes from their difference, (n, 1)."""
    if logits.shape[1] == 1:
        losses = np.logaddexp(0, logits) - target * logits
        half = 0.5 * logits
        return losses[:, 0], 0.5 * (1 + np.tanh(half)) - target
    logits = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    sums = powers.sum(axis=1, keepdims=True)
    return np.log(sums[:, 0]) - (logits * target).sum(axis=1), powers / sums - target
