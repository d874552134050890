"""Interpolating many volumes with one matrix of weights equals SciPy on each volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from napari_fmri_decoder.volumes import sampler as module
from napari_fmri_decoder.volumes.frames import Grid, rotation, translation
from napari_fmri_decoder.volumes.resample import resample, sampler
from napari_fmri_decoder.volumes.sampler import Sampler

ORDERS = {"nearest": 0, "linear": 1, "continuous": 3}
SHAPES = [(11, 14, 9), (1, 14, 9), (11, 2, 9), (11, 14, 1), (3, 3, 3)]


def oblique_grid(shape: tuple[int, ...]) -> Grid:
    """A grid rotated about the center of an array (a flat array: in its plane); part of it is outside."""
    angles = {0: (20, 0, 0), 2: (0, 0, 31)}.get(int(np.argmin(shape)) if 1 in shape else -1, (20, -13, 31))
    transform = np.eye(4)
    transform[:3, :3] = rotation(*angles) * [1, 0.9, 1]
    return Grid((16, 19, 8), translation((np.array(shape) - 1) / 2) @ transform @ translation([-8, -9.1, -3]))


def series(shape: tuple[int, ...], n: int = 3, dtype: Any = np.float32) -> Any:
    return (1000 * np.random.default_rng(0).normal(1, 0.3, (*shape, n))).astype(dtype)


def by_scipy(volume: Any, grid: Grid, order: int) -> Any:
    return ndimage.affine_transform(
        volume.astype(float), grid.affine[:3, :3], grid.affine[:3, 3], grid.shape, order=order
    )


@pytest.mark.parametrize("interpolation", ORDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_interpolation_of_a_series_equals_scipy_on_each_volume(shape, interpolation):
    data, grid = series(shape), oblique_grid(shape)
    ours = resample(data, np.eye(4), grid, interpolation)
    low, high = min(0, data.min()), max(0, data.max())
    for i in range(data.shape[3]):
        theirs = by_scipy(data[..., i], grid, ORDERS[interpolation]).clip(low, high)
        assert (theirs != 0).sum() > 5
        assert np.abs(ours[..., i] - theirs).max() <= 1e-6 * (high - low)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64, ">i2", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_dtype_and_memory_order_do_not_matter(dtype, order):
    data = np.asarray(series((8, 9, 7), dtype=np.int16) // 10, dtype=dtype, order=order)
    grid = oblique_grid((8, 9, 7))
    ours = resample(data, np.eye(4), grid, "continuous")
    plain = resample(np.ascontiguousarray(data, dtype=np.float32), np.eye(4), grid, "continuous")
    np.testing.assert_allclose(ours, plain, atol=1e-3)


@pytest.mark.parametrize("interpolation", ORDERS)
def test_a_volume_gives_the_same_alone_and_in_a_series(interpolation):
    data, grid = series((11, 14, 9)), oblique_grid((11, 14, 9))
    data[4:6, 5:9, 3:5, 1] = np.nan
    data[2, 2, 2, 2] = np.inf
    together = resample(data, np.eye(4), grid, interpolation)
    for i in range(3):
        alone = resample(data[..., i], np.eye(4), grid, interpolation)
        np.testing.assert_array_equal(np.isnan(together[..., i]), np.isnan(alone))
        inner = np.isfinite(alone) & (np.abs(alone) < 1500)  # larger values are clipped to another range
        np.testing.assert_allclose(together[..., i][inner], alone[inner], atol=2e-3)
    assert np.isnan(together[..., 1]).any()
    assert not np.isnan(together[..., 0]).any()


@pytest.mark.parametrize("interpolation", ORDERS)
def test_interpolation_without_stored_weights_gives_the_same_values(interpolation, monkeypatch):
    data, grid = series((11, 14, 9)), oblique_grid((11, 14, 9))
    fast = resample(data, np.eye(4), grid, interpolation)
    monkeypatch.setattr(module, "MOST_WEIGHTS", 1000)
    assert not isinstance(sampler((11, 14, 9), np.eye(4), grid, interpolation), Sampler)
    np.testing.assert_allclose(resample(data, np.eye(4), grid, interpolation), fast, atol=2e-3)


def test_only_the_voxels_of_a_mask_are_computed_in_its_order():
    data, grid = series((11, 14, 9)), oblique_grid((11, 14, 9))
    keep = np.random.default_rng(1).random(grid.shape) > 0.9
    some = sampler((11, 14, 9), np.eye(4), grid, "linear", keep)(data[..., 0])
    np.testing.assert_allclose(some, resample(data, np.eye(4), grid, "linear")[..., 0][keep], atol=1e-3)


def test_a_grid_outside_the_data_is_empty():
    far = Grid((4, 4, 4), translation([500, 0, 0]))
    for interpolation in ORDERS:
        assert not resample(series((11, 14, 9)), np.eye(4), far, interpolation).any()


def test_labels_are_not_mixed_and_edges_are_inside():
    data = np.arange(2 * 60, dtype=np.int16).reshape(5, 4, 3, 2)
    quarter = np.eye(4)
    quarter[:3, :3] = rotation(z=90)
    rotated = Grid((4, 5, 3), quarter @ translation([0, -4, 0]))
    for interpolation in ORDERS:
        ours = resample(data, np.eye(4), rotated, interpolation)
        np.testing.assert_allclose(ours, np.rot90(data, -1), atol=1e-4)
