"""The phantom: a made-up scan of a person who opens and closes their eyes.

It is laid into the MNI template shipped with nilearn and is as hard as a real scan: noise that is
correlated in space and time, drift, a head that moves, and a response whose pattern differs from
run to run. What responds is known, so decoders and layers can be checked against the truth.

Two things tell the conditions apart. The mean of the eyes and of the visual cortex (V1) shifts, which
linear decoders find. And open eyes look about while closed ones rest, so that the variance of their
voxels grows, as in the scans that gaze is decoded from (Frey, Nau and Doeller, 2021, Nature
Neuroscience 24); that a network can find, but no single threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_fmri_decoder.samples.open_data import mni_anatomy
from napari_fmri_decoder.volumes import nifti
from napari_fmri_decoder.volumes.frames import Grid, translation
from napari_fmri_decoder.volumes.volume import Volume

PHANTOM_SLAB: Final[dict[str, Any]] = {
    "rotate_x": 20.05,
    "axis": "z",
    "start": 18,
    "stop": 21,
    "grid": "full",
    "crop": True,
    "interpolation": "linear",
}
"""The slab of a recipe that holds eyes and V1 in the same three planes: turned by 0.35 rad, as in the
notebook of the origin. With the phantom's mask it has 38 x 50 x 3 voxels."""

TR: Final = 2.0
"""Seconds from one volume to the next."""
N_RUNS: Final = 6
RUN_LENGTH: Final = 64
"""Volumes of one run, the notebook's chunk."""
BLOCK_LENGTH: Final = 4
"""Volumes of one block of eyes closed or open."""
_N: Final = N_RUNS * RUN_LENGTH

EYES: Final = ((-33.0, 60.0, -40.0), (33.0, 60.0, -40.0))
"""Centres of the eyeballs in MNI millimetres."""
EYE_RADIUS: Final = 12.0
"""Millimetres."""
V1: Final = ((-9.0, -78.0, 16.0), (9.0, -78.0, 16.0))
"""Centres of the part of the visual cortex that responds, in MNI millimetres."""
_EYE_AXES: Final = (9.8, 9.8, 9.8)
_V1_AXES: Final = (6.0, 10.0, 28.0)
"""Half axes in millimetres of the ellipsoids that respond; the eyes' own are inside of the globe."""

# How strong everything is, on a brain of about 1000; found by trial so that on runs left out
# scikit-learn's LinearSVC reaches 0.80 to 0.95, in the slab and in the whole head, while no voxel
# alone tells the conditions apart better than 0.75.
_EYE_SHIFT, _V1_SHIFT = 16.0, 34.0
"""Open minus closed, in the middle of each ellipsoid."""
_GAZE, _EYE_SWELL, _CLOSED_STILLNESS = 90.0, 60.0, 0.05
"""Standard deviations of what open eyes do (their dipoles, and the whole globe); the part of it that
closed eyes still do."""
_GAIN_SPREAD, _PATTERN_SPREAD = 0.3, 0.3
"""How far the response of a run departs from the mean response, as a whole and in its pattern."""
_PATTERN_MM: Final = 7.5
"""Full width at half maximum of what differs in the pattern."""
_WHITE, _LOCAL, _NETWORKS, _GLOBAL = 4.0, 7.0, 30.0, 4.0
"""Standard deviations of the noise: voxel by voxel, smooth, of shared networks, of the whole head."""
_LOCAL_MM, _NETWORK_MM, _N_NETWORKS = 16.5, 38.0, 20
"""Full widths at half maximum of the smooth noise and the networks in mm; number of networks."""
_AUTOCORRELATION = 0.45
"""Of smooth and network noise, from one volume to the next."""
_DRIFT, _DRIFT_MM, _N_DRIFTS = 18.0, 38.0, 4
"""Strength of the slowest cosine; its width in space; number of cosines, up to 2 cycles a run."""
_JITTER_MM = 0.12
"""Standard deviation of the head's place along each axis."""
_STREAM: Final = 1
"""Where seeds start: seed 0 is a draw for which all of the above was measured."""

_FIRST: Final = (18, 20, -8)
"""First voxel of the 1 mm template that is used; 8 mm are added below."""
_SHAPE: Final = (40, 51, 42)
_VOXEL: Final = 4
"""Millimetres."""

