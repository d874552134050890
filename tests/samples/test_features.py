"""Features: reading volume by volume, smoothing as in nilearn, slabs, and missing values."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import smooth_img

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.features import box_of, drop_missing, extract, smooth
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.slabs import Slab, cut
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.diag([3.0, 3.5, 4.0, 1])


def series(n: int = 5) -> Volume:
    rng = np.random.default_rng(1)
    data = np.zeros((14, 15, 12, n), np.float32)
    data[2:12, 2:13, 2:10] = rng.normal(500, 50, (10, 11, 8, n))
    return Volume(data, AFFINE, "bold", 2.0)


def everywhere(grid: Grid, axis: int = 2) -> Space:
    return Space(grid, np.ones(grid.shape, dtype=bool), axis)


def test_features_are_in_the_order_of_the_mask():
    volumes = series()
    mask = np.random.default_rng(0).random(volumes.grid.shape) > 0.8
    X = extract(volumes, Space(volumes.grid, mask))
    np.testing.assert_array_equal(X, np.asarray(volumes.data)[mask].T)


def test_smoothing_equals_that_of_nilearn():
    volumes = series()
    X = extract(volumes, everywhere(volumes.grid), smooth_mm=6.0)
    theirs = smooth_img(nib.Nifti1Image(np.asarray(volumes.data), AFFINE), 6.0).get_fdata()
    np.testing.assert_allclose(X, theirs.reshape(-1, 5).T, atol=1e-2)


def test_missing_voxels_do_not_contribute_to_smoothing():
    volumes = series()
    flat = np.full(volumes.grid.shape, 100, np.float32)
    flat[:7] = np.nan
    smoothed = smooth(flat, volumes, 8.0)
    assert np.isnan(smoothed[:7]).all()
    inner = smoothed[7:]
    np.testing.assert_allclose(inner, 100, rtol=1e-4)


def test_features_of_a_slab_equal_the_slab_that_is_cut():
    volumes = series()
    slab, where = cut(volumes, Slab(rotate_x=20, start=4, stop=7, interpolation="linear"))
    X = extract(volumes, everywhere(where.scanner), interpolation="linear")
    np.testing.assert_allclose(X, np.asarray(slab.data).reshape(-1, 5).T, atol=1e-2)


def test_acquired_planes_are_not_interpolated():
    volumes = series()
    _, where = cut(volumes, Slab(start=4, stop=7, crop=False))
    X = extract(volumes, everywhere(where.scanner))
    np.testing.assert_array_equal(X, np.asarray(volumes.data)[:, :, 4:7].reshape(-1, 5).T)


def test_a_box_is_found_only_if_the_voxels_are_the_same():
    full = Grid((14, 15, 12), AFFINE)
    part = full.crop((2, 0, 3), (5, 15, 12))
    assert box_of(part, full) == (slice(2, 5), slice(0, 15), slice(3, 12))
    assert box_of(full, part) is None
    shifted = np.array(part.affine)
    shifted[0, 3] += 1.0
    assert box_of(Grid(part.shape, shifted), full) is None
    assert box_of(Grid((3, 3, 3), np.diag([6.0, 3.5, 4.0, 1])), full) is None


def test_the_progress_callback_can_stop_reading():
    seen = []

    def stop_at_two(done: int, n: int) -> None:
        seen.append((done, n))
        if done == 2:
            raise KeyboardInterrupt

    volumes = series()
    with pytest.raises(KeyboardInterrupt):
        extract(volumes, everywhere(volumes.grid), progress=stop_at_two)
    assert seen == [(1, 5), (2, 5)]


def test_volumes_are_read_one_at_a_time():
    class Watched:
        def __init__(self, data):
            self.data, self.shape, self.ndim, self.dtype = data, data.shape, data.ndim, data.dtype
            self.keys = []

        def __getitem__(self, key):
            self.keys.append(key)
            return self.data[key]

    data = Watched(np.asarray(series().data))
    volumes = Volume(data, AFFINE, "bold", 2.0)
    extract(volumes, everywhere(volumes.grid))
    assert data.keys == [(Ellipsis, i) for i in range(5)]


def test_missing_voxels_are_excluded_and_counted():
    volumes = series()
    space = everywhere(volumes.grid)
    X = extract(volumes, space)
    X[1, :10] = np.nan
    X[3, 5:12] = np.nan
    X[4] = np.nan  # a volume without any value, which the caller excludes
    fewer, smaller, notes = drop_missing(X, space)
    assert fewer.shape[1] == smaller.n_features == space.n_features - 12
    np.testing.assert_array_equal(fewer[:4], X[:4, 12:])
    assert notes == ["12 of 2520 voxels are NaN or infinite in some of 2 volume(s) and are excluded."]


def test_infinite_counts_as_missing():
    data = np.array(series().data)
    data[5, 5, 5, 2] = np.inf
    volumes = Volume(data, AFFINE, "bold", 2.0)
    X = extract(volumes, everywhere(volumes.grid))
    assert np.isnan(X).sum() == 1


def test_excluding_every_voxel_is_an_error():
    space = everywhere(Grid((2, 1, 1), AFFINE))
    X = np.array([[np.nan, 1], [1, np.nan], [1, 1]], np.float32)
    with pytest.raises(InputError, match=r"each of the 2 is NaN .* 2 of 3 volumes are affected"):
        drop_missing(X, space)
