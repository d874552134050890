"""The regression of the input on the logit: SciPy's slopes, and for a linear model Haufe's pattern."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from small_networks import arranged_by_hand, network_model, network_of, samples_of, space_of

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import explain_samples, get_explainer, mean_explanation

METHOD = {"name": "input-regression"}


@pytest.mark.parametrize(("decoder", "screened"), [("cnn2d", False), ("mlp", True), ("lda", False)])
def test_slopes_are_those_of_scipy(decoder: str, screened: bool) -> None:
    space = space_of((8, 9, 3))
    model, X = network_model(decoder, space, screened=screened), samples_of(space, 70)
    found = mean_explanation(get_explainer(METHOD), model, X, space)
    assert found.values.shape == (1, 3, *space.grid.shape)
    used = np.ones(space.n_features, bool) if model.screened is None else model.screened
    with torch.no_grad():
        logits = network_of(model)(arranged_by_hand(model, X, space)).numpy()
    voxels, scaled = np.argwhere(space.mask)[used], (X[:, used] - model.scaler.mean) / model.scaler.std
    for k in range(3):
        for i in range(0, len(voxels), 9):
            slope = stats.linregress(logits[:, k], scaled[:, i]).slope
            assert found.values[0, k][tuple(voxels[i])] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_too_few_samples_or_equal_logits_are_one_sentence() -> None:
    space = space_of((6, 7, 3))
    model, X = network_model("mlp", space), samples_of(space, 4)
    with pytest.raises(InputError, match="at least 3 samples, got 2"):
        explain_samples(get_explainer(METHOD), model, X[:2], space)
    constant = replace(model, state={name: np.zeros_like(v) for name, v in model.state.items()})
    with pytest.raises(InputError, match="different logits, but all are the same"):
        explain_samples(get_explainer(METHOD), constant, X, space)
