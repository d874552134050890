"""What the pictures show, as numbers, so that any plotting library can draw them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.training.validation import hold_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders import Decoder
    from napari_fmri_decoder.evaluation.scores import Headline
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig


THREADS = 1
"""Of the layouts: more of them wait for one another on a busy machine (864 samples: 4 s, not 34)."""

USES = {"not used": "#ffffff", "trained on": "#9ecae1", "left out": "#d55e00", "validation": "#009e73"}
"""What a fold does with a sample, by its code 0, 1, ... in `FoldDesign.use`, and the colour of it."""

FEWEST = 4
"""Samples that there must be to lay them out."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts between edges; `floor` is a limit below which voxels are left out, or None."""

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    floor: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Samples laid into the plane.

    Attributes
    ----------
    points : (n, 2) float64 array
    method : str
        "PCA" or "t-SNE", for titles.
    explained : (components,) float64 array
        Fraction of the variance that each component explains, the largest first; empty for t-SNE.
    """

    points: NDArray[np.float64]
    method: str
    explained: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FoldDesign:
    """What each fold does with each sample; samples in time order, those of a run side by side.

    Attributes
    ----------
    use : (folds, n) int8 array
        0 not used, 1 trained on, 2 left out, to be tested on, 3 held back of the training part, to
        validate on; as `USES` names them.
    names : tuple of str
        Of the folds.
    runs : tuple of str
        Run of each sample.
    labels : tuple of str
        Label of each sample.
    volumes : tuple of int
        Volume of each sample; of an average the first.
    """

    use: NDArray[np.int8]
    names: tuple[str, ...]
    runs: tuple[str, ...]
    labels: tuple[str, ...]
    volumes: tuple[int, ...]

    @property
    def spans(self) -> list[tuple[str, int, int]]:
        """Name, first sample and the one after the last, of each run."""
        starts = [i for i, run in enumerate(self.runs) if i == 0 or run != self.runs[i - 1]]
        stops = [*starts[1:], len(self.runs)]
        return [(self.runs[start], start, stop) for start, stop in zip(starts, stops, strict=True)]

    @property
    def rows(self) -> list[str]:
        """Number and name of each fold."""
        numbered = enumerate(self.names)
        return [str(i) if name in ("", f"fold {i}") else f"{i}: {name}" for i, name in numbered]


def histogram(values: NDArray[Any], bins: int = 50, floor: float | None = None) -> Histogram:
    """Count values, leaving out those that are not finite.

    Parameters
    ----------
    values : array
    bins : int
    floor : float or None
        Carried along for the picture.

    Examples
    --------
    >>> histogram(np.array([0.0, 1.0, 1.0, np.nan]), bins=2).counts.tolist()
    [1, 2]
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, bins=bin_edges(flat, bins))
    return Histogram(edges, counts.astype(np.int64), floor)


def bin_edges(
    values: NDArray[Any], bins: int, limits: tuple[float, float] | None = None
) -> NDArray[np.float64]:
    """Edges of equal bins over finite values; NumPy makes none for values that differ by rounding alone.

    Parameters
    ----------
    values : (n,) array
    bins : int
    limits : (float, float), optional
        First and last edge; those of the values by default.

    Examples
    --------
    >>> bin_edges(np.array([0.5, 0.5 + 1e-16]), 2).tolist()
    [0.0, 0.5, 1.0]
    """
    if limits is None and len(values):
        low, high = float(values.min()), float(values.max())
        size = max(abs(low), abs(high))
        if high - low <= 1e-9 * size:
            middle, half = (low + high) / 2, max(0.5, 1e-6 * size)
            limits = middle - half, middle + half
    return np.histogram_bin_edges(values, bins, limits)


