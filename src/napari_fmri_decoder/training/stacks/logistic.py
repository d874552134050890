"""Logistic regression at many centers and on all folds: the minimum of `decoders.logistic`.

All problems are solved together by L-BFGS. Variables are scaled by a bound of the second derivatives
(Böhning 1992, doi:10.1007/BF00048682), so that few steps are needed. A problem that has converged is no
longer changed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_fmri_decoder.decoders.logistic import TOLERANCE

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.linear import Linear
    from napari_fmri_decoder.training.stacks.stack import Folds, Stack

_MEMORY = 10
"""Pairs of steps and changes of the gradient that L-BFGS keeps."""
_MAX_STEPS = 1000
_HALVINGS = 30
_ARMIJO = 1e-4
"""Fraction of the decrease predicted by the gradient that a step must reach."""


def predict_logistic(decoder: Linear, stack: Stack, folds: Folds) -> list[Tensor]:
    """Predict the test samples of each fold at each center; see `predict_lda`."""
    predicted = []
    for f, test in enumerate(folds.test):
        scaled = (stack.X - stack.mean[:, f, None]) / stack.std[:, f, None]
        train = torch.nonzero(folds.train[f])[:, 0]
        classes, codes = torch.unique(folds.y[train], return_inverse=True)
        if len(classes) < 2:
            predicted.append(classes.expand(len(scaled), len(test)))
            continue
        weights, bias = _solve(_Problem.of(scaled[:, train], codes, len(classes), float(decoder.C)))
        logits = scaled[:, test] @ weights.mT + bias[:, None]
        best = (logits[..., 0] > 0).long() if len(classes) == 2 else logits.argmax(-1)
        predicted.append(classes[best])
    return predicted


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Problems with the same labels: the mean loss, and an L2 penalty.

    Attributes
    ----------
    X : (problem, n, voxel + 1) float64 tensor
        Samples in scaled variables; the last column is that of the intercept.
    target : (n, rows) float64 tensor
        Two classes have one row.
    penalty : (problem, voxel + 1, voxel + 1) float64 tensor
        Its matrix in scaled variables.
    unscaled : (problem, voxel + 1, voxel + 1) float64 tensor
        From scaled variables to weights and intercept.
    """

    X: Tensor
    target: Tensor
    penalty: Tensor
    unscaled: Tensor

    @classmethod
    def of(cls, X: Tensor, codes: Tensor, n_classes: int, C: float) -> _Problem:
        """Scale the variables."""
        n, voxels = X.shape[1:]
        rows = 1 if n_classes == 2 else n_classes
        curvature = 1 / 4 if rows == 1 else 1 / rows
        pull = 1 / (C * n)
        padded = F.pad(X, (0, 1), value=1.0)
        ridge = torch.full((voxels + 1,), pull, dtype=torch.float64)
        ridge[-1] = 0
        bound = curvature / n * padded.mT @ padded + torch.diag(ridge)
        lower = torch.linalg.cholesky(bound)
        unscaled = torch.linalg.solve_triangular(
            lower, torch.eye(voxels + 1, dtype=torch.float64).expand_as(lower), upper=False
        )
        target = codes[:, None].double() if rows == 1 else F.one_hot(codes, rows).double()
        return cls(padded @ unscaled.mT, target, (unscaled * ridge) @ unscaled.mT, unscaled)

    def only(self, active: Tensor) -> _Problem:
        """Some of the problems."""
        return _Problem(self.X[active], self.target, self.penalty[active], self.unscaled[active])

    def loss(self, V: Tensor) -> tuple[Tensor, Tensor]:
        """Loss, (problem,), and its gradient, (problem, rows, voxel + 1), at the variables V."""
        logits = self.X @ V.mT
        if self.target.shape[1] == 1:
            losses = (F.softplus(logits) - self.target * logits)[..., 0]
            excess = torch.sigmoid(logits) - self.target
        else:
            losses = torch.logsumexp(logits, -1) - (logits * self.target).sum(-1)
            excess = torch.softmax(logits, -1) - self.target
        pulled = V @ self.penalty
        value = losses.mean(1) + 0.5 * (pulled * V).sum((-1, -2))
        return value, excess.mT @ self.X / self.X.shape[1] + pulled


def _solve(problem: _Problem) -> tuple[Tensor, Tensor]:
    """Weights, (problem, rows, voxel), and intercepts, (problem, rows), at the minimum."""
    n, rows = len(problem.X), problem.target.shape[1]
    solved = torch.zeros(n, rows, problem.X.shape[2], dtype=torch.float64)
    active, part, V = torch.arange(n), problem, solved.clone()
    value, gradient = part.loss(V)
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=_MEMORY)
    for _ in range(_MAX_STEPS):
        open_ = gradient.abs().amax((-1, -2)) > TOLERANCE
        if not open_.all():
            solved[active] = V
            active, part = active[open_], part.only(open_)
            V, value, gradient = V[open_], value[open_], gradient[open_]
            pairs = deque(((s[open_], g[open_]) for s, g in pairs), maxlen=_MEMORY)
        if not len(active):
            break
        direction = _direction(gradient, pairs)
        slope = _dot(direction, gradient)
        uphill = slope >= 0
        direction = torch.where(uphill[:, None, None], -gradient, direction)
        slope = torch.where(uphill, -_dot(gradient, gradient), slope)
        length = torch.ones(len(active), dtype=torch.float64)
        for _ in range(_HALVINGS):
            new = V + length[:, None, None] * direction
            new_value, new_gradient = part.loss(new)
            # near the minimum, differences of the loss are rounding errors
            high = new_value > value + _ARMIJO * length * slope + 1e-14 * value.abs()
            if not high.any():
                break
            length = torch.where(high, length / 2, length)
        pairs.append((new - V, new_gradient - gradient))
        V, value, gradient = new, new_value, new_gradient
    solved[active] = V
    weights = solved @ problem.unscaled
    return weights[..., :-1], weights[..., -1]


def _direction(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor]]) -> Tensor:
    """The step of L-BFGS (Nocedal and Wright 2006, algorithm 7.4), without pairs that have no curvature."""
    found, factors = -gradient, []
    for step, change in reversed(pairs):
        curved = _dot(step, change)
        rho = torch.where(curved > 0, 1 / curved.clamp(min=1e-300), 0.0)
        alpha = rho * _dot(step, found)
        found = found - alpha[:, None, None] * change
        factors.append((step, change, rho, alpha))
    if pairs:
        step, change = pairs[-1]
        curved = _dot(step, change)
        found = found * torch.where(curved > 0, curved / _dot(change, change), 1.0)[:, None, None]
    for step, change, rho, alpha in reversed(factors):
        beta = rho * _dot(change, found)
        found = found + (alpha - beta)[:, None, None] * step
    return found


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((-1, -2))