Image = NDArray[np.float32]
"""(x, y, z)."""
Part = tuple[NDArray[Any], Image]
"""A time course (n,) and the image that it is spread over; the scan is their sum, and voxel noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """The made-up scan and what is known about it.

    Attributes
    ----------
    bold : Volume
        (40, 51, 42, 384) int16 of 4 mm, TR 2 s, 0 outside of brain and eyes.
    anatomy : Volume
        The MNI template with eyes, (160, 204, 168) int16 of 1 mm.
    mask : Volume
        Brain and eyes, on the grid of `bold`.
    table : DataFrame of 384 rows
        `volume` (int), `label` ("closed", "open"), `run` ("1" to "6").
    truth : Volume
        The voxels that respond, on the grid of `bold`.
    """

    bold: Volume
    anatomy: Volume
    mask: Volume
    table: pd.DataFrame
    truth: Volume


@dataclass(frozen=True, slots=True)
class PhantomPaths:
    """The files of a written phantom: images, and the table of labels and runs."""

    bold: Path
    anatomy: Path
    mask: Path
    truth: Path
    table: Path


def make_phantom(seed: int = 0) -> Phantom:
    """Make the phantom in a few seconds; the same seed gives the same bytes.

    Parameters
    ----------
    seed : int

    Returns
    -------
    Phantom

    Examples
    --------
    >>> phantom = make_phantom()
    >>> phantom.bold.shape
    (40, 51, 42, 384)
    """
    rng = np.random.default_rng(_STREAM + seed)
    head = _make_head()
    eyes, v1 = (_domes(head.grid, *region) * head.inside for region in ((EYES, _EYE_AXES), (V1, _V1_AXES)))
    parts = [
        *_networks(rng, head),
        *_drifts(rng),
        *_jitter(rng, head.image),
        *_shifts(rng, eyes, _EYE_SHIFT, lag=0.0),
        *_shifts(rng, v1, _V1_SHIFT, lag=0.4),
        *_gaze(rng, head.grid, eyes),
    ]
    series = _voxel_noise(rng, head.inside) + head.image[head.inside]
    courses = np.stack([course for course, _ in parts], axis=1).astype(np.float32)
    series += courses @ np.stack([image[head.inside] for _, image in parts])
    np.clip(np.rint(series, out=series), 0, np.iinfo(np.int16).max, out=series)
    bold = np.zeros((*_SHAPE, _N), dtype=np.int16)
    bold[head.inside] = series.T
    truth = ((eyes > 0) | (v1 > 0)).astype(np.uint8)
    affine = head.grid.affine
    return Phantom(
        bold=Volume(bold, affine, "bold", TR, name="phantom"),
        anatomy=head.anatomy,
        mask=Volume(head.inside.astype(np.uint8), affine, "mask", name="phantom mask"),
        table=phantom_table(),
        truth=Volume(truth, affine, "mask", name="phantom truth"),
    )


def phantom_table() -> pd.DataFrame:
    """Say which volume shows what: 4 closed, 4 open, 48 times, and 64 volumes to a run.

    Returns
    -------
    DataFrame of 384 rows
        Columns `volume`, `label`, `run`.

    Examples
    --------
    >>> phantom_table()["label"].head(5).tolist()
    ['closed', 'closed', 'closed', 'closed', 'open']
    """
    volume = np.arange(_N)
    label = np.where(_is_open(), "open", "closed")
    return pd.DataFrame({"volume": volume, "label": label, "run": (volume // RUN_LENGTH + 1).astype(str)})


def _first_runs(phantom: Phantom, runs: int) -> Phantom:
    n = runs * RUN_LENGTH
    bold = replace(phantom.bold, data=phantom.bold.data[..., :n])
    return replace(phantom, bold=bold, table=phantom.table.iloc[:n])


def write_phantom(folder: Path, seed: int = 0, runs: int = N_RUNS) -> PhantomPaths:
    """Write the phantom as a recipe reads it.

    Parameters
    ----------
    folder : Path
        Made if missing; gets `bold.nii.gz`, `anatomy.nii.gz`, `mask.nii.gz`, `truth.nii.gz` and
        `volumes.tsv` (columns volume, label, run).
    seed : int
    runs : int
        How many runs to write, from the first.

    Returns
    -------
    PhantomPaths
    """
    phantom = make_phantom(seed)
    if runs < N_RUNS:
        phantom = _first_runs(phantom, runs)
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "volumes.tsv"
    phantom.table.to_csv(table, sep="\t", index=False)
    return PhantomPaths(
        bold=nifti.write(phantom.bold, folder / "bold.nii.gz"),
        anatomy=nifti.write(phantom.anatomy, folder / "anatomy.nii.gz"),
        mask=nifti.write(phantom.mask, folder / "mask.nii.gz"),
        truth=nifti.write(phantom.truth, folder / "truth.nii.gz"),
        table=table,
    )


def _is_open() -> NDArray[np.bool_]:
    return np.asarray(np.arange(_N) // BLOCK_LENGTH % 2 == 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """The head without noise: 1 mm anatomy; mean BOLD image, and where brain and all tissue lie."""

    anatomy: Volume
    image: Image
    brain: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    grid: Grid


def _make_head() -> _Head:
    template = mni_anatomy()
    t1 = _field_of_view(template.at(0))
    affine = template.affine @ translation(_FIRST)
    globes = _domes(Grid(t1.shape, affine), EYES, (EYE_RADIUS,) * 3) > 0
    brain = t1 > 0.2  # the rule of nilearn's load_mni152_brain_mask
    # Grey matter is brighter than white in BOLD images, fluid brighter still.
    bold = np.where(globes, np.float32(1350), np.where(brain, 1350 - 600 * t1, np.float32(0)))
    tissue = _block_mean((brain | globes).astype(np.float32))
    inside = tissue > 0.5
    image = np.where(inside, _block_mean(bold) / np.maximum(tissue, np.float32(0.5)), np.float32(0))
    anatomy = np.rint(1000 * np.where(globes, np.float32(1), t1)).astype(np.int16)
    coarse = affine @ translation([(_VOXEL - 1) / 2] * 3) @ np.diag([_VOXEL, _VOXEL, _VOXEL, 1.0])
    return _Head(
        anatomy=Volume(anatomy, affine, "anatomy", name="phantom anatomy"),
        image=image,
        brain=_block_mean(brain.astype(np.float32)) > 0.5,
        inside=inside,
        grid=Grid(_SHAPE, coarse),
    )


def _field_of_view(template: Image) -> Image:
    """Cut the template to the scan's field of view; what lies below it is empty."""
    x, y, z = _FIRST
    nx, ny, nz = (n * _VOXEL for n in _SHAPE)
    below = np.zeros((nx, ny, -z), dtype=np.float32)
    return np.concatenate([below, template[x : x + nx, y : y + ny, : nz + z]], axis=2)


