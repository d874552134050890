"""The samples of several centers as one tensor, and the folds that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_fmri_decoder.samples.scaling import fit_scaler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.splits import Split


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Labels and folds.

    Attributes
    ----------
    y : (n,) int64 tensor
        Classes from 0.
    n_classes : int
    train : (fold, n) float64 tensor
        1 for training samples, 0 for others.
    test : tuple of (test samples,) int64 tensor
    mean, std : (fold, features) float64 array
        Scaling of each fold, from its training samples.
    """

    y: Tensor
    n_classes: int
    train: Tensor
    test: tuple[Tensor, ...]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @property
    def counts(self) -> Tensor:
        """(fold, class) number of training samples."""
        return self.train @ torch.nn.functional.one_hot(self.y, self.n_classes).double()

    def rows(self, k: int) -> Tensor:
        """Samples of a class."""
        return torch.nonzero(self.y == k)[:, 0]


def make_folds(
    X: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, splits: Sequence[Split]
) -> Folds:
    """Fit the scaling of each fold.

    Parameters
    ----------
    X : (n, features) float32 array
    y : (n,) int64 array
    n_classes : int
    splits : sequence of Split
    """
    train = torch.zeros(len(splits), len(y), dtype=torch.float64)
    scalers = []
    for f, split in enumerate(splits):
        train[f, torch.from_numpy(split.train)] = 1
        scalers.append(fit_scaler(X[split.train]))
    mean, std = (np.stack([getattr(s, name) for s in scalers]).astype(np.float64) for name in ("mean", "std"))
    test = tuple(torch.from_numpy(split.test) for split in splits)
    return Folds(torch.from_numpy(y), n_classes, train, test, mean, std)


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Voxels of several centers; those of smaller ones are filled up with zeros.

    Attributes
    ----------
    X : (center, n, voxel) float64 tensor
        Not scaled.
    valid : (center, voxel) bool tensor
        False for voxels that are only filled up.
    mean, std : (center, fold, voxel) float64 tensor
        Scaling of each fold; 0 and 1 where filled up.
    """

    X: Tensor
    valid: Tensor
    mean: Tensor
    std: Tensor

    @property
    def sizes(self) -> Tensor:
        """(center,) float64 numbers of voxels."""
        return self.valid.sum(1).double()


def make_stack(X: NDArray[np.float32], folds: Folds, sets: Sequence[NDArray[np.int32]]) -> Stack:
    """Collect the voxels of some centers.

    Parameters
    ----------
    X : (n, features) float32 array
    folds : Folds
    sets : sequence of (voxels,) int32 array
        Features of each center.
    """
    sizes = np.array([len(one) for one in sets])
    valid = np.arange(sizes.max()) < sizes[:, None]
    features = np.zeros(valid.shape, dtype=np.int64)
    features[valid] = np.concatenate(sets)

    def gathered(values: NDArray[np.floating], filled: float) -> Tensor:
        """(rows, features) to (center, rows, voxel)."""
        found = np.take(values, features, axis=1).astype(np.float64).swapaxes(0, 1)
        return torch.from_numpy(np.where(valid[:, None], found, filled))

    return Stack(
        gathered(X, 0.0), torch.from_numpy(valid), gathered(folds.mean, 0.0), gathered(folds.std, 1.0)
    )
