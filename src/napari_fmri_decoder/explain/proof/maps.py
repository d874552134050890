"""Maps as the tests need them: one value per class and feature, and how similar two maps are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.base import Explainer, explain_samples
from napari_fmri_decoder.training.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.explain.proof.config import ProofConfig
    from napari_fmri_decoder.samples.samples import Samples, Space
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.events import FittedModel, FoldResult

_FIRST = 10_000
"""More than the number of folds, whose seeds count from 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What is tested: a method, and the models of a cross-validation.

    Attributes
    ----------
    method : Explainer
    samples : Samples
    folds : sequence of FoldResult
    decoder : Decoder
    training : ResolvedTraining
        How the folds were trained, for tests that train again.
    config : ProofConfig
    """

    method: Explainer
    samples: Samples
    folds: Sequence[FoldResult]
    decoder: Decoder
    training: ResolvedTraining
    config: ProofConfig

    def seed(self, test: int, number: int) -> int:
        """Seed of one network of a test; other than all seeds of the folds."""
        return derive_seed(self.config.seed, _FIRST + test, number)

    def explained_rows(self, fold: FoldResult) -> NDArray[np.int64]:
        """Rows of the samples that explain the model of a fold: held out, unless the method needs others."""
        rows = fold.split.train if self.method.rows == "train" else fold.split.test
        return spread_over(rows, self.samples.y[rows], self.config.volumes)

    def map_of(self, model: FittedModel, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(classes, features) map of a model for rows of the samples; see `class_map`."""
        return class_map(self.method, model, self.samples.X[rows], self.samples.y[rows], self.samples.space)


def class_map(
    method: Explainer,
    model: FittedModel,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    space: Space,
) -> NDArray[np.float64]:
    """Compute one signed map per class: the mean over the samples of the class.

    Parameters
    ----------
    method : Explainer
    model : FittedModel
    X : (n, features) float32 array
    y : (n,) int64 array
        A class without samples gets the mean over all.
    space : Space

    Returns
    -------
    (classes, features) float64 array

    Raises
    ------
    InputError
        If the maps are not of classes, or not on the voxels of the slab.
    """
    values = feature_maps(method, model, X, space)
    if not method.per_sample:
        return np.asarray(values[0])
    return np.stack(
        [(values[y == k] if (y == k).any() else values)[:, k].mean(axis=0) for k in range(model.n_classes)]
    )


def feature_maps(
    method: Explainer, model: FittedModel, X: NDArray[np.float32], space: Space
) -> NDArray[np.float64]:
    """Compute maps of samples, (n, classes, features); n is 1 if the method gives one map for all samples."""
    found = explain_samples(method, model, X, space)
    if not found.of_classes or not found.grid.same_as(space.grid):
        raise InputError(
            f"Only maps of classes on the voxels of the slab can be tested, but {method.name!r} gives others."
            " Choose another method, or its option grid = slab."
        )
    return np.asarray(found.values[:, :, space.mask], dtype=np.float64)


def spread_over(rows: NDArray[np.int64], y: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Choose at most about n rows, the same number of each class, evenly spread."""
    classes = np.unique(y)
    each = max(1, n // len(classes))
    chosen = []
    for k in classes:
        of_class = rows[y == k]
        places = np.linspace(0, len(of_class) - 1, min(each, len(of_class)))
        chosen.append(of_class[np.unique(places.round().astype(np.intp))])
    return np.sort(np.concatenate(chosen))


def similarity(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean over classes of the rank correlation (Spearman) of two (classes, features) maps, with their signs.

    A map that is constant is not similar to any: 0.
    """
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=1) for values in (one, other)]
    centered = [r - r.mean(axis=1, keepdims=True) for r in ranks]
    a, b = (c / np.maximum(np.linalg.norm(c, axis=1, keepdims=True), 1e-12) for c in centered)
    return float((a * b).sum(axis=1).mean())


def pairwise(maps: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(n, n) similarities of maps."""
    found = np.eye(len(maps))
    for i in range(len(maps)):
        for j in range(i):
            found[i, j] = found[j, i] = similarity(maps[i], maps[j])
    return found


def above_diagonal(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of all pairs of a symmetric matrix."""
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])
