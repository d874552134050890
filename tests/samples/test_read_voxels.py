"""Features and moments from one pass: what is predicted, what is read again, and what is in memory."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest
from counting import counted

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.features import extract
from napari_fmri_decoder.samples.read_voxels import AHEAD, find_space, read_voxels
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.moments import moments
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.diag([3.0, 3.5, 4.0, 1])
SHAPE = (12, 14, 11)
SLAB = SlabConfig(rotate_x=15, start=3, stop=6, interpolation="linear")


def series(n: int = 20, first: int = 0) -> Volume:
    """Noise in a box; in the first volumes in the lower half of the box only."""
    data = np.zeros((*SHAPE, n), np.float32)
    data[1:11, 2:12, 2:9] = np.random.default_rng(1).normal(500, 50, (10, 10, 7, n))
    data[:, :, :5, :first] = 0
    return Volume(data, AFFINE, "bold", 2.0)


@pytest.mark.parametrize(
    ("interpolation", "first", "passes"),
    [("linear", 0, 1), ("continuous", 0, 1), ("linear", AHEAD - 1, 1), ("linear", AHEAD, 2)],
)
def test_the_series_is_read_again_only_if_its_mean_is_cropped_in_another_way(first, passes, interpolation):
    slab = SLAB.model_copy(update={"interpolation": interpolation})
    volumes, counter = counted(series(first=first))
    X, space, notes, measured = read_voxels(volumes, slab=slab)
    assert counter.passes() == {passes}
    expected, _ = find_space(volumes, None, slab)
    assert space.grid.same_as(expected.grid)
    np.testing.assert_array_equal(space.mask, expected.mask)
    np.testing.assert_array_equal(X, extract(volumes, expected, interpolation=interpolation))
    for ours, alone in zip(measured, moments(volumes), strict=True):
        np.testing.assert_array_equal(ours, alone)
    assert not notes


def test_first_volumes_that_are_empty_predict_nothing():
    data = np.array(series().data)
    data[..., :AHEAD] = 0
    volumes, counter = counted(replace(series(), data=data))
    X, space, _, _ = read_voxels(volumes, slab=SLAB)
    assert counter.passes() == {2}
    np.testing.assert_array_equal(X, extract(volumes, space, interpolation="linear"))


def test_a_slab_outside_the_images_is_an_error_after_one_pass():
    volumes, counter = counted(series())
    with pytest.raises(InputError, match="planes of the rotated volume"):
        read_voxels(volumes, slab=SLAB.model_copy(update={"start": 40, "stop": 43}))
    assert counter.passes() == {1}


def test_moments_that_are_known_or_not_needed_are_not_computed():
    volumes, counter = counted(series())
    assert read_voxels(volumes)[3] is None
    known = moments(volumes)
    before = counter.total()
    assert read_voxels(volumes, slab=SLAB, moments=known)[3] is known
    assert counter.total() == before + volumes.n_volumes


def test_few_volumes_are_in_memory_at_once():
    class Tracked:
        """Voxels whose volumes are copies, and that know how many of these are in use."""

        def __init__(self, data):
            self.data, self.shape, self.ndim, self.dtype = data, data.shape, data.ndim, data.dtype
            self.most = 0
            self.alive: list[weakref.ref] = []

        def __getitem__(self, key):
            volume = np.array(self.data[key])
            self.alive = [ref for ref in self.alive if ref() is not None] + [weakref.ref(volume)]
            self.most = max(self.most, len(self.alive))
            return volume

    volumes = series(60)
    tracked = Tracked(np.asarray(volumes.data))
    read_voxels(replace(volumes, data=tracked), slab=SLAB)
    assert AHEAD <= tracked.most <= AHEAD + 2
