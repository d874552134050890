"""Thresholds of maps compared with SciPy's distributions, and two maps combined in one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.resample import resample
from napari_fmri_decoder.volumes.thresholds import (
    N_COLORS,
    N_OPACITIES,
    codes,
    count_suprathreshold,
    effect_with_opacity,
    p_of_threshold,
    threshold_of_p,
)
from napari_fmri_decoder.volumes.volume import Volume


@pytest.mark.parametrize("p", [0.5, 0.05, 0.001, 1e-8, 1e-100])
@pytest.mark.parametrize("degrees", [None, 1, 17.5, 200])
def test_p_and_threshold_agree_with_scipy_and_invert_each_other(p, degrees):
    value = threshold_of_p(p, degrees)
    law = stats.norm if degrees is None else stats.t(degrees)
    assert value == pytest.approx(law.isf(p / 2), rel=1e-9)
    assert p_of_threshold(-value, degrees) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("p", [0, -1, 1.5, np.nan])
def test_invalid_probability_is_rejected(p):
    with pytest.raises(InputError, match="p must be above 0"):
        threshold_of_p(p)


def test_a_threshold_of_zero_shows_all_but_zero():
    values = np.array([0.0, -1e-9, 2.0, np.nan, np.inf])
    assert count_suprathreshold(values, 0.0) == (2, 1)
    assert count_suprathreshold(values, 2.0) == (2, 0)


def test_color_follows_one_map_and_opacity_the_other():
    effect = np.array([-2.0, 2.0, 0.5, 1.0, np.nan, 0.0], np.float32)
    weight = np.array([3.0, -9.0, 1.5, 0.0, 3.0, 3.0], np.float32)
    code = codes(effect, weight, limit=2.0, opaque_from=3.0).astype(int)
    assert code[3:].tolist() == [0, 0, 0]  # no weight, no value, no effect
    color, opacity = np.divmod(code[:3] - 1, N_OPACITIES)
    assert color.tolist() == [0, N_COLORS - 1, int(0.625 * N_COLORS)]
    assert opacity.tolist() == [N_OPACITIES - 1, N_OPACITIES - 1, N_OPACITIES // 2]


def test_weight_on_another_grid_is_resampled_and_series_remains_lazy():
    rng = np.random.default_rng(0)
    effect = Volume(
        rng.normal(size=(6, 7, 8, 3)).astype(np.float32), np.diag([2.0, 2, 2, 1]), "stat", name="a"
    )
    affine = np.diag([3.0, 3, 3, 1])
    weight = Volume(rng.normal(size=(5, 5, 6)).astype(np.float32), affine, "stat", name="b")
    both = effect_with_opacity(effect, weight, 2.0, 1.0)
    assert both.shape == effect.shape
    assert not isinstance(both.data, np.ndarray)
    expected = codes(effect.at(1), resample(weight.at(0), affine, effect.grid), 2.0, 1.0)
    np.testing.assert_array_equal(both.at(1), expected)
    np.testing.assert_array_equal(both.data[2, :, 3, 1], expected[2, :, 3])