def _block_mean(fine: Image) -> Image:
    """Average over the 1 mm voxels of each 4 mm voxel."""
    x, y, z = _SHAPE
    return np.asarray(fine.reshape(x, _VOXEL, y, _VOXEL, z, _VOXEL).mean((1, 3, 5), dtype=np.float32))


def _offsets(grid: Grid, centre: tuple[float, float, float]) -> list[NDArray[np.float32]]:
    """Millimetres from `centre` along x, y and z, each to be broadcast over an unrotated grid."""
    steps, origin = np.diag(grid.affine)[:3], grid.affine[:3, 3]
    along = [np.float32(origin[i] + steps[i] * np.arange(grid.shape[i]) - centre[i]) for i in range(3)]
    return list(np.meshgrid(*along, indexing="ij", sparse=True))


def _dome(grid: Grid, centre: tuple[float, float, float], axes: tuple[float, float, float]) -> Image:
    """Half an ellipsoid over an ellipsoid: 1 in its middle, 0 from its surface on."""
    squares = sum((d / np.float32(a)) ** 2 for d, a in zip(_offsets(grid, centre), axes, strict=True))
    return np.asarray(np.sqrt(np.clip(np.float32(1) - squares, 0, None)))


def _domes(
    grid: Grid, centres: tuple[tuple[float, float, float], ...], axes: tuple[float, float, float]
) -> Image:
    return np.asarray(sum(_dome(grid, centre, axes) for centre in centres))


def _smooth(fields: NDArray[np.float32], fwhm_mm: float) -> NDArray[np.float32]:
    """Smooth the last three axes, and give the fields standard deviation 1."""
    sigma = fwhm_mm / _VOXEL / np.sqrt(8 * np.log(2))
    out = ndimage.gaussian_filter(fields, sigma, axes=(-3, -2, -1), truncate=2.5)
    out /= out.std()
    return np.asarray(out, dtype=np.float32)


def _autocorrelate(noise: NDArray[np.float32], amount: float) -> None:
    """Turn white noise (n, ...) into an AR(1) process that starts anew in each run, in place."""
    fresh = np.float32(np.sqrt(1 - amount**2))
    for i in range(_N):
        if i % RUN_LENGTH:
            noise[i] = np.float32(amount) * noise[i - 1] + fresh * noise[i]


