"""Noise and responses of the phantom.

The amplitudes are relative to a brain of about 1000. They were adjusted so that scikit-learn's LinearSVC
reaches 0.80 to 0.95 on held-out runs, in the slab and in the whole head, while no single voxel separates the
conditions with more than 0.75.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fmri_decoder.samples.example_data.phantom_anatomy import (
    EYE_AXES,
    EYES,
    SHAPE,
    V1,
    V1_AXES,
    VOXEL_SIZE,
    Head,
    Image,
    Point,
    dome,
    domes,
    offsets,
)
from napari_fmri_decoder.samples.example_data.phantom_design import (
    N_VOLUMES,
    RUN_LENGTH,
    eyes_open,
    run_slices,
)

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Grid

Component = tuple[NDArray[Any], Image]
"""A time course (n,) and its spatial map; the scan is the sum of all components and voxel noise."""

_EYE_SHIFT, _V1_SHIFT = 16.0, 34.0
"""Open minus closed, at the center of each ellipsoid."""
_GAZE, _EYE_SWELL, _CLOSED_FRACTION = 90.0, 60.0, 0.05
"""Standard deviations of eye movements (dipoles, and the whole eyeball); fraction left in closed eyes."""
_GAIN_SPREAD, _PATTERN_SPREAD = 0.3, 0.3
"""Variation of the response from run to run, in size and in pattern."""
_PATTERN_MM: Final = 7.5
"""Full width at half maximum of the variation in pattern."""
_WHITE, _LOCAL, _NETWORKS, _GLOBAL = 4.0, 7.0, 30.0, 4.0
"""Standard deviations of the noise: white, smooth, of shared networks, of the whole head."""
_LOCAL_MM, _NETWORK_MM, _N_NETWORKS = 16.5, 38.0, 20
"""Full widths at half maximum of the smooth noise and of the networks in mm; number of networks."""
_AUTOCORRELATION = 0.45
"""Of smooth and network noise, from one volume to the next."""
_DRIFT, _DRIFT_MM, _N_DRIFTS = 18.0, 38.0, 4
"""Amplitude of the slowest cosine; its spatial width; number of cosines, up to 2 cycles per run."""
_JITTER_MM = 0.12
"""Standard deviation of head movement along each axis."""


def make_series(rng: np.random.Generator, head: Head) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Draw the time courses of all voxels in the head.

    Parameters
    ----------
    rng : Generator
    head : Head

    Returns
    -------
    series : (n, voxels) float32 array
    responding : (x, y, z) bool array
        Voxels that respond to the conditions.
    """
    eyes, v1 = (_region(head, EYES, EYE_AXES), _region(head, V1, V1_AXES))
    components = [
        *_networks(rng, head),
        *_drifts(rng),
        *_head_movement(rng, head.image),
        *_mean_shifts(rng, eyes, _EYE_SHIFT, carryover=0.0),
        *_mean_shifts(rng, v1, _V1_SHIFT, carryover=0.4),
        *_eye_movements(rng, head.grid, eyes),
    ]
    series = _voxel_noise(rng, head.inside) + head.image[head.inside]
    courses = np.stack([course for course, _ in components], axis=1).astype(np.float32)
    series += courses @ np.stack([image[head.inside] for _, image in components])
    return series, (eyes > 0) | (v1 > 0)


def _region(head: Head, centers: tuple[Point, ...], axes: Point) -> Image:
    return domes(head.grid, centers, axes) * head.inside


def _smooth(fields: NDArray[np.float32], fwhm_mm: float) -> NDArray[np.float32]:
    """Smooth the last three axes in place, and scale the fields to standard deviation 1.

    Each axis is multiplied by the matrix of its Gaussian filter, which is several times faster than SciPy's
    filter; a few volumes at a time stay in the cache.
    """
    sigma = fwhm_mm / VOXEL_SIZE / np.sqrt(8 * np.log(2))
    along_x, along_y, along_z = (
        ndimage.gaussian_filter1d(np.eye(n, dtype=np.float32), sigma, axis=0, truncate=2.5)
        for n in fields.shape[-3:]
    )
    volumes = fields.reshape(-1, *fields.shape[-3:])
    total = squares = 0.0
    for volume in volumes:
        sheets = along_x @ (volume @ along_z.T).reshape(len(along_x), -1)
        np.matmul(along_y, sheets.reshape(volume.shape), out=volume)
        total += float(volume.sum())
        squares += float(np.vdot(volume, volume))
    fields /= np.float32(np.sqrt(squares / fields.size - (total / fields.size) ** 2))
    return fields