def voxel_statistics(X: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each voxel.

    Parameters
    ----------
    X : (n, features) array

    Returns
    -------
    means, stds : (features,) float64 arrays
    """
    return np.mean(X, axis=0, dtype=np.float64), np.std(X, axis=0, dtype=np.float64)


def probability_histograms(
    predictions: pd.DataFrame, classes: Sequence[str], bins: int = 20
) -> dict[str, tuple[Histogram, Histogram]]:
    """Count, for each class, the probability it was given.

    Parameters
    ----------
    predictions : DataFrame
        As `predictions_table` gives it.
    classes : sequence of str
    bins : int
        Between 0 and 1.

    Returns
    -------
    dict of str to (Histogram, Histogram)
        Over the samples that are of the class, and over all others.
    """
    edges = np.linspace(0, 1, bins + 1)
    result = {}
    for name in classes:
        values = np.clip(predictions[f"p_{name}"].to_numpy(dtype=np.float64), 0, 1)
        own = (predictions["true"] == name).to_numpy(dtype=bool)
        counts = [np.histogram(values[part], bins=edges)[0].astype(np.int64) for part in (own, ~own)]
        result[name] = (Histogram(edges, counts[0]), Histogram(edges, counts[1]))
    return result


def pca(X: NDArray[np.float32], components: int = 100) -> Projection:
    """Principal components of voxels scaled to unit variance, as the decoders see them.

    Parameters
    ----------
    X : (n, features) float32 array
        At least 4 samples that differ.
    components : int
        How many to keep, at most; the points are the first two.
    """
    from sklearn.decomposition import PCA

    scaled = _scaled(X)
    model = PCA(n_components=min(components, *scaled.shape), random_state=0)
    with threadpool_limits(THREADS):
        found = model.fit_transform(scaled)[:, :2]
    points = np.zeros((len(scaled), 2))
    points[:, : found.shape[1]] = found
    return Projection(points, "PCA", np.asarray(model.explained_variance_ratio_, dtype=np.float64))


def tsne(X: NDArray[np.float32], perplexity: float = 30.0, seed: int = 0) -> Projection:
    """t-SNE of the first 50 principal components.

    Parameters
    ----------
    X : (n, features) float32 array
        At least 4 samples that differ.
    perplexity : float
        Lowered to (n - 1) / 3 where there are few samples.
    seed : int

    Notes
    -----
    van der Maaten and Hinton (2008), Journal of Machine Learning Research 9:2579-2605. Distances
    between far groups, and the size of groups, mean nothing in it.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    scaled = _scaled(X)
    with threadpool_limits(THREADS):
        reduced = PCA(n_components=min(50, *scaled.shape), random_state=seed).fit_transform(scaled)
        model = TSNE(
            perplexity=min(perplexity, (len(X) - 1) / 3),
            init="pca" if reduced.shape[1] > 1 else "random",
            random_state=seed,
        )
        points = model.fit_transform(reduced)
    return Projection(np.asarray(points, dtype=np.float64), "t-SNE", np.empty(0))


def run_accuracy(predictions: pd.DataFrame, measure: Headline = "accuracy") -> pd.Series[float]:
    """Score each run over its samples that were left out.

    Parameters
    ----------
    predictions : DataFrame
        As `predictions_table` gives it.
    measure : {"accuracy", "balanced_accuracy"}
        The fraction that is right, or the mean of that over the classes that the run holds.

    Returns
    -------
    Series
        By run (keys as `group_keys` gives them), in order of the series.
    """
    ordered = predictions.sort_values("volume", kind="stable")
    right = (ordered["true"] == ordered["predicted"]).astype(float)
    runs = group_keys(ordered)
    if measure == "balanced_accuracy":
        recalls = right.groupby([runs, ordered["true"].to_numpy()], sort=False).mean()
        return recalls.groupby(level=0, sort=False).mean()
    return right.groupby(runs, sort=False).mean()


def fold_design(
    splits: Sequence[Split],
    samples: Samples,
    decoder: Decoder | None = None,
    training: TrainingConfig | None = None,
) -> FoldDesign:
    """Lay out what each fold does with each sample.

    Parameters
    ----------
    splits : sequence of Split
    samples : Samples
    decoder : Decoder, optional
    training : TrainingConfig, optional
        With both, the validation part is laid out that a fit holds back.
    """
    runs = samples.groups
    _, first, run = np.unique(runs, return_index=True, return_inverse=True)
    order = np.lexsort((samples.table["volume"].to_numpy(), first[run]))
    use = np.zeros((len(splits), len(runs)), dtype=np.int8)
    for row, split in zip(use, splits, strict=True):
        row[split.train] = 1
        row[split.test] = 2
        if training is not None and isinstance(decoder, NetworkDecoder) and training.validation != "none":
            with suppress(InputError):  # too little is left: the fit says so
                held = hold_back(samples.y[split.train], runs[split.train], training)
                row[split.train[held.validated]] = 3
    return FoldDesign(
        use[:, order],
        tuple(split.name for split in splits),
        tuple(runs[order].tolist()),
        tuple(samples.table["label"].iloc[order]),
        tuple(samples.table["volume"].iloc[order].tolist()),
    )


def _scaled(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each voxel to mean 0 and standard deviation 1; constant ones become 0."""
    if len(X) < FEWEST:
        raise InputError(f"At least {FEWEST} samples must be there to lay them out, got {len(X)}.")
    if not (X != X[0]).any():
        raise InputError("Samples must differ to be laid out, found all the same. Check the images.")
    return fit_scaler(X).apply(X)
