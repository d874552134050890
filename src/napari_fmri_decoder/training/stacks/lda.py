"""Shrinkage LDA at many centers and on all folds: `decoders.lda`, with sums that the folds share.

The scatter of a class in the training part of a fold is that of all its samples, less what the held-out
samples contribute. So each center needs one matrix per class, and each fold a weighted sum of these matrices
and a correction whose rank is the number of held-out samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_fmri_decoder.decoders.lda import discriminants

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.lda import LDA
    from napari_fmri_decoder.training.stacks.stack import Folds, Stack

_FEW = 32
"""Samples of a class up to which its shrinkage is computed from inner products of samples, not of voxels."""
_CONSTANT = 1e-14
"""A variance below this fraction of the voxel's mean square is a rounding error."""


@dataclass(frozen=True, slots=True, eq=False)
class _Class:
    """One class at each center and in each fold.

    Attributes
    ----------
    rows : (samples,) int64 tensor
    centered : (center, samples, voxel) float64 tensor
        Less the mean over all samples of the class.
    mean : (center, voxel) float64 tensor
        That mean.
    shift : (center, fold, voxel) float64 tensor
        Mean of the training samples less that mean.
    variance : (center, fold, voxel) float64 tensor
        Of the training samples; 0 for a voxel that is constant.
    train : (fold, samples) float64 tensor
    n : (fold,) float64 tensor
        Number of training samples.
    """

    rows: Tensor
    centered: Tensor
    mean: Tensor
    shift: Tensor
    variance: Tensor
    train: Tensor
    n: Tensor


def predict_lda(decoder: LDA, stack: Stack, folds: Folds) -> list[Tensor]:
    """Predict the test samples of each fold at each center.

    Parameters
    ----------
    decoder : LDA
    stack : Stack
    folds : Folds

    Returns
    -------
    list of (center, test samples) int64 tensor
        Classes, one tensor per fold; those of `decoder`.
    """
    counts = folds.counts
    priors = counts / counts.sum(1, keepdim=True)
    if decoder.priors == "equal":
        priors = (counts > 0) / (counts > 0).sum(1, keepdim=True)
    classes = [_class(stack, folds, k) for k in range(folds.n_classes)]
    shrunk = [_shrink(decoder, stack, one) for one in classes]
    weight = torch.stack([w for w, _ in shrunk], -1)  # (center, fold, class)
    parts = priors * (1 - weight) / counts.clamp(min=1)
    covariance = _within(classes, parts, folds)
    diagonal = sum(priors[:, k, None] * of_class for k, (_, of_class) in enumerate(shrunk))
    covariance.diagonal(dim1=-2, dim2=-1).add_(torch.where(stack.valid[:, None], diagonal, 1.0))
    means = torch.stack([one.mean[:, None] + one.shift for one in classes], 2)  # (center, fold, class, voxel)
    lower, failed = torch.linalg.cholesky_ex(covariance)
    coef = torch.cholesky_solve(means.mT, lower).mT
    bias = priors.log() - 0.5 * (means * coef).sum(-1)
    predicted = [
        (stack.X[:, test] @ coef[:, f].mT + bias[:, f, None]).argmax(-1) for f, test in enumerate(folds.test)
    ]
    for center, f in torch.nonzero(failed).tolist():
        predicted[f][center] = _singular(decoder, stack, folds, center, f)
    return predicted


def _class(stack: Stack, folds: Folds, k: int) -> _Class:
    rows = folds.rows(k)
    X, train = stack.X[:, rows], folds.train[:, rows]
    n, mean = train.sum(1), X.mean(1)
    centered = X - mean[:, None]
    squares = centered.square()
    share = train / n.clamp(min=1)[:, None]
    shift = share @ centered
    variance = share @ squares - shift.square()
    variance = torch.where(variance <= _CONSTANT * squares.mean(1, keepdim=True), 0.0, variance)
    return _Class(rows, centered, mean, shift, variance, train, n)


