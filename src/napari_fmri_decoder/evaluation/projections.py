"""Samples projected to the plane: PCA and t-SNE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.scaling import fit_scaler

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS = 1
"""More threads wait for each other on a busy machine (t-SNE of 864 samples: 34 s instead of 4 s)."""

MIN_SAMPLES = 4
"""Samples that a projection needs at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Samples as points in the plane.

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


def can_project(X: NDArray[np.float32]) -> bool:
    """Whether there are at least 4 samples, and some differ."""
    return len(X) >= MIN_SAMPLES and bool((X != X[0]).any())


def pca(X: NDArray[np.float32], components: int = 100) -> Projection:
    """Compute principal components of voxels scaled to unit variance, as decoders see them.

    Parameters
    ----------
    X : (n, features) float32 array
        At least 4 samples that differ.
    components : int
        Largest number of components; the points are the first two.

    Raises
    ------
    InputError
        If there are fewer samples, or all are the same.
    """
    from sklearn.decomposition import PCA

    scaled = _scaled(X)
    model = PCA(n_components=min(components, *scaled.shape), random_state=0)
    with threadpool_limits(THREADS):
        first_two = model.fit_transform(scaled)[:, :2]
    points = np.zeros((len(scaled), 2))
    points[:, : first_two.shape[1]] = first_two
    return Projection(points, "PCA", np.asarray(model.explained_variance_ratio_, dtype=np.float64))


def tsne(X: NDArray[np.float32], perplexity: float = 30.0, seed: int = 0) -> Projection:
    """Compute a t-SNE of the first 50 principal components.

    Parameters
    ----------
    X : (n, features) float32 array
        At least 4 samples that differ.
    perplexity : float
        Reduced to (n - 1) / 3 if there are few samples.
    seed : int

    Raises
    ------
    InputError
        If there are fewer samples, or all are the same.

    Notes
    -----
    van der Maaten and Hinton (2008), Journal of Machine Learning Research 9:2579-2605. Distances
    between separate groups, and the sizes of groups, have no meaning.
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


def _scaled(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each voxel to mean 0 and standard deviation 1; constant voxels become 0."""
    if len(X) < MIN_SAMPLES:
        raise InputError(f"A projection needs at least {MIN_SAMPLES} samples, got {len(X)}.")
    if not can_project(X):
        raise InputError("A projection needs samples that differ, but all are the same. Check the images.")
    return fit_scaler(X).apply(X)
