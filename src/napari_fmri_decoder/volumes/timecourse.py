"""Time course of one voxel: reading it, and scaling it to percent signal change or z."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.cache import reads_copies
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

Scale = Literal["raw", "psc", "z"]
"""Stored values; percent signal change; or standard deviations from the mean."""

_SLOW = (".gz", ".mgz", ".head", ".brik")  # an AFNI header may belong to a .BRIK.gz
_FLAT = 1e-6
"""If values vary by a smaller fraction than this, they differ only by the rounding of float32."""


@dataclass(frozen=True, slots=True)
class Timecourse:
    """Values of one voxel, one per volume.

    Attributes
    ----------
    values : (n,) float64 array
        NaN where the image is not finite.
    note : str
        What to know about the values, or "".
    """

    values: NDArray[np.float64]
    note: str = ""


def rescale(
    values: ArrayLike, scale: Scale, *, baseline: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Timecourse:
    """Rescale a time course.

    Parameters
    ----------
    values : (n,) array-like
        As stored. Values that are not finite are excluded from means and become NaN.
    scale : {"raw", "psc", "z"}
        "psc": 100 (x - m) / abs(m), where m is the mean; "z": (x - m) / s, where s is the standard
        deviation (n - 1). Both as in `nilearn.signal.clean`, except for a mean of 0.
    baseline : (n,) bool array-like, optional
        Volumes over which m is computed for "psc"; all by default.
    groups : (n,) array-like, optional
        The run of each volume; runs are scaled separately.

    Returns
    -------
    Timecourse
        NaN, and a note, where m is 0 ("psc"); 0, and a note, where the voxel is constant ("z").

    Raises
    ------
    InputError
        If the scale is unknown, or the lengths differ.

    Examples
    --------
    >>> rescale([90.0, 110.0], "psc").values.tolist()
    [-10.0, 10.0]
    """
    if scale not in get_args(Scale):
        raise InputError(f"A scale must be one of {', '.join(get_args(Scale))}, got '{scale}'.")
    raw = np.asarray(values, dtype=np.float64).ravel()
    for name, given in (("baseline", baseline), ("groups", groups)):
        if given is not None and np.shape(given) != raw.shape:
            raise InputError(f"{name} must have one value per volume ({len(raw)}), got {np.shape(given)}.")
    finite = np.isfinite(raw)
    out = np.where(finite, raw, np.nan)
    notes = [] if finite.all() else [f"{int((~finite).sum())} volumes are not finite"]
    if scale != "raw":
        at_rest = np.ones(len(raw), bool) if baseline is None else np.asarray(baseline, bool)
        keys = (
            np.zeros(len(raw), int)
            if groups is None
            else np.unique(np.asarray(groups), return_inverse=True)[1]
        )
        for key in np.unique(keys):
            here = np.flatnonzero((keys == key) & finite)
            out[here], note = _scaled(raw[here], scale, at_rest[here])
            notes.append(note)
    return Timecourse(out, "; ".join(dict.fromkeys(note for note in notes if note)))


def _scaled(
    x: NDArray[np.float64], scale: Scale, at_rest: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], str]:
    """Scale the finite values of one group."""
    if not len(x):
        return x, ""
    size = np.abs(x).max()
    if scale == "psc":
        if not at_rest.any():
            return np.full(len(x), np.nan), "no baseline volume to compare with"
        mean = x[at_rest].mean()
        if abs(mean) <= _FLAT * size or size == 0:
            return np.full(len(x), np.nan), "the mean is 0, so percent signal change is undefined"
        return 100 * (x - mean) / abs(mean), ""
    centered = x - x.mean()
    spread = centered.std(ddof=1) if len(x) > 1 else 0.0
    if spread <= _FLAT * size:
        return np.zeros(len(x)), "the voxel is constant"
    return centered / spread, ""


def voxel_at(volume: Volume, point: ArrayLike) -> tuple[int, int, int] | None:
    """Find the voxel that contains a point.

    Parameters
    ----------
    volume : Volume
    point : (3,) array-like
        Scanner RAS+ millimeters.

    Returns
    -------
    (i, j, k), or None if the point is outside the volume
    """
    found = np.floor(apply_affine(np.linalg.inv(volume.affine), point) + 0.5)
    if (found < 0).any() or (found >= volume.shape[:3]).any():
        return None
    i, j, k = (int(v) for v in found)
    return i, j, k


def is_quick(volume: Volume) -> bool:
    """Whether a time course can be read quickly: from memory, or from uncompressed files."""
    if isinstance(volume.data, np.ndarray) or reads_copies(volume):
        return True
    return bool(volume.parts) and not any(p.path.lower().endswith(_SLOW) for p in volume.parts)


def n_bytes(volume: Volume) -> int:
    """Bytes of all voxels in memory, in the type in which they are read."""
    return int(np.prod(volume.shape)) * np.dtype(volume.data.dtype).itemsize


def read_voxel(volume: Volume, voxel: tuple[int, int, int]) -> NDArray[np.float64]:
    """Read one voxel of all volumes.

    Parameters
    ----------
    volume : Volume
    voxel : (i, j, k)

    Returns
    -------
    (n,) float64 array
    """
    return np.atleast_1d(np.asarray(volume.data[voxel], dtype=np.float64))


def read_stepwise(
    volume: Volume, into: NDArray[Any], voxel: tuple[int, int, int] | None = None, start: int = 0
) -> Iterator[int]:
    """Read one voxel, or all, volume by volume: the order in which a compressed file is decompressed.

    Parameters
    ----------
    volume : Volume
        A series.
    into : (n, x, y, z) array, or (n,) for one voxel
        Filled in place.
    voxel : (i, j, k), optional
        All by default.
    start : int
        The first volume to read.

    Yields
    ------
    int
        Number of volumes that have been read, including those before `start`.
    """
    for n in range(start, volume.n_volumes):
        into[n] = volume.data[(..., n) if voxel is None else (*voxel, n)]
        yield n + 1
