"""Rotations, grids and frames compared with nibabel, SciPy and hand-derived numbers."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import (
    Frame,
    Grid,
    apply_affine,
    axis_codes,
    closest_axes,
    degrees_oblique,
    is_straight,
    obliquity,
    rotated_grid,
    rotation,
)


def test_rotation_is_x_then_y_then_z_about_fixed_axes():
    expected = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    np.testing.assert_allclose(rotation(10, 20, 30), expected, atol=1e-12)


def test_apply_affine_agrees_with_nibabel():
    rng = np.random.default_rng(0)
    affine, points = rng.normal(size=(4, 4)), rng.normal(size=(5, 6, 3))
    np.testing.assert_allclose(
        apply_affine(affine, points), nib.affines.apply_affine(affine, points), atol=1e-12
    )


def test_pivot_is_not_moved():
    frame = Frame.from_angles(12, -7, 33, pivot=(10, -20, 5))
    np.testing.assert_allclose(frame.to_frame([10, -20, 5]), [10, -20, 5], atol=1e-12)
    np.testing.assert_allclose(frame.to_scanner(frame.to_frame([1, 2, 3])), [1, 2, 3], atol=1e-12)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PSR", "SAL", "ILA", "ASR"])
def test_removing_the_obliquity_gives_a_straight_grid(codes):
    straight = np.eye(4)
    for voxel_axis, (scanner_axis, sign) in enumerate(nib.orientations.axcodes2ornt(codes)):
        straight[:3, voxel_axis] = sign * np.eye(3)[int(scanner_axis)]
    tilt = np.eye(4)
    tilt[:3, :3] = rotation(8, -5, 12)
    oblique = tilt @ straight @ np.diag([2.0, 3, 4, 1])
    np.testing.assert_allclose(obliquity(oblique), tilt[:3, :3], atol=1e-9)
    back = Frame.straightening(oblique).matrix @ oblique
    assert is_straight(back)
    assert not is_straight(oblique)
    assert axis_codes(back) == codes
    order, _ = closest_axes(oblique)
    assert [
        set(pair) & set(codes[i]) != set() for pair, i in zip(("RL", "AP", "SI"), order, strict=True)
    ] == [True] * 3


def test_degrees_oblique():
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=17.5)
    assert degrees_oblique(affine) == pytest.approx(17.5)


def test_full_grid_contains_every_corner_and_moves_by_whole_voxels():
    grid = Grid((40, 51, 41), np.diag([-3.0, 3.2, 3.5, 1]))
    frame = Frame.from_angles(x=20, z=10)
    rotated = rotated_grid(grid, frame)
    voxels = apply_affine(np.linalg.inv(rotated.affine), frame.to_frame(grid.corners))
    assert (voxels >= -1e-6).all()
    assert (voxels <= np.array(rotated.shape) - 1 + 1e-6).all()
    steps = (rotated.affine[:3, 3] - grid.affine[:3, 3]) / np.diag(grid.affine)[:3]
    np.testing.assert_allclose(steps, steps.round(), atol=1e-9)


def test_no_rotation_keeps_the_grid():
    grid = Grid((4, 5, 6), np.diag([3.1, 3.75, 3.75, 1]))
    for how in ("full", "nilearn"):
        assert rotated_grid(grid, Frame.from_angles(), how).same_as(grid)


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1, 0, 1])])
def test_singular_or_nan_affine_is_rejected(affine):
    with pytest.raises(InputError, match="finite and invertible"):
        Grid((2, 2, 2), affine)
