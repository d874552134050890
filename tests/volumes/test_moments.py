"""Mean and standard deviation over a series, compared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from counting import counted

from napari_fmri_decoder.volumes.moments import RunningMoments, moments, with_moments
from napari_fmri_decoder.volumes.volume import Volume


def series(n: int = 6) -> Volume:
    """Noise with a bright ball that flickers, in scanner units."""
    rng = np.random.default_rng(0)
    x, y, z = np.indices((20, 22, 18))
    ball = (x - 10) ** 2 + (y - 11) ** 2 + (z - 9) ** 2 < 49
    data = rng.normal(20, 3, (20, 22, 18, n)) + ball[..., None] * rng.normal(800, 20, (20, 22, 18, n))
    return Volume(data.astype(np.float32), np.eye(4), "bold", 2.0)


def test_values_that_are_not_finite_count_as_0():
    data = np.random.default_rng(2).normal(size=(2, 2, 2, 6)).astype(np.float32)
    data[0, 0, 0, 3], data[1, 0, 0, 2], data[..., 5] = np.inf, -np.inf, np.nan
    volumes = Volume(data, np.eye(4), "bold", 2.0)
    mean, std = moments(volumes)
    zeros = np.where(np.isfinite(data), data, 0).astype(np.float64)
    np.testing.assert_allclose(mean, zeros.mean(axis=3), atol=1e-7)
    np.testing.assert_allclose(std, zeros.std(axis=3), atol=1e-7)
    np.testing.assert_allclose(volumes.mean().at(0), zeros.mean(axis=3), atol=1e-6)


def test_moments_equal_those_of_numpy():
    volumes = series()
    mean, std = moments(volumes)
    np.testing.assert_allclose(mean, np.asarray(volumes.data, np.float64).mean(axis=3), rtol=1e-10)
    np.testing.assert_allclose(std, np.asarray(volumes.data, np.float64).std(axis=3), rtol=1e-9)


@pytest.mark.parametrize("first", [0.0, 3e4], ids=["dark", "bright"])
def test_a_first_volume_unlike_the_others_costs_no_precision(first):
    data = 1e4 + np.random.default_rng(0).normal(size=(3, 4, 5, 300)).astype(np.float32)
    data[..., 0] = first
    _, std = moments(Volume(data, np.eye(4), "bold", 2.0))
    np.testing.assert_allclose(std, np.asarray(data, np.float64).std(axis=3), rtol=1e-9)


def test_a_constant_voxel_has_no_deviation():
    data = np.full((1, 1, 2, 7), 0.1, np.float32)
    mean, std = moments(Volume(data, np.eye(4), "bold", 2.0))
    assert std.max() == 0
    assert (mean == data[..., 0]).all()


def test_volumes_are_measured_as_they_pass():
    volumes, running = series(), RunningMoments()
    passed = list(running.over(volumes))
    np.testing.assert_array_equal(np.stack(passed, axis=-1), volumes.data)
    for measured, alone in zip(running.result(), moments(volumes), strict=True):
        np.testing.assert_array_equal(measured, alone)


def test_known_moments_are_not_read_again():
    volumes, counter = counted(series())
    known = with_moments(volumes, moments(volumes))
    assert counter.passes() == {1}
    assert moments(known) == moments(known)
    np.testing.assert_array_equal(known.mean().at(0), moments(known).mean.astype(np.float32))
    assert counter.passes() == {1}
    np.testing.assert_array_equal(known.at(3), volumes.at(3))
    np.testing.assert_array_equal(known.mean().at(0), volumes.mean().at(0))
