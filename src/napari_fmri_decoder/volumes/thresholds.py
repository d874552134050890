"""Threshold statistical maps by value or p, and set the opacity of one map by another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.series import VolumeStack
from napari_fmri_decoder.volumes.volume import Volume

N_COLORS, N_OPACITIES = 64, 16
"""Number of color and opacity steps in `codes`."""


def threshold_of_p(p: float, degrees_of_freedom: float | None = None) -> float:
    """Find the value that |z| or |t| exceeds with probability p under the null hypothesis (uncorrected).

    Parameters
    ----------
    p : float
        Above 0, at most 1.
    degrees_of_freedom : float, optional
        Degrees of freedom of t; z if None.

    Raises
    ------
    InputError
        If p is not a probability, or the degrees of freedom are not positive.

    Examples
    --------
    >>> round(threshold_of_p(0.05), 2), round(threshold_of_p(0.05, degrees_of_freedom=10), 2)
    (1.96, 2.23)
    """
    if not 0 < p <= 1:
        raise InputError(f"p must be above 0 and at most 1, got {p:g}.")
    if degrees_of_freedom is None:
        return float(-special.ndtri(p / 2))
    if degrees_of_freedom <= 0:
        raise InputError(f"The degrees of freedom of t must be positive, got {degrees_of_freedom:g}.")
    return float(-special.stdtrit(degrees_of_freedom, p / 2))


def p_of_threshold(value: float, degrees_of_freedom: float | None = None) -> float:
    """Probability that |z| or |t| exceeds a value under the null hypothesis: the inverse of `threshold_of_p`.

    Examples
    --------
    >>> round(p_of_threshold(1.959964), 4)
    0.05
    """
    size = abs(value)
    if degrees_of_freedom is None:
        return float(2 * special.ndtr(-size))
    return float(2 * special.stdtr(degrees_of_freedom, -size))


def count_suprathreshold(values: NDArray[np.float32], threshold: float) -> tuple[int, int]:
    """Count the voxels at or above a threshold, and those at or below its negative; 0 is not counted.

    Examples
    --------
    >>> count_suprathreshold(np.array([-3.0, 0.0, np.nan, 2.0, 3.5]), 3.0)
    (1, 1)
    """
    above = (values >= threshold) & (values > 0)
    below = (values <= -threshold) & (values < 0)
    return int(above.sum()), int(below.sum())


def effect_with_opacity(effect: Volume, weight: Volume, limit: float, opaque_from: float) -> Volume:
    """Encode colors from one map and opacities from another as one image of kind "atlas"; see `codes`.

    Parameters
    ----------
    effect : Volume
        Its grid is used; a series remains lazy.
    weight : Volume
        Resampled if it is on another grid. A single volume is used for all volumes of `effect`, a
        series volume by volume.
    limit, opaque_from : float
    """

    def one(*at: int) -> NDArray[np.uint16]:
        i = at[0] if at else 0
        by = weight.at(min(i, weight.n_volumes - 1))
        if not weight.grid.same_as(effect.grid):
            by = resample(by, weight.affine, effect.grid)
        return codes(effect.at(i), by, limit, opaque_from)

    data = VolumeStack(one, effect.shape, np.dtype(np.uint16)) if effect.is_series else one()
    name = f"{effect.name}, opacity by {weight.name}"
    return Volume(data, effect.affine, "atlas", effect.step, effect.names, name)


def codes(
    effect: NDArray[np.float32], weight: NDArray[np.float32], limit: float, opaque_from: float
) -> NDArray[np.uint16]:
    """Encode each voxel's color from one map and its opacity from another, to highlight, not hide.

    Voxels below a threshold fade instead of vanishing (Taylor et al. 2023, NeuroImage 274:120138).

    Parameters
    ----------
    effect, weight : (x, y, z) array
        Color follows `effect` from -limit to limit; opacity increases with |weight| from 0 to full at
        `opaque_from`. NaN in either map is transparent.
    limit, opaque_from : float
        Both must be positive.

    Returns
    -------
    (x, y, z) uint16 array
        0 for transparent voxels, else ``1 + color * N_OPACITIES + opacity``.
    """
    visible = np.isfinite(effect) & np.isfinite(weight) & (effect != 0) & (weight != 0)
    share = np.where(visible, effect, 0) / limit / 2 + 0.5
    color = np.clip(share * N_COLORS, 0, N_COLORS - 1).astype(np.uint16)
    strength = np.where(visible, np.abs(weight), 0) / opaque_from
    opacity = np.clip(strength * N_OPACITIES, 0, N_OPACITIES - 1).astype(np.uint16)
    return np.where(visible, 1 + color * N_OPACITIES + opacity, 0).astype(np.uint16)
