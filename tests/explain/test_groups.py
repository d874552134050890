"""Groups of volumes: NumPy means of what hooks and captum give, by the model that held each volume out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient
from planted import cross_validated, planted_samples
from small_networks import arranged_by_hand, network_of

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import get_explainer
from napari_fmri_decoder.explain.groups import Group, difference, group_mean, group_rows

CNN = {"name": "cnn3d", "filters": [3], "dense": [4]}
GRADIENT = get_explainer({"name": "gradient-x-input"})


@cache
def folds_of() -> Any:
    return cross_validated(planted_samples(), CNN, epochs=3)[0]


def predictions() -> tuple[np.ndarray, np.ndarray]:
    """Predicted class and its probability of each sample, each held out once."""
    samples = planted_samples()
    p = np.zeros((len(samples.X), 2))
    for fold in folds_of():
        p[fold.split.test] = fold.probabilities
    return p.argmax(axis=1), p.max(axis=1)


def by_captum(row: int) -> np.ndarray:
    samples = planted_samples()
    (fold,) = (fold for fold in folds_of() if row in fold.split.test)
    inputs = arranged_by_hand(fold.model, samples.X[row : row + 1], samples.space).requires_grad_()
    network = network_of(fold.model)
    maps = [InputXGradient(network).attribute(inputs, target=k).detach().numpy()[0, 0] for k in range(2)]
    return np.stack(maps)


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"label": ["a"]},
        {"predicted": ["b"]},
        {"run": ["2", "3"]},
        {"outcome": "right", "label": "b"},
        {"outcome": "wrong"},
        {"at_least": 0.55, "at_most": 0.9},
    ],
)
def test_the_mean_of_a_group_is_that_of_numpy(conditions: dict[str, Any]) -> None:
    samples, folds, group = planted_samples(), folds_of(), Group(**conditions)
    predicted, probability = predictions()
    label, run = samples.table["label"].to_numpy(), samples.table["run"].to_numpy()
    keep = np.ones(len(label), dtype=bool)
    names = np.array(samples.classes)
    for name, column in {"label": label, "predicted": names[predicted], "run": run}.items():
        if name in conditions:
            keep &= np.isin(column, conditions[name])
    if "outcome" in conditions:
        keep &= (names[predicted] == label) == (conditions["outcome"] == "right")
    keep &= (probability >= group.at_least) & (probability <= group.at_most)
    rows = np.concatenate(group_rows(group, samples, folds))
    assert sorted(rows.tolist()) == np.flatnonzero(keep).tolist()
    found = group_mean(GRADIENT, samples, folds, group)
    assert found.names == ("a", "b")
    expected = np.mean([by_captum(int(row)) for row in rows], axis=0)
    np.testing.assert_allclose(found.values[0], expected, atol=1e-5)


def test_a_difference_of_activations_is_that_of_hooks() -> None:
    samples, folds = planted_samples(), folds_of()
    method = get_explainer({"name": "activation", "layer": "conv1"})
    one, other = (
        group_mean(method, samples, folds, Group(run=("1",), label=(label,))) for label in ("a", "b")
    )
    (fold,) = (fold for fold in folds if (samples.table["run"].iloc[fold.split.test] == "1").all())
    network, caught = network_of(fold.model), []
    network.get_submodule("relu1").register_forward_hook(lambda _m, _i, output: caught.append(output))
    means = []
    for label in ("a", "b"):
        test = fold.split.test
        rows = test[samples.table["label"].to_numpy()[test] == label]
        with torch.no_grad():
            network(arranged_by_hand(fold.model, samples.X[rows], samples.space))
        means.append(caught.pop().numpy().mean(axis=0))
    np.testing.assert_allclose(difference(one, other).values[0], means[0] - means[1], atol=1e-5)


def test_a_group_that_has_no_map_is_one_sentence() -> None:
    samples, folds = planted_samples(), folds_of()
    activation = get_explainer({"name": "activation", "layer": "conv1"})
    for method, conditions, message in (
        (GRADIENT, {"at_least": 1.0}, "at least one held-out volume, found none with: probability 1 to 1"),
        (GRADIENT, {"label": ["face"]}, "label of a group must be one of a, b, got 'face'"),
        (GRADIENT, {"run": ["9"]}, "run of a group must be one of 1, 2, 3, 4, got '9'"),
        (activation, {}, "hidden units of two models do not correspond"),
        (get_explainer({"name": "random"}), {}, "not of single volumes"),
    ):
        with pytest.raises(InputError, match=message):
            group_mean(method, samples, folds, Group(**conditions))


def test_one_model_can_explain_a_group_of_all_folds() -> None:
    samples, folds = planted_samples(), folds_of()
    method = get_explainer({"name": "activation", "layer": "conv1"})
    found = group_mean(method, samples, folds, Group(label=("a",)), folds[0].model)
    rows = np.flatnonzero(samples.table["label"] == "a")
    expected = method.explain(folds[0].model, samples.X[rows], samples.space).values.mean(axis=0)
    np.testing.assert_allclose(found.values[0], expected, atol=1e-5)
