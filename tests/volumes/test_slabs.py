"""Slabs compared with rotating, resampling, cropping and slicing in nilearn, as in the notebook."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import crop_img, resample_img
from scipy.ndimage import gaussian_filter

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame, Grid, apply_affine, is_straight, rotated_grid, rotation
from napari_fmri_decoder.volumes.resample import LazyResampled, resample
from napari_fmri_decoder.volumes.slabs import Slab, cut, resolve
from napari_fmri_decoder.volumes.volume import Volume

DEGREES = float(np.rad2deg(0.35))


def _head(seed: int = 0, n: int = 3) -> Volume:
    rng = np.random.default_rng(seed)
    data = np.zeros((30, 36, 28, n), np.float32)
    inside = gaussian_filter(rng.normal(size=(20, 26, 18, n)), (1, 1, 1, 0))
    data[5:25, 5:31, 5:23] = 500 + 300 * inside
    affine = np.diag([3.0, 3.2, 3.5, 1])
    affine[:3, 3] = [-45, -60, -40]
    return Volume(data, affine, "bold", 2.0)


def _rotated(volume: Volume, frame: Frame) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.asarray(volume.data), frame.matrix @ volume.affine)


@pytest.mark.parametrize("interpolation", ["continuous", "linear", "nearest"])
def test_slab_equals_the_steps_of_the_notebook(interpolation):
    head = _head()
    slab = Slab(rotate_x=DEGREES, start=12, stop=15, grid="nilearn", interpolation=interpolation)
    ours, _ = cut(head, slab)
    rotated = resample_img(_rotated(head, slab.frame), target_affine=head.affine, interpolation=interpolation)
    theirs = crop_img(rotated).get_fdata()[:, :, 12:15]
    assert ours.shape == theirs.shape
    differ = np.abs(np.asarray(ours.data) - theirs) > 1e-3 * np.ptp(np.asarray(head.data))
    assert differ.mean() <= (0.001 if interpolation == "nearest" else 0)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_slab_on_the_full_grid_equals_nilearn_on_that_grid(axis):
    head = _head(1)
    slab = Slab(rotate_x=-14, rotate_y=9, rotate_z=31, axis=axis, start=4, stop=9, crop=False)
    ours, where = cut(head, slab)
    whole = rotated_grid(head.grid, slab.frame)
    theirs = resample_img(_rotated(head, slab.frame), whole.affine, whole.shape, interpolation="continuous")
    planes = [slice(None)] * 3
    planes[where.axis] = slice(4, 9)
    expected = theirs.get_fdata()[tuple(planes)]
    assert np.abs(np.asarray(ours.data) - expected).max() <= 1e-3 * np.ptp(np.asarray(head.data))


def test_slab_in_scanner_space_is_where_its_voxels_came_from():
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = [-30, -30, -30]
    place = np.array([7.0, -11, 5])
    mm = apply_affine(affine, np.stack(np.indices((31, 31, 31)), axis=-1))
    blob = np.exp(-((mm - place) ** 2).sum(axis=-1) / 18).astype(np.float32)
    slab, where = cut(Volume(blob, affine), Slab(rotate_x=25, rotate_z=-40, pivot=(3, 4, 5)))
    peak = np.unravel_index(np.argmax(slab.data), slab.shape)
    assert np.linalg.norm(apply_affine(slab.affine, peak) - place) <= 2.0
    assert is_straight(where.screen.matrix @ slab.affine)


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
@pytest.mark.parametrize("seed", range(6))
def test_cropping_finds_the_same_box_as_nilearn(interpolation, seed):
    rng = np.random.default_rng(seed)
    data = np.zeros((14, 11, 12), np.float32)
    filled = rng.integers(2, 9, (1 + 20 * (seed % 2), 3))  # one voxel or several, far from filling a box
    data[tuple(filled.T)] = rng.normal(size=len(filled)) + 3
    scan = Volume(data, np.diag([*rng.choice([-3.0, 2, 4], 3), 1]))
    slab = Slab(*rng.uniform(-60, 60, 3), grid="full", interpolation=interpolation)
    whole = rotated_grid(scan.grid, slab.frame)
    rotated = resample_img(_rotated(scan, slab.frame), whole.affine, whole.shape, interpolation=interpolation)
    if not np.any(rotated.get_fdata()):
        with pytest.raises(InputError, match="empty"):
            resolve(slab, scan.grid, data)
        return
    box = resolve(slab, scan.grid, data).grid
    theirs = crop_img(rotated)
    assert box.shape == theirs.shape
    np.testing.assert_allclose(box.affine, theirs.affine, atol=1e-9)


def test_slab_of_an_oblique_acquisition_is_aligned_with_the_screen_and_not_interpolated_without_rotation():
    tilt = np.eye(4)
    tilt[:3, :3] = rotation(12, 5, -8)
    head = _head(2)
    oblique = Volume(head.data, tilt @ head.affine, "bold", 2.0)
    slab, where = cut(oblique, Slab(start=10, stop=12, crop=False))
    np.testing.assert_allclose(np.asarray(slab.data), np.asarray(head.data)[:, :, 10:12], atol=0.01)
    assert is_straight(where.screen.matrix @ where.scanner.affine)


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (9, 4), (0, 1000), (-1000, 2), (700, 701)])
def test_error_states_the_number_of_planes(start, stop):
    with pytest.raises(InputError, match=r"within the \d+ planes .* Choose 0 <= start < stop"):
        cut(_head(), Slab(rotate_x=10, start=start, stop=stop))


def test_negative_planes_count_from_the_end():
    head = _head()
    whole = resolve(Slab(rotate_x=10), head.grid, head.mean().at(0))
    last = resolve(Slab(rotate_x=10, start=-3), head.grid, head.mean().at(0))
    assert last.grid.shape[2] == 3
    np.testing.assert_allclose(last.grid.corners.max(axis=0)[2], whole.grid.corners.max(axis=0)[2], atol=1e-9)


def test_cropping_an_empty_volume_is_an_error():
    with pytest.raises(InputError, match="empty"):
        cut(Volume(np.zeros((4, 4, 4), np.float32), np.eye(4)), Slab(rotate_x=10))


def test_nan_is_preserved_and_does_not_spread():
    head = _head(n=1).at(0)
    head[12:15, 12:15, 12:15] = np.nan
    affine = np.diag([3.0, 3, 3, 1])
    out = resample(head, affine, Grid(head.shape, affine), "continuous")
    np.testing.assert_array_equal(np.isnan(out), np.isnan(head))


@pytest.mark.parametrize("key", [np.s_[3], np.s_[..., 1], np.s_[2:9, 4, :, 2], np.s_[::2, ::3, 5, 0:3:2]])
def test_lazy_resampling_equals_resampling_at_once(key):
    head = _head()
    grid = rotated_grid(head.grid, Frame.from_angles(x=15, y=5)).moved(Frame.from_angles(x=15, y=5).inverse)
    lazy = LazyResampled(head.at, (head.n_volumes,), head.affine, grid, np.dtype(np.float32))
    whole = resample(head.data, head.affine, grid, "linear")
    assert lazy.shape == whole.shape
    np.testing.assert_allclose(lazy[key], whole[key], atol=0.05)


def test_lazy_slices_across_the_order_of_the_file_equal_resampling_at_once():
    head = _head(n=1)
    volume = np.asfortranarray(head.at(0))
    for angles in ({"x": 15}, {"y": -4}, {"z": 90}):
        grid = head.grid.moved(Frame.from_angles(**angles).matrix)
        lazy = LazyResampled(lambda: volume, (), head.affine, grid, np.dtype(np.float32))
        whole = resample(volume, head.affine, grid, "linear")
        for i in range(volume.shape[0]):
            np.testing.assert_allclose(lazy[i], whole[i], atol=1e-2)
