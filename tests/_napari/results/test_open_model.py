"""Open model: a trained model predicts another series in the window, as the command does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from qtpy.QtWidgets import QFileDialog
from small import series, write_small

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.results.open_model import MODEL_ROLE, choose_model, open_model
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.activations import activations
from napari_fmri_decoder.pipeline import finish, predict, run
from napari_fmri_decoder.pipeline.predicting import features_of
from napari_fmri_decoder.recipe import load_recipe, make_recipe
from napari_fmri_decoder.training.bundle import load_bundle
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was trained on the small series."""
    folder = tmp_path_factory.mktemp("study")
    content = load_recipe(write_small(folder)).model_dump(mode="json", exclude_none=True)
    content |= {
        "decoder": {"name": "cnn2d", "filters": [2], "dense": [4]},
        "training": {"epochs": 2, "threads": 1},
        "report": {"figures": "none"},
    }
    finish(run(make_recipe(content), folder, folder / "first"))
    return folder / "first" / "model.safetensors"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Two other runs of the same head."""
    volume, _ = series(n_runs=2, seed=7)
    return write(volume, tmp_path / "other_bold.nii.gz")


@pytest.fixture
def look(viewer: Any) -> LookInsideDock:
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock, name="Look inside")
    return dock


def test_predictions_and_activations_are_those_of_the_command(
    viewer: Any, look: LookInsideDock, model: Path, scan: Path, notified: list[Any]
) -> None:
    session = Session.of(viewer)
    volume = read(scan)
    session.add(volume)
    applied = look.open_model(model)
    assert applied is not None
    bundle = load_bundle(model)
    table, notes = predict(bundle, volume, home=model.parent)
    assert applied.notes == notes
    layers = {layer.metadata[MODEL_ROLE]: layer for layer in viewer.layers if MODEL_ROLE in layer.metadata}
    assert set(layers) == {"conv1", "predictions"}
    assert layers["predictions"].name == "first on other_bold predictions"
    features = layers["predictions"].features
    assert features["predicted"].tolist() == table["predicted"].tolist()
    largest = table[["p_closed", "p_open"]].max(axis=1)
    pd.testing.assert_series_equal(features["probability"], largest, check_names=False)
    X = features_of(bundle, volume, home=model.parent).X
    shown = np.asarray(layers["conv1"].data[1, 5])  # filter, volume, z, y, x
    (expected,) = activations(bundle.model, X[5:6], bundle.space, "conv1")
    responsive = shown != 0
    np.testing.assert_allclose(shown[responsive], expected[1].T[responsive], rtol=1e-5)
    counts = table["predicted"].value_counts()
    assert f"{counts.iloc[0]} predicted as {counts.index[0]}" in look.open.predicted.text()
    look.open_model(model)
    assert len([layer for layer in viewer.layers if MODEL_ROLE in layer.metadata]) == 2, "replaced"


def test_what_cannot_be_applied_says_why_and_changes_nothing(
    viewer: Any, look: LookInsideDock, model: Path, scan: Path, tmp_path: Path, notified: list[Any]
) -> None:
    with pytest.raises(InputError, match="Select the layer of a series first"):
        look.open_model(model)
    Session.of(viewer).add(read(scan))
    with pytest.raises(InputError, match=r"must be an existing \.safetensors file"):
        look.open_model(tmp_path / "none.safetensors")
    assert "The model was not applied" in look.open.predicted.text()
    assert len(viewer.layers) == 1


def test_applying_can_be_stopped_and_the_question_canceled(
    viewer: Any, look: LookInsideDock, model: Path, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Session.of(viewer).add(read(scan))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    assert choose_model(viewer) is None
    job = open_model(viewer, model)
    with pytest.raises(InputError, match="A model is being applied"):
        open_model(viewer, model)
    look.open.stop.native.click()
    with pytest.raises(InputError, match="was stopped"):
        job.wait()
    assert len(viewer.layers) == 1
    assert look.open.predicted.text() == "Stopped. The model was not applied."
