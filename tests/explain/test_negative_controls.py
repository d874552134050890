"""Negative controls: what they show, and that they do not depend on the model."""

from __future__ import annotations

import numpy as np
import pytest
from small_networks import network_model, samples_of, space_of

from napari_fmri_decoder.explain import explain_samples, get_explainer

SPACE = space_of((9, 10, 3), masked=False)


@pytest.mark.parametrize("name", ["mean-input", "edges", "random"])
def test_a_control_does_not_depend_on_the_model(name: str) -> None:
    X, method = samples_of(SPACE, 6), get_explainer({"name": name})
    maps = [explain_samples(method, network_model(one, SPACE), X, SPACE).values for one in ("mlp", "cnn2d")]
    assert maps[0].shape == (1, 3, *SPACE.grid.shape)
    np.testing.assert_array_equal(*maps)
    assert np.ptp(maps[0]) > 0


def test_mean_input_is_the_mean_absolute_value() -> None:
    X = samples_of(SPACE, 6)
    found = explain_samples(get_explainer({"name": "mean-input"}), network_model("mlp", SPACE), X, SPACE)
    for values in found.values[0]:
        np.testing.assert_allclose(values.ravel(), np.abs(X).mean(axis=0), rtol=1e-6)


def test_edges_of_a_step_are_at_the_step() -> None:
    volume = np.zeros(SPACE.grid.shape, np.float32)
    volume[5:] = 1
    X = np.repeat(volume.reshape(1, -1), 3, axis=0)
    found = explain_samples(get_explainer({"name": "edges"}), network_model("mlp", SPACE), X, SPACE)
    strength = found.values[0, 0].sum(axis=(1, 2))
    assert (strength[4:6] > 0).all()
    assert not np.delete(strength, [4, 5]).any()


def test_noise_follows_its_seed() -> None:
    X, model = samples_of(SPACE, 2), network_model("mlp", SPACE)
    one, same, other = (
        explain_samples(get_explainer({"name": "random", "seed": seed}), model, X, SPACE).values
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(one[0, 0].ravel(), one[0, 1].ravel())[0, 1]) < 0.2