def _shrink(decoder: LDA, stack: Stack, one: _Class) -> tuple[Tensor, Tensor]:
    """Weight of the diagonal, (center, fold), and the diagonal times that weight, (center, fold, voxel)."""
    sizes = stack.sizes[:, None]
    if decoder.shrinkage != "auto":
        of_scaled = (one.variance / stack.std.square()).sum(-1) / sizes
        target = decoder.shrinkage * of_scaled[..., None] * stack.std.square()
        return torch.full(of_scaled.shape, decoder.shrinkage, dtype=torch.float64), target
    constant = one.variance == 0
    scale = torch.where(constant, 1.0, one.variance)
    inverse = torch.where(constant, 0.0, 1 / scale)
    squared, lengths = (_by_samples if len(one.rows) <= _FEW else _by_voxels)(one, inverse)
    n = one.n.clamp(min=1)
    trace = lengths.sum(-1) / n
    noise = (lengths.square().sum(-1) / n - squared) / (n * sizes)
    distance = (squared - trace.square() / sizes) / sizes
    noise = torch.minimum(noise, distance)
    weight = torch.where((noise == 0) | (sizes == 1), 0.0, noise / distance)
    return weight, (weight * trace / sizes)[..., None] * scale


def _by_samples(one: _Class, inverse: Tensor) -> tuple[Tensor, Tensor]:
    """Squared norm of the covariance of scaled training samples, and their squared lengths.

    Returns
    -------
    squared : (center, fold) tensor
    lengths : (center, fold, samples) tensor
        0 for held-out samples.
    """
    samples, n = len(one.rows), one.n.clamp(min=1)
    a, b = torch.triu_indices(samples, samples)
    products = (one.centered[:, a] * one.centered[:, b]) @ inverse.mT  # (center, pair, fold)
    inner = torch.empty(*inverse.shape[:2], samples, samples, dtype=torch.float64)
    inner[:, :, a, b] = inner[:, :, b, a] = products.mT
    inner *= one.train[:, :, None] * one.train[:, None]
    sums = inner.sum(-1)
    total = sums.sum(-1)
    centered = inner.square().sum((-1, -2)) - 2 / n * sums.square().sum(-1) + (total / n).square()
    lengths = inner.diagonal(dim1=-2, dim2=-1) - 2 * sums / n[:, None] + (total / n**2)[..., None]
    return centered / n.square(), lengths * one.train


def _by_voxels(one: _Class, inverse: Tensor) -> tuple[Tensor, Tensor]:
    """The same from products of voxels, which are fewer where a class has many samples."""
    scatter = one.centered.mT @ one.centered
    squared = torch.empty(inverse.shape[:2], dtype=torch.float64)
    for f, n in enumerate(one.n.clamp(min=1)):
        held = one.centered[:, one.train[f] == 0]
        shift = one.shift[:, f]
        covariance = (scatter - held.mT @ held) / n - shift[:, :, None] * shift[:, None]
        scaled = (covariance.square() @ inverse[:, f, :, None])[..., 0]
        squared[:, f] = (scaled * inverse[:, f]).sum(-1)
    lengths = (
        inverse @ one.centered.square().mT
        - 2 * (one.shift * inverse) @ one.centered.mT
        + (one.shift.square() * inverse).sum(-1, keepdim=True)
    )
    return squared, lengths * one.train


def _within(classes: list[_Class], parts: Tensor, folds: Folds) -> Tensor:
    """Covariance within classes, (center, fold, voxel, voxel), without the diagonal.

    Parameters
    ----------
    classes : list of _Class
    parts : (center, fold, class) tensor
        Factor of the scatter of each class.
    folds : Folds
    """
    centers, n_folds, _ = parts.shape
    voxels = classes[0].mean.shape[1]
    scatter = torch.stack([one.centered.mT @ one.centered for one in classes], 1)
    covariance = (parts @ scatter.flatten(2)).reshape(centers, n_folds, voxels, voxels)
    roots = parts.sqrt()
    for f in range(n_folds):
        rows = [
            one.centered[:, one.train[f] == 0] * roots[:, f, k, None, None] for k, one in enumerate(classes)
        ]
        rows += [
            one.shift[:, f, None] * (roots[:, f, k, None] * one.n[f].sqrt())[..., None]
            for k, one in enumerate(classes)
        ]
        correction = torch.cat(rows, 1)
        covariance[:, f].baddbmm_(correction.mT, correction, alpha=-1)
    return covariance


def _singular(decoder: LDA, stack: Stack, folds: Folds, center: int, f: int) -> Tensor:
    """Predict one fold at a center whose covariance is singular, by its pseudo-inverse."""
    valid = stack.valid[center]
    X = ((stack.X[center] - stack.mean[center, f]) / stack.std[center, f])[:, valid].numpy()
    train, y = folds.train[f].numpy() > 0, folds.y.numpy()
    coef, bias = discriminants(X[train], y[train], decoder.shrinkage, equal_priors=decoder.priors == "equal")
    best = (X[folds.test[f].numpy()] @ coef.T + bias).argmax(axis=1)
    return torch.from_numpy(np.unique(y[train])[best])
