"""Evidence for a class: equal to captum called directly, and complete where the method promises it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, LayerGradCam, Saliency
from small_networks import (
    OBLIQUE,
    STRAIGHT,
    arranged_by_hand,
    network_model,
    network_of,
    painted_by_hand,
    samples_of,
    space_of,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import explain_samples, get_explainer, mean_explanation
from napari_fmri_decoder.explain.activations import layer_grid
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.whitening import fit_whitening
from napari_fmri_decoder.volumes.resample import resample

MODELS = [
    *(
        pytest.param(name, False, axis, id=f"{name}, axis {axis}")
        for name in ("cnn2d", "cnn3d")
        for axis in range(3)
    ),
    pytest.param("mlp", False, 2, id="mlp"),
    pytest.param("mlp", True, 2, id="mlp, screened"),
    pytest.param("cnn3d", True, 2, id="cnn3d, screened"),
    pytest.param("lda", False, 2, id="lda"),
]


def by_captum(name: str, network: torch.nn.Module, inputs: torch.Tensor, k: int) -> np.ndarray:
    inputs = inputs.clone().requires_grad_()
    match name:
        case "gradient":
            found = Saliency(network).attribute(inputs, target=k, abs=False)
        case "gradient-x-input":
            found = InputXGradient(network).attribute(inputs, target=k)
        case _:
            found = IntegratedGradients(network).attribute(
                inputs, baselines=torch.zeros_like(inputs), target=k, n_steps=50
            )
    return found.detach().numpy()


@pytest.mark.parametrize("method", ["gradient", "gradient-x-input", "integrated-gradients"])
@pytest.mark.parametrize(("decoder", "screened", "axis"), MODELS)
def test_maps_are_those_of_captum(decoder: str, screened: bool, axis: int, method: str) -> None:
    shape = {0: (3, 14, 15), 1: (14, 3, 15), 2: (14, 15, 3)}[axis]
    space = space_of(shape, axis)
    model = network_model(decoder, space, screened=screened)
    X = samples_of(space, 66 if decoder == "mlp" else 3)  # 66: more than one batch
    found = explain_samples(get_explainer({"name": method}), model, X, space)
    network, inputs = network_of(model), arranged_by_hand(model, X, space)
    assert found.grid.same_as(space.grid)
    assert found.names == ("class 0", "class 1", "class 2")
    assert found.of_classes
    assert found.unit.startswith("logit")
    for k in range(3):
        expected = painted_by_hand(model, by_captum(method, network, inputs, k), space)
        np.testing.assert_allclose(found.values[:, k], expected, atol=1e-5)
        assert (found.values[:, k] < 0).any()
    assert (found.values[:, :, ~space.mask] == 0).all()


@pytest.mark.parametrize("decoder", ["cnn2d", "cnn3d", "mlp", "lda"])
def test_integrated_gradients_add_up_to_the_difference_of_logits(decoder: str) -> None:
    space = space_of(masked=False)
    model, X = network_model(decoder, space), samples_of(space, 6)
    network, inputs = network_of(model), arranged_by_hand(model, X, space)
    with torch.no_grad():
        difference = (network(inputs) - network(torch.zeros_like(inputs[:1]))).numpy()
    method = get_explainer({"name": "integrated-gradients", "steps": 200})
    sums = explain_samples(method, model, X, space).values.sum(axis=(2, 3, 4))
    np.testing.assert_allclose(sums, difference, atol=0.01 * np.abs(difference).max())


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("layer", ["", "conv1", "conv2"])
@pytest.mark.parametrize("decoder", ["cnn2d", "cnn3d"])
def test_grad_cam_is_that_of_captum_on_the_layer_and_on_the_slab(
    decoder: str, layer: str, affine: np.ndarray
) -> None:
    space = space_of((18, 20, 4), affine=affine)
    model, X = network_model(decoder, space), samples_of(space)
    network, inputs = network_of(model), arranged_by_hand(model, X, space)
    relu = {"": "relu2", "conv1": "relu1", "conv2": "relu2"}[layer]
    method = LayerGradCam(network, network.get_submodule(relu))
    options = {"name": "grad-cam", "layer": layer}
    on_layer = explain_samples(get_explainer({**options, "grid": "layer"}), model, X, space)
    on_slab = explain_samples(get_explainer(options), model, X, space)
    grid = layer_grid(model, layer or "conv2", space)
    assert on_layer.grid.same_as(grid)
    assert on_slab.grid.same_as(space.grid)
    for k in range(3):
        expected = method.attribute(inputs.clone().requires_grad_(), target=k, relu_attributions=False)
        expected = expected.detach().numpy().reshape(len(X), *grid.shape)
        np.testing.assert_allclose(on_layer.values[:, k], expected, atol=1e-5)
        assert (expected < 0).any()
        # nilearn's interpolation, inside of the outermost units; planes of cnn2d share one unit
        expected, affine_of_layer = np.pad(expected, [(0, 0)] * 3 + [(1, 1)], mode="edge"), grid.affine.copy()
        affine_of_layer[:3, 3] -= affine_of_layer[:3, 2]
        covered = resample(np.ones(expected.shape[1:], np.float32), affine_of_layer, space.grid) > 0.999
        covered &= space.mask
        assert covered.any()
        for i in range(len(X)):
            interpolated = resample(expected[i], affine_of_layer, space.grid)
            np.testing.assert_allclose(on_slab.values[i, k][covered], interpolated[covered], atol=1e-5)
    assert (on_slab.values[:, :, ~space.mask] == 0).all()


def test_border_of_the_slab_has_the_value_of_the_nearest_unit() -> None:
    space = space_of((18, 20, 4), masked=False)
    model, X = network_model("cnn2d", space), samples_of(space, 1)
    options = {"name": "grad-cam", "layer": "conv1"}
    layer = explain_samples(get_explainer({**options, "grid": "layer"}), model, X, space).values[0, 0]
    slab = explain_samples(get_explainer(options), model, X, space).values[0, 0]
    assert layer.shape == (16, 18, 1)
    np.testing.assert_allclose(slab[0, 0], layer[0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(slab[-1, -1], layer[-1, -1, 0], rtol=1e-6)


def test_grad_cam_of_a_model_without_the_layer_is_one_sentence() -> None:
    space = space_of()
    X = samples_of(space)
    with pytest.raises(InputError, match="'mlp': it has none; choose a convolutional network"):
        explain_samples(get_explainer({"name": "grad-cam"}), network_model("mlp", space), X, space)
    method = get_explainer({"name": "grad-cam", "layer": "conv9"})
    with pytest.raises(InputError, match="got 'conv9': it has conv1, conv2"):
        explain_samples(method, network_model("cnn2d", space), X, space)


def test_maps_of_classes_take_the_names_of_the_classes() -> None:
    space = space_of()
    model, X = network_model("mlp", space), samples_of(space, 70)
    mean = mean_explanation(get_explainer({"name": "gradient"}), model, X, space)
    assert mean.named(("a", "b", "c")).names == ("a", "b", "c")
    single = explain_samples(get_explainer({"name": "gradient"}), model, X, space)
    np.testing.assert_allclose(mean.values[0], single.values.mean(axis=0), atol=1e-6)
    activation = explain_samples(
        get_explainer({"name": "activation"}), network_model("cnn2d", space), X[:1], space
    )
    assert activation.named(("a", "b", "c")).names[0] == "conv1 filter 0"


def test_gradients_through_whitening_are_those_of_voxels() -> None:
    """By finite differences of the prediction itself, of a network that was trained on whitened samples."""
    space = space_of((5, 6, 2))
    y = np.repeat([0, 1], 10)
    X = samples_of(space, 20) + y[:, None]
    whitening = fit_whitening(fit_scaler(X).apply(X), y)
    model = replace(network_model("mlp", space, n_classes=2), scaler=fit_scaler(X), whitening=whitening)
    found = explain_samples(get_explainer({"name": "gradient"}), model, X[:1], space).values[0][:, space.mask]
    difference = found[1] - found[0]
    step = 1e-2

    def log_odds(samples: np.ndarray) -> np.ndarray:
        p = predict_proba(model, samples.astype(np.float32), space).astype(np.float64)
        return np.log(p[:, 1]) - np.log(p[:, 0])

    steps = step * np.eye(space.n_features) * model.scaler.std
    numeric = (log_odds(X[:1] + steps) - log_odds(X[:1] - steps)) / (2 * step)
    np.testing.assert_allclose(difference, numeric, atol=0.02 * np.abs(difference).max())
