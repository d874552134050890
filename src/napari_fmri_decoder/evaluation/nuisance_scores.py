"""Scores of simple decoders for many labelings at once: from a few variables, and from the previous label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.decoders.lda import ledoit_wolf_weight
from napari_fmri_decoder.evaluation.scores import headline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split


class Labelings:
    """Many labelings of the same samples, with one label per block.

    Attributes
    ----------
    labels : (labelings, n) int64 array
    block : (n,) int64 array
        Number of the block of each sample.
    of_block : (labelings, classes, blocks) float64 array
        1 for the class of a block.
    """

    def __init__(self, labels: NDArray[np.int64], blocks: NDArray[np.int64], n_classes: int) -> None:
        self.labels = labels
        _, first, self.block = np.unique(blocks, return_index=True, return_inverse=True)
        classes = np.arange(n_classes)[:, None]
        self.of_block = (labels[:, None, first] == classes).astype(np.float64)

    def class_sums(self, values: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sum values, (rows, features), over the samples of each class: (labelings, classes, features)."""
        sums = np.zeros((self.of_block.shape[2], values.shape[1]))
        np.add.at(sums, self.block[rows], values)
        return np.asarray(self.of_block @ sums)


class LabelDecoder(Protocol):
    """Decodes many labelings of the same samples."""

    def correct(self, of: Labelings, split: Split) -> NDArray[np.float64]:
        """Train on one part, and test on the other.

        Parameters
        ----------
        of : Labelings
        split : Split

        Returns
        -------
        (labelings, tested) float64 array
            1 where the prediction is right, 0 where it is wrong; k equally good ones of which one is right
            count 1 / k.
        """
        ...


class Discriminant:
    """Linear discriminant analysis with equal priors and one shrinkage.

    It equals scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=weight)`` if the classes of
    the training set have the same size.

    Attributes
    ----------
    weight : float
        Of the diagonal in the covariance within classes: that of Ledoit and Wolf for all samples, which
        depends on no label.
    """

    def __init__(self, features: NDArray[np.float64]) -> None:
        self._features = features
        self.weight = ledoit_wolf_weight(features - features.mean(axis=0))

    def correct(self, of: Labelings, split: Split) -> NDArray[np.float64]:
        """See `LabelDecoder.correct`."""
        X, tested = self._features[split.train], self._features[split.test]
        sums = of.class_sums(np.column_stack([X, np.ones(len(X))]), split.train)
        sums, counts = sums[..., :-1], sums[..., -1:]
        means = sums / np.maximum(counts, 1)
        within = (X.T @ X - np.moveaxis(means, 1, 2) @ sums) / len(X)
        diagonal = np.einsum("pdd->p", within)[:, None, None] / X.shape[1]
        identity = np.eye(X.shape[1])
        within = (1 - self.weight) * within + (self.weight * diagonal + 1e-10) * identity
        coef = np.linalg.solve(within, np.moveaxis(means, 1, 2))
        offsets = 0.5 * np.einsum("pkd,pdk->pk", means, coef)
        logits = tested @ coef - np.where(counts[..., 0] > 0, offsets, np.inf)[:, None, :]
        return _right(logits, of.labels[:, split.test])


class PreviousLabel:
    """The most frequent class after the class of the previous block, relative to the size of the classes.

    Parameters
    ----------
    before : (n,) int64 array
        A sample of the previous block; -1 if there is none.
    """

    def __init__(self, before: NDArray[np.int64]) -> None:
        self._before = before

    def correct(self, of: Labelings, split: Split) -> NDArray[np.float64]:
        """See `LabelDecoder.correct`."""
        n, k, _ = of.of_block.shape
        previous = np.where(self._before >= 0, of.labels[:, self._before], k)
        cell = (np.arange(n)[:, None] * (k + 1) + previous) * k + of.labels
        counts = np.bincount(cell[:, split.train].ravel(), minlength=n * (k + 1) * k).reshape(n, k + 1, k)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        found = share[np.arange(n)[:, None], previous[:, split.test]]
        return _right(found, of.labels[:, split.test])


def score_of_labels(
    samples: Samples, splits: Sequence[Split], of: Labelings, decoder: LabelDecoder
) -> NDArray[np.float64]:
    """Compute the headline score of each labeling over all folds.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    of : Labelings
    decoder : LabelDecoder

    Returns
    -------
    (labelings,) float64 array
        The mean accuracy of the folds, or the balanced accuracy over all of them; see `headline_of`.
    """
    right = [decoder.correct(of, split) for split in splits]
    if headline_of(samples) == "accuracy":
        return np.asarray(np.mean([of_fold.mean(axis=1) for of_fold in right], axis=0))
    tested, joined = np.concatenate([split.test for split in splits]), np.concatenate(right, axis=1)
    recalls = []
    for code in range(len(samples.classes)):
        of_class = of.labels[:, tested] == code
        sums = np.where(of_class, joined, 0).sum(axis=1)
        recalls.append(np.where(of_class.any(axis=1), sums / np.maximum(of_class.sum(axis=1), 1), np.nan))
    return np.asarray(np.nanmean(recalls, axis=0))


def _right(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Whether the class of the highest score is right; equal ones share."""
    best = scores >= scores.max(axis=-1, keepdims=True)
    of_label = np.take_along_axis(best, labels[..., None], axis=-1)[..., 0]
    return np.asarray(of_label / best.sum(axis=-1))
