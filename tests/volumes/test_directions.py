"""Direction letters compared with nibabel, angles of rotations compared with SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from nibabel.orientations import aff2axcodes
from scipy.spatial.transform import Rotation

from napari_fmri_decoder.volumes.directions import ends, rotation_angle


def test_direction_letters_agree_with_nibabel():
    rng = np.random.default_rng(0)
    for flips in np.stack(np.meshgrid(*[(-1, 1)] * 3), axis=-1).reshape(-1, 3):
        for order in ((0, 1, 2), (2, 0, 1), (1, 0, 2)):
            affine = np.eye(4)
            affine[:3, :3] = Rotation.from_rotvec(rng.uniform(-0.3, 0.3, 3)).as_matrix()[:, order] * flips
            ahead = tuple(ends(column)[1] for column in affine[:3, :3].T)
            behind = tuple(ends(-column)[1] for column in affine[:3, :3].T)
            assert ahead == aff2axcodes(affine)
            assert behind == tuple(ends(column)[0] for column in affine[:3, :3].T)


@pytest.mark.parametrize("degrees", [0.0, 0.01, 20.5, 179.0])
def test_angle_of_a_rotation(degrees: float):
    turn = Rotation.from_rotvec(np.deg2rad(degrees) * np.array([0.6, 0.0, -0.8])).as_matrix()
    assert rotation_angle(turn) == pytest.approx(degrees, abs=1e-4)
