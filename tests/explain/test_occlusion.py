"""Occlusion: equal to a loop over voxels and volumes, in true millimeters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_networks import (
    OBLIQUE,
    STRAIGHT,
    arranged_by_hand,
    network_model,
    network_of,
    samples_of,
    space_of,
)

from napari_fmri_decoder.explain import explain_samples, get_explainer


@pytest.mark.parametrize(
    ("decoder", "axis", "affine", "screened"),
    [
        ("cnn2d", 2, OBLIQUE, False),
        ("cnn2d", 0, STRAIGHT, False),
        ("cnn3d", 1, OBLIQUE, True),
        ("mlp", 2, OBLIQUE, True),
        ("lda", 2, STRAIGHT, False),
    ],
)
@pytest.mark.parametrize("radius", [0.0, 4.0, 7.5])
def test_occlusion_is_that_of_a_plain_loop(
    decoder: str, axis: int, affine: np.ndarray, screened: bool, radius: float
) -> None:
    space = space_of(((3, 8, 9), (8, 3, 9), (8, 9, 3))[axis], axis, affine=affine)
    model, X = network_model(decoder, space, screened=screened), samples_of(space, 2)
    found = explain_samples(get_explainer({"name": "occlusion", "radius": radius}), model, X, space)
    network = network_of(model)
    used = np.ones(space.n_features, bool) if model.screened is None else model.screened
    voxels = np.argwhere(space.mask)
    mean = np.zeros(space.n_features, np.float32)
    mean[used] = model.scaler.mean

    def logits(samples: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(arranged_by_hand(model, samples, space)).numpy()

    for voxel in np.flatnonzero(used)[::7]:
        away = np.linalg.norm((voxels - voxels[voxel]) @ affine[:3, :3].T, axis=1)
        occluded = np.where(away <= radius + 1e-6, mean, X)
        expected = logits(X) - logits(occluded)
        np.testing.assert_allclose(found.values[:, :, *voxels[voxel]], expected, atol=1e-5)
    assert (found.values[:, :, ~space.mask] == 0).all()
    assert (found.values[:, :, *voxels[~used].T] == 0).all()


def test_occluding_one_voxel_of_a_linear_model_is_gradient_times_input() -> None:
    space = space_of((6, 7, 3))
    model, X = network_model("lda", space), samples_of(space, 3)
    one = explain_samples(get_explainer({"name": "occlusion", "radius": 0}), model, X, space)
    product = explain_samples(get_explainer({"name": "gradient-x-input"}), model, X, space)
    np.testing.assert_allclose(one.values, product.values, atol=1e-5)
    assert one.unit == product.unit == "logit"
