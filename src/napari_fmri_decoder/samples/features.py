"""Features of a series: the values of its selected voxels, one row per volume."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.resample import sampler, value_range

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.volumes.frames import Grid
    from napari_fmri_decoder.volumes.interpolation import Interpolation
    from napari_fmri_decoder.volumes.volume import Volume

Progress = Callable[[int, int], None]
"""Called with (volumes done, volumes in all); may raise to stop."""


def extract(
    series: Volume,
    space: Space,
    *,
    smooth_mm: float = 0.0,
    interpolation: Interpolation = "continuous",
    volumes: Iterable[NDArray[np.float32]] | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Take the voxels of a space from every volume, one volume in memory at a time.

    Parameters
    ----------
    series : Volume
    space : Space
        If its voxels are voxels of the series, their values are used unchanged; otherwise they are
        interpolated.
    smooth_mm : float
        Full width at half maximum of a Gaussian, applied on the grid of the series; 0 is off.
    interpolation : {"continuous", "linear", "nearest"}
    volumes : iterable of (x, y, z) float32 array, optional
        The volumes of the series in order, if the caller reads them; by default they are read here.
    progress : callable, optional

    Returns
    -------
    (n, features) float32 array
        NaN where the data are not finite.
    """
    X = np.empty((series.n_volumes, space.n_features), dtype=np.float32)
    box = box_of(space.grid, series.grid)
    if box is None:
        sample = sampler(series.shape[:3], series.affine, space.grid, interpolation, space.mask)
    for i, raw in enumerate(series if volumes is None else volumes):
        volume = smooth(raw, series, smooth_mm) if smooth_mm else raw
        X[i] = np.clip(sample(volume), *value_range(volume)) if box is None else volume[box][space.mask]
        if progress is not None:
            progress(i + 1, series.n_volumes)
    X[~np.isfinite(X)] = np.nan
    return X


def box_of(grid: Grid, full: Grid) -> tuple[slice, slice, slice] | None:
    """Find the box of voxels of a full grid that another grid covers.

    Returns
    -------
    tuple of slice, or None
        None if the voxels of `grid` are not all voxels of `full`.

    Examples
    --------
    >>> from napari_fmri_decoder.volumes.frames import Grid
    >>> full = Grid((4, 4, 4), np.eye(4))
    >>> box_of(full.crop((0, 1, 0), (4, 3, 4)), full)
    (slice(0, 4, None), slice(1, 3, None), slice(0, 4, None))
    """
    corner = np.linalg.inv(full.affine) @ grid.affine[:, 3]
    start = [int(i) for i in corner[:3].round()]
    stop = [i + n for i, n in zip(start, grid.shape, strict=True)]
    inside = min(start) >= 0 and all(b <= n for b, n in zip(stop, full.shape, strict=True))
    x, y, z = (slice(a, b) for a, b in zip(start, stop, strict=True))
    if not inside or not full.crop(tuple(start), tuple(stop)).same_as(grid):  # type: ignore[arg-type]
        return None
    return x, y, z


def smooth(volume: NDArray[np.float32], series: Volume, fwhm: float) -> NDArray[np.float32]:
    """Smooth with a Gaussian, as `nilearn.image.smooth_img` does.

    Voxels that are not finite stay NaN and contribute nothing to their neighbors, whose other weights are
    scaled up instead.

    Parameters
    ----------
    volume : (x, y, z) array
    series : Volume
        Gives the affine.
    fwhm : float
        Full width at half maximum in mm.

    Returns
    -------
    (x, y, z) float32 array
    """
    from nilearn.image.image import smooth_array

    finite = np.isfinite(volume)
    smoothed = smooth_array(volume, series.affine, fwhm)
    if not finite.all():
        weight = smooth_array(finite.astype(np.float32), series.affine, fwhm)
        smoothed = np.divide(smoothed, weight, out=np.full_like(volume, np.nan), where=finite)
    return np.asarray(smoothed, dtype=np.float32)


def drop_missing(X: NDArray[np.float32], space: Space) -> tuple[NDArray[np.float32], Space, list[str]]:
    """Exclude voxels that are not finite in some volume.

    A volume without any finite value does not count: its row stays NaN, and the caller excludes it.

    Parameters
    ----------
    X : (n, features) float32 array
    space : Space

    Returns
    -------
    X : (n, fewer features) float32 array
    space : Space
        With the smaller mask.
    notes : list of str
    """
    missing = np.isnan(X)
    some = missing.any(axis=1) & ~missing.all(axis=1)
    keep = np.asarray(~missing[some].any(axis=0))
    if keep.all():
        return X, space, []
    if not keep.any():
        raise InputError(
            f"Some voxels of the mask must be finite in every volume, but each of the {len(keep)} is NaN or "
            f"infinite in at least one; {int(some.sum())} of {len(X)} volumes are affected. Check the "
            "images, or use a mask of voxels that all volumes cover."
        )
    mask = space.mask.copy()
    mask[space.mask] = keep
    note = (
        f"{int((~keep).sum())} of {len(keep)} voxels are NaN or infinite in some of {int(some.sum())} "
        "volume(s) and are excluded."
    )
    return X[:, keep], replace(space, mask=mask), [note]
