"""One voxel over all volumes: reading it, and its values as percent signal change or z."""

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
"""As stored; percent signal change; or standard deviations from the mean."""

_SLOW = (".gz", ".mgz", ".head", ".brik")  # beside an AFNI header there may be a .BRIK.gz
_FLAT = 1e-6
"""Values that spread by less than this part of their size differ by the rounding of float32 alone."""


@dataclass(frozen=True, slots=True)
class Timecourse:
    """Values of one voxel, one per volume.

    Attributes
    ----------
    values : (n,) float64 array
        NaN where there is none.
    note : str
        What to know about them, or "".
    """

    values: NDArray[np.float64]
    note: str = ""


def rescale(
    values: ArrayLike, scale: Scale, *, baseline: ArrayLike | None = None, groups: ArrayLike | None = None
) -> Timecourse:
    """Give a time course another scale.

    Parameters
    ----------
    values : (n,) array-like
        As stored. What is not finite stays out of means, and comes back as NaN.
    scale : {"raw", "psc", "z"}
        "psc": 100 (x - m) / abs(m), where m is the mean; "z": (x - m) / s, where s is the standard
        deviation (n - 1). Both as `nilearn.signal.clean` does, but for a mean of 0.
    baseline : (n,) bool array-like, optional
        Volumes whose mean is m of "psc"; all by default.
    groups : (n,) array-like, optional
        Runs, each of which is scaled by itself.

    Returns
    -------
    Timecourse
        NaN, and a note, where m is 0 ("psc"); 0, and a note, where the voxel is constant ("z").

    Raises
    ------
    InputError
        If there is no such scale, or the lengths differ.

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
    notes = [] if finite.all() else [f"{int((~finite).sum())} volumes hold no number"]
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
            return np.full(len(x), np.nan), "no volume of the baseline to compare with"
        mean = x[at_rest].mean()
        if abs(mean) <= _FLAT * size or size == 0:
            return np.full(len(x), np.nan), "the mean is 0, so there is no percentage of it"
        return 100 * (x - mean) / abs(mean), ""
    centred = x - x.mean()
    spread = centred.std(ddof=1) if len(x) > 1 else 0.0
    if spread <= _FLAT * size:
        return np.zeros(len(x)), "the voxel is constant"
    return centred / spread, ""


def voxel_at(volume: Volume, point: ArrayLike) -> tuple[int, int, int] | None:
    """Find the voxel that holds a point.

    Parameters
    ----------
    volume : Volume
    point : (3,) array-like
        Scanner RAS+ millimetres.

    Returns
    -------
    (i, j, k), or None where the point lies outside
    """
    found = np.floor(apply_affine(np.linalg.inv(volume.affine), point) + 0.5)
    if (found < 0).any() or (found >= volume.shape[:3]).any():
        return None
    i, j, k = (int(v) for v in found)
    return i, j, k


def is_quick(volume: Volume) -> bool:
    """Whether one voxel of all volumes can be read at once: from memory, or from files not packed."""
    if isinstance(volume.data, np.ndarray) or reads_copies(volume):
        return True
    return bool(volume.parts) and not any(p.path.lower().endswith(_SLOW) for p in volume.parts)


def n_bytes(volume: Volume) -> int:
    """Bytes that all voxels take in memory, in the type that they are read in."""
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
    """Read all voxels or one, volume by volume, in the order in which a packed file is unpacked.

    Parameters
    ----------
    volume : Volume
        A series.
    into : (n, x, y, z) array, or (n,) for one voxel
        Is filled.
    voxel : (i, j, k), optional
        All by default.
    start : int
        The first volume to read.

    Yields
    ------
    int
        How many volumes have been read, those before `start` included.
    """
    for n in range(start, volume.n_volumes):
        into[n] = volume.data[(..., n) if voxel is None else (*voxel, n)]
        yield n + 1
