"""Checks whether the voxels of the mask were chosen by the labels, the test set included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.samples.audit.findings import AuditInput, check
from napari_fmri_decoder.samples.masks.given import FileMask

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.masks import MaskConfig

AREA = 0.95
"""Area under the ROC curve from which on the voxels inside follow the labels better than those outside."""
CONNECTED = 0.95
"""A region has at least this fraction of its voxels in its two largest pieces: one per hemisphere."""
BEST_OF_NOISE = 0.05
"""Median p of the mask, relative to the best voxels of noise; a true effect is far below."""
_MIN_INSIDE, _MIN_OUTSIDE = 5, 100
_MOST_VOXELS = 8192
_MOST_CHOSEN = 500
"""Larger masks are hardly chosen voxel by voxel."""


@check("voxels-chosen-by-labels", "warning")
def _voxels_chosen_by_labels(data: AuditInput) -> str | None:
    if data.outside is None or data.samples.X.shape[1] < _MIN_INSIDE:
        return None
    others = data.outside.of_samples(data.samples)
    if others.shape[1] < _MIN_OUTSIDE:
        return None
    area, relative = compare_with_outside(data, others)
    if area < AREA:
        return None
    pieces = in_two_pieces(data.samples.space.mask)
    n = data.samples.space.n_features
    if pieces < CONNECTED:
        reason = f"only {pieces:.0%} of them are in its two largest pieces, whereas a region is connected"
    elif relative > BEST_OF_NOISE:
        reason = f"they differ no more than the best {n} of as many voxels of noise"
    else:
        return None
    return (
        f"The {n} voxels of the mask follow the labels better than those outside it (area under the ROC "
        f"curve {area:.3f}, {others.shape[1]} voxels outside), test sets included, and {reason}. This is "
        "what choosing voxels by these labels gives, even from noise, and permutations do not repeat the "
        "choice. "
        "Confirm where the mask comes from; if it was made with these labels, make it from other data, or "
        "screen voxels within each fold."
    )


@check("mask-not-compared", "note")
def _mask_not_compared(data: AuditInput) -> str | None:
    compared = data.outside is not None and data.outside.X.shape[1] >= _MIN_OUTSIDE
    small = data.samples.space.n_features <= _MOST_CHOSEN
    if compared or not small or data.mask is None or not _from_file(data.mask):
        return None
    return (
        "The mask comes from a file, and the images have no signal outside it to compare: whether its voxels "
        "were chosen by these labels cannot be seen. Permutations do not repeat the choice of the mask, so p "
        "is valid only if the mask was made without the labels of the test set."
    )


def compare_with_outside(data: AuditInput, others: NDArray[np.float32]) -> tuple[float, float]:
    """Compare how voxels inside and outside the mask differ between the classes.

    Parameters
    ----------
    data : AuditInput
    others : (n, voxels) float32 array
        Voxels outside.

    Returns
    -------
    area : float
        Under the ROC curve of F inside against F outside: the larger of F over samples and over block means.
    relative : float
        The median p of the voxels inside over blocks, divided by that of the best voxels of as much noise;
        about 1 if they are the best of noise, far below if the effect is true.
    """
    from scipy.stats import f as f_distribution  # takes long to load

    samples = data.samples
    X = samples.X[:, :: -(-samples.X.shape[1] // _MOST_VOXELS)]
    _, first, block = np.unique(samples.table["block"], return_index=True, return_inverse=True)
    y, n_classes = samples.y, len(samples.classes)
    areas = [_area(_f_values(X, y), _f_values(others, y))]
    relative = 1.0
    if (n := len(first) - n_classes) > 0:
        inside = _f_values(_means(X, block), y[first])
        areas.append(_area(inside, _f_values(_means(others, block), y[first])))
        voxels = samples.X.shape[1]
        total = voxels + (data.outside.total if data.outside else others.shape[1])
        p = float(np.median(f_distribution.sf(inside, n_classes - 1, n)))
        relative = p / (0.5 * voxels / total)
    return max(areas), relative


def in_two_pieces(mask: NDArray[np.bool_]) -> float:
    """Fraction of the voxels of a mask that are in its two largest connected pieces.

    Examples
    --------
    >>> in_two_pieces(np.array([[[1, 1, 0, 1, 0, 1]]], dtype=bool))
    0.75
    """
    from scipy.ndimage import label

    pieces, _ = label(mask, np.ones((3, 3, 3)))
    sizes = np.sort(np.bincount(pieces.ravel())[1:])
    return float(sizes[-2:].sum() / sizes.sum())


def _from_file(mask: MaskConfig) -> bool:
    parts: tuple[MaskConfig, ...] = getattr(mask, "masks", ())
    whole = isinstance(mask, FileMask) and not (mask.labels or mask.regions)
    return whole or any(_from_file(part) for part in parts)


def _area(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    from scipy.stats import mannwhitneyu  # takes long to load

    return float(mannwhitneyu(inside, outside).statistic) / (len(inside) * len(outside))


def _f_values(X: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """F of a one-way analysis of variance for each column."""
    counts = np.bincount(y)
    present = counts > 0
    one_hot = (y[:, None] == np.flatnonzero(present)).astype(np.float32)
    center = X.mean(axis=0, dtype=np.float64)
    sums = (one_hot.T @ X).astype(np.float64) - counts[present][:, None] * center
    squares = np.einsum("nv,nv->v", X, X, dtype=np.float64) - len(X) * center**2
    between = (sums**2 / counts[present][:, None]).sum(axis=0)
    within = np.maximum(squares - between, 1e-12 * np.maximum(squares, 1e-30))
    k = int(present.sum())
    return np.asarray((between / (k - 1)) / (within / max(len(X) - k, 1)))


def _means(X: NDArray[np.float32], block: NDArray[np.int64]) -> NDArray[np.float32]:
    sums = np.zeros((block.max() + 1, X.shape[1]), dtype=np.float32)
    np.add.at(sums, block, X)
    return np.asarray(sums / np.bincount(block)[:, None], dtype=np.float32)