def _autocorrelate(noise: NDArray[np.float32], amount: float) -> None:
    """Turn white noise (n, ...) into an AR(1) process that restarts in each run, in place."""
    innovation = np.float32(np.sqrt(1 - amount**2))
    for i in range(N_VOLUMES):
        if i % RUN_LENGTH:
            noise[i] = np.float32(amount) * noise[i - 1] + innovation * noise[i]


def _voxel_noise(rng: np.random.Generator, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Draw (n, voxels) noise: white noise of each voxel, and noise that is smooth in space."""
    fields = _smooth(rng.standard_normal((N_VOLUMES, *SHAPE), dtype=np.float32), _LOCAL_MM)
    local = fields.reshape(N_VOLUMES, -1)[:, np.flatnonzero(inside)]
    _autocorrelate(local, _AUTOCORRELATION)
    local *= np.float32(_LOCAL)
    local += np.float32(_WHITE) * rng.standard_normal(local.shape, dtype=np.float32)
    return local


def _networks(rng: np.random.Generator, head: Head) -> list[Component]:
    """Fluctuations of networks of the brain, and of the whole head."""
    courses = rng.standard_normal((N_VOLUMES, _N_NETWORKS), dtype=np.float32)
    _autocorrelate(courses, _AUTOCORRELATION)
    noise = rng.standard_normal((_N_NETWORKS, *SHAPE), dtype=np.float32)
    maps = _smooth(noise, _NETWORK_MM) * head.brain
    size = _NETWORKS / np.sqrt(_N_NETWORKS)
    whole = ndimage.gaussian_filter1d(rng.standard_normal(N_VOLUMES), 1.0)
    return [*zip(size * courses.T, maps, strict=True), (_GLOBAL * whole / whole.std(), head.image / 1000)]


def _drifts(rng: np.random.Generator) -> list[Component]:
    """Slow cosines in each run, each with its own smooth map."""
    t = np.linspace(0, 1, RUN_LENGTH)
    components: list[Component] = []
    for run in run_slices():
        maps = _smooth(rng.standard_normal((_N_DRIFTS, *SHAPE), dtype=np.float32), _DRIFT_MM)
        for k, image in enumerate(maps, 1):
            course = np.zeros(N_VOLUMES)
            course[run] = _DRIFT / k * np.cos(np.pi * k * (t + rng.uniform()))
            components.append((course, image))
    return components


def _head_movement(rng: np.random.Generator, image: Image) -> list[Component]:
    """Small translations of the head: to first order, minus the image gradient times the displacement."""
    displacement = rng.standard_normal((N_VOLUMES, 3), dtype=np.float32)
    _autocorrelate(displacement, 0.9)
    gradients = np.gradient(ndimage.gaussian_filter(image, 0.6), VOXEL_SIZE)
    return [
        (-_JITTER_MM * course, gradient) for course, gradient in zip(displacement.T, gradients, strict=True)
    ]


def _mean_shifts(rng: np.random.Generator, pattern: Image, size: float, carryover: float) -> list[Component]:
    """Shift the mean from closed to open, with a different gain and pattern in each run.

    `carryover` is the fraction of the previous volume's response that remains, because the hemodynamic
    response is slow.
    """
    target = np.where(eyes_open(), 0.5, -0.5)
    components: list[Component] = []
    for run in run_slices():
        course = np.zeros(N_VOLUMES)
        course[run] = target[run]
        for i in range(run.start + 1, run.stop):
            course[i] = (1 - carryover) * target[i] + carryover * course[i - 1]
        texture = _smooth(rng.standard_normal(SHAPE, dtype=np.float32), _PATTERN_MM)
        gain = size * (1 + _GAIN_SPREAD * rng.uniform(-1, 1))
        components.append((gain * course, pattern * (1 + _PATTERN_SPREAD * texture)))
    return components


def _eye_movements(rng: np.random.Generator, grid: Grid, eyes: Image) -> list[Component]:
    """Movements of open eyes: dipoles along x and z that both eyes share, and the whole eyeball."""
    components: list[Component] = [(_EYE_SWELL * _movement_course(rng), eyes)]
    for axis in (0, 2):
        sides = [2 * dome(grid, eye, EYE_AXES) * offsets(grid, eye)[axis] for eye in EYES]
        dipoles = np.sum(sides, axis=0, dtype=np.float32) / np.float32(EYE_AXES[axis])
        components.append((_GAZE * _movement_course(rng), dipoles * (eyes > 0)))
    return components


def _movement_course(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a course whose mean is 0 in the open and closed volumes of each run: only the variance differs."""
    course = rng.standard_normal(N_VOLUMES)
    for run in run_slices():
        for volumes in (eyes_open()[run], ~eyes_open()[run]):
            course[run][volumes] -= course[run][volumes].mean()
    return np.where(eyes_open(), course, _CLOSED_FRACTION * course)
