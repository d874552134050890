"""Peaks of maps, compared with an exhaustive search over all voxels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import apply_affine, rotation
from napari_fmri_decoder.volumes.peaks import local_peaks, peak

AFFINE = np.eye(4)
AFFINE[:3, :3] = rotation(x=12, z=-30) @ np.diag([-3.0, 3.0, 4.0])
AFFINE[:3, 3] = [20, -35, 8]


def smooth_map(seed: int = 0) -> np.ndarray:
    """Smoothed noise with a hole of NaN."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(14, 12, 10)), 1.2)
    values[2:5, 3:6, 1:4] = np.nan
    return values.astype(np.float32)


def searched(height: np.ndarray, apart_mm: float, most: int) -> list[tuple[int, ...]]:
    """Compare every voxel with every neighbor; select local maxima that are far enough apart."""
    tops = []
    for voxel in product(*map(range, height.shape)):
        here = height[voxel]
        around = [height[tuple(n)] for n in neighbors(voxel, height.shape)]
        if here > 0 and not any(value > here for value in around):
            tops.append(voxel)
    kept: list[tuple[int, ...]] = []
    for voxel in sorted(tops, key=lambda v: -height[v]):
        mm = apply_affine(AFFINE, voxel)
        if all(np.linalg.norm(mm - apply_affine(AFFINE, other)) >= apart_mm for other in kept):
            kept.append(voxel)
    return kept[:most]


def neighbors(voxel: tuple[int, ...], shape: tuple[int, ...]) -> list[np.ndarray]:
    moved = [np.add(voxel, step) for step in product((-1, 0, 1), repeat=3) if any(step)]
    return [n for n in moved if (n >= 0).all() and (n < shape).all()]


@pytest.mark.parametrize(("of", "sign"), [("absolute", None), ("highest", 1), ("lowest", -1)])
def test_local_peaks_agree_with_an_exhaustive_search(of: str, sign: int | None):
    values = smooth_map()
    height = np.abs(values) if sign is None else sign * values
    for apart, most in ((8.0, 10), (15.0, 50)):
        expected = searched(height, apart, most)  # comparisons with NaN are false
        found = local_peaks(values, AFFINE, of=of, apart_mm=apart, most=most)  # type: ignore[arg-type]
        assert len(expected) > 3
        np.testing.assert_allclose([p.point for p in found], apply_affine(AFFINE, expected), atol=1e-9)
        assert [p.value for p in found] == [values[v] for v in expected]


def test_peak_is_the_extreme_voxel_and_nan_is_ignored():
    values = smooth_map(1)
    for of, at in (
        ("absolute", np.nanargmax(np.abs(values))),
        ("highest", np.nanargmax(values)),
        ("lowest", np.nanargmin(values)),
    ):
        found = peak(values, AFFINE, of)  # type: ignore[arg-type]
        voxel = np.unravel_index(at, values.shape)
        assert found.value == values[voxel]
        np.testing.assert_allclose(found.point, apply_affine(AFFINE, voxel))
    with pytest.raises(InputError, match="finite voxel"):
        peak(np.full((2, 2, 2), np.nan), AFFINE)


def test_plateau_is_one_peak_in_its_middle():
    values = np.zeros((9, 9, 9))
    values[2:7, 4, 4] = 3  # clipped at 3, 20 mm long
    values[4, 8, 4] = -2
    found = local_peaks(values, np.diag([5.0, 5, 5, 1]), apart_mm=1)
    assert [(p.value, p.point) for p in found] == [(3.0, (20.0, 20.0, 20.0)), (-2.0, (20.0, 40.0, 20.0))]
    assert local_peaks(np.zeros((3, 3, 3)), np.eye(4)) == []