def _voxel_noise(rng: np.random.Generator, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Draw the (n, voxels) noise of each voxel alone and of its surroundings."""
    local = _smooth(rng.standard_normal((_N, *_SHAPE), dtype=np.float32), _LOCAL_MM)[:, inside]
    _autocorrelate(local, _AUTOCORRELATION)
    local *= np.float32(_LOCAL)
    local += np.float32(_WHITE) * rng.standard_normal(local.shape, dtype=np.float32)
    return local


def _networks(rng: np.random.Generator, head: _Head) -> list[Part]:
    """Let networks of the brain wax and wane, and the whole head with them."""
    courses = rng.standard_normal((_N, _N_NETWORKS), dtype=np.float32)
    _autocorrelate(courses, _AUTOCORRELATION)
    maps = _smooth(rng.standard_normal((_N_NETWORKS, *_SHAPE), dtype=np.float32), _NETWORK_MM) * head.brain
    size = _NETWORKS / np.sqrt(_N_NETWORKS)
    whole = ndimage.gaussian_filter1d(rng.standard_normal(_N), 1.0)
    return [*zip(size * courses.T, maps, strict=True), (_GLOBAL * whole / whole.std(), head.image / 1000)]


def _drifts(rng: np.random.Generator) -> list[Part]:
    """Slow cosines, each with a smooth map of its own, run by run."""
    t = np.linspace(0, 1, RUN_LENGTH)
    parts: list[Part] = []
    for run in _runs():
        maps = _smooth(rng.standard_normal((_N_DRIFTS, *_SHAPE), dtype=np.float32), _DRIFT_MM)
        for k, image in enumerate(maps, 1):
            course = np.zeros(_N)
            course[run] = _DRIFT / k * np.cos(np.pi * k * (t + rng.uniform()))
            parts.append((course, image))
    return parts


def _jitter(rng: np.random.Generator, image: Image) -> list[Part]:
    """Move the head a little: to first order, minus its gradient times the way."""
    place = rng.standard_normal((_N, 3), dtype=np.float32)
    _autocorrelate(place, 0.9)
    slopes = np.gradient(ndimage.gaussian_filter(image, 0.6), _VOXEL)
    return [(-_JITTER_MM * way, slope) for way, slope in zip(place.T, slopes, strict=True)]


def _shifts(rng: np.random.Generator, pattern: Image, size: float, lag: float) -> list[Part]:
    """Shift the mean from closed to open, in each run with another gain and pattern.

    The blood answers late: `lag` is the part of the volume before that is still seen.
    """
    wanted = np.where(_is_open(), 0.5, -0.5)
    parts: list[Part] = []
    for run in _runs():
        course = np.zeros(_N)
        course[run] = wanted[run]
        for i in range(run.start + 1, run.stop):
            course[i] = (1 - lag) * wanted[i] + lag * course[i - 1]
        texture = _smooth(rng.standard_normal(_SHAPE, dtype=np.float32), _PATTERN_MM)
        gain = size * (1 + _GAIN_SPREAD * rng.uniform(-1, 1))
        parts.append((gain * course, pattern * (1 + _PATTERN_SPREAD * texture)))
    return parts


def _gaze(rng: np.random.Generator, grid: Grid, eyes: Image) -> list[Part]:
    """Let open eyes look about: dipoles along x and z that both eyes share, and the whole globe."""
    parts: list[Part] = [(_EYE_SWELL * _restless(rng), eyes)]
    for axis in (0, 2):
        sides = [2 * _dome(grid, eye, _EYE_AXES) * _offsets(grid, eye)[axis] for eye in EYES]
        dipoles = np.sum(sides, axis=0, dtype=np.float32) / np.float32(_EYE_AXES[axis])
        parts.append((_GAZE * _restless(rng), dipoles * (eyes > 0)))
    return parts


def _restless(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a course of mean 0 in each run's open and closed volumes: only its variance tells."""
    course = rng.standard_normal(_N)
    for run in _runs():
        for chosen in (_is_open()[run], ~_is_open()[run]):
            course[run][chosen] -= course[run][chosen].mean()
    return np.where(_is_open(), course, _CLOSED_STILLNESS * course)


def _runs() -> list[slice]:
    return [slice(run * RUN_LENGTH, (run + 1) * RUN_LENGTH) for run in range(N_RUNS)]
