"""The main workflow in a real window: open, prepare, label, train, look inside.

With FMRI_DECODER_SCREENSHOTS set to a folder, each step leaves the picture that the docs show.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import nibabel as nib
import nilearn.datasets
import numpy as np
import pandas as pd
import pytest
from person import PLUGIN, Person
from scipy import ndimage

from napari_fmri_decoder._napari.demo import set_up
from napari_fmri_decoder._napari.viewer.dims import show_volume
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.samples.example_data.phantom import PHANTOM_SLAB
from napari_fmri_decoder.samples.example_data.phantom_design import phantom_table

TEMPLATE = (
    Path(nilearn.datasets.__file__).parent / "data" / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
)


def millimeters(layer: Any, index: Any) -> Any:
    """(x, y, z) of a voxel (..., z, y, x), as napari places it."""
    return np.asarray(layer.data_to_world(index))[-3:][::-1]


def test_real_scans_to_predictions_over_the_anatomy(
    person: Person, haxby: Path, tmp_path: Path, notified: list[Any]
) -> None:
    viewer = person.viewer
    viewer.open(TEMPLATE, plugin=PLUGIN)
    viewer.open(haxby / "bold.nii.gz", plugin=PLUGIN)
    bold = nib.load(haxby / "bold.nii.gz")
    scan = viewer.layers["bold"]
    person.picture("opened")

    prepare = person.dock("Prepare")
    person.choose(prepare, "series", "bold")
    person.choose(prepare, "mask_strategy", "file")
    person.type(prepare, "path", haxby / "mask.nii.gz")
    person.press(prepare, "apply_mask")
    person.wait(lambda: prepare.session.state.preparation.mask is not None)
    mask = np.asarray(nib.load(haxby / "mask.nii.gz").dataobj) > 0
    np.testing.assert_array_equal(prepare.session.state.preparation.mask.at(0) > 0, mask)
    person.picture("prepare")

    labels = person.dock("Labels")
    person.choose(labels, "source", "table")
    person.type(labels, "table", haxby / "volumes.tsv")
    person.type(labels, "exclude", "rest")
    person.press(labels, "apply_labels")
    table = pd.read_csv(haxby / "volumes.tsv", sep="\t")
    assert prepare.session.state.labeling.table["label"].tolist() == table["label"].tolist()
    assert "8 classes in 12 runs" in person.find(labels, "label_counts").text()
    person.picture("labels")

    train = person.dock("Train")
    person.choose(train, "name", "cnn2d")
    person.press(train, "section_advanced_title")
    person.press(train, "section_network_advanced_title")
    person.type(train, "filters", "4, 6")
    person.type(train, "dense", "16")
    person.give(train, "epochs", 3)
    person.choose(train, "scheme", "explicit")
    person.type(train.split, "train", "1, 2, 3")
    person.type(train.split, "test", "4")
    person.press(train, "section_folder_title")
    person.type(train, "runs_folder", tmp_path / "runs")
    person.picture("train")
    person.press(train, "train_button")
    person.wait(lambda: train.job is None)
    assert not notified, [str(n.message) for n in notified]
    person.picture("trained")

    predictions, conv1 = viewer.layers["predictions"], viewer.layers["cnn2d conv1"]
    corners = np.argwhere(mask)[[0, 100, -1]]
    for voxel in corners:
        expected = nib.affines.apply_affine(bold.affine, voxel)
        for layer in (predictions, scan):
            np.testing.assert_allclose(millimeters(layer, (7, *voxel[::-1])), expected, atol=1e-4)
        assert predictions.data[(7, *voxel[::-1])] == 8
    assert predictions.data_to_world((7, 0, 0, 0))[0] == pytest.approx(7 * 2.5), "seconds, as the series"
    assert conv1.data.shape == (4, 1452, 1, 18, 38), "3 x 3 without padding on 40 x 20 pixels"
    first = nib.affines.apply_affine(bold.affine, (1, 1, 0))  # the center of the first 3 x 3 pixels
    np.testing.assert_allclose(millimeters(conv1, (0, 0, 0, 0, 0)), first, atol=1e-4)

    features = predictions.features
    assert list(features)[-4:] == ["fold", "true", "predicted", "probability"]
    assert features["index"].tolist() == list(range(1, 1453))
    (folder,) = (tmp_path / "runs").iterdir()
    saved = pd.read_csv(folder / "predictions.tsv", sep="\t").set_index("volume")
    tested = features[features["predicted"] != ""]
    assert tested["volume"].tolist() == saved.index.tolist()
    assert tested["predicted"].tolist() == saved["predicted"].tolist()
    assert set(table.loc[tested["volume"], "run"]) == {4}
    scores = json.loads((folder / "scores.json").read_text())
    accuracy = (saved["predicted"] == saved["true"]).mean()
    assert scores["accuracy"] == pytest.approx(accuracy)
    for name in ("recipe.toml", "history.tsv", "model.safetensors", "folds", "report.html", "layers"):
        assert (folder / name).exists(), name

    look = person.dock("Look inside")
    assert f"{scores['accuracy']:.3f}" in person.find(look, "headline").text()
    person.choose(look.filters, "layer", "conv1")
    show_volume(viewer, int(tested["volume"].iloc[0]), 2.5)
    assert conv1.visible
    assert conv1.name == "cnn2d conv1"
    assert not predictions.visible
    assert np.ptp(np.asarray(conv1.data[0, int(tested["volume"].iloc[0])])) > 0
    person.picture("look_inside_filters")
    for page in ("Confusion matrices", "Predictions", "PCA of the samples"):
        person.choose(look, "page", page)
        person.wait(lambda: not look.pages[look.page.value].about.isVisible())
        person.picture(f"look_inside_{page.split()[0].lower()}")
    assert not notified, [str(n.message) for n in notified]


@pytest.mark.slow
def test_phantom_to_filters_of_an_oblique_slab(
    person: Person, tmp_path: Path, notified: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})
    viewer = person.viewer
    viewer.open_sample(PLUGIN, "phantom")
    prepare = person.dock("Prepare")
    person.choose(prepare, "series", "phantom")
    person.choose(prepare, "mask_strategy", "threshold")
    person.press(prepare, "apply_mask")
    person.wait(lambda: prepare.session.state.preparation.mask is not None)
    person.type(prepare, "rotate_x", PHANTOM_SLAB["rotate_x"])
    person.give(prepare, "slab_start", PHANTOM_SLAB["start"])
    person.give(prepare, "slab_stop", PHANTOM_SLAB["stop"])
    person.choose(prepare, "slab_interpolation", "linear")
    person.press(prepare, "mean_slab")
    person.wait(lambda: prepare.session.state.preparation.slab_placement is not None)
    state = prepare.session.state
    assert {name: getattr(state.preparation.slab, name) for name in PHANTOM_SLAB} == PHANTOM_SLAB
    assert not state.scene.frame.is_identity, "the view is rotated, and the slab is aligned with the axes"
    person.picture("phantom_prepare")

    labels = person.dock("Labels")
    person.choose(labels, "source", "blocks")
    person.type(labels, "blocks", "4 closed, 4 open, 48 times")
    person.type(labels, "chunk", 64)
    person.press(labels, "apply_labels")
    known = phantom_table()
    assert prepare.session.state.labeling.table["label"].tolist() == known["label"].tolist()
    assert prepare.session.state.labeling.table["run"].tolist() == known["run"].tolist()
    person.picture("phantom_labels")

    train = person.dock("Train")
    person.choose(train, "name", "cnn2d")
    person.press(train, "section_advanced_title")
    person.press(train, "section_network_advanced_title")
    person.type(train, "filters", "8, 8")
    person.type(train, "dense", "16")
    person.give(train, "epochs", 3)
    person.choose(train, "scheme", "explicit")
    person.type(train.split, "train", "1, 2")
    person.type(train.split, "test", "3")
    person.press(train, "section_folder_title")
    person.type(train, "runs_folder", tmp_path / "runs")
    person.press(train, "train_button")
    person.wait(lambda: train.job is None)
    assert not notified, [str(n.message) for n in notified]
    person.picture("phantom_trained")

    (folder,) = (tmp_path / "runs").iterdir()
    slab = prepare.session.state.preparation.slab_placement.scanner
    recipe = tomllib.loads((folder / "recipe.toml").read_text())
    np.testing.assert_allclose(recipe["slab"]["resolved_affine"], slab.affine, atol=1e-9)
    assert recipe["data"]["images"] == ["data/bold.nii.gz"], "the phantom came from no file"
    look = person.dock("Look inside")
    person.choose(look.filters, "layer", "conv1")
    conv1 = next(layer for layer in viewer.layers if layer.name.startswith("cnn2d conv1"))
    x, y, _ = slab.shape
    assert conv1.data.shape == (8, 384, 1, y - 2, x - 2), "straight in the frame of the slab"
    first = nib.affines.apply_affine(slab.affine, (1, 1, 1))  # 3 x 3 pixels, 3 planes: their center
    rotated = nib.affines.apply_affine(prepare.session.state.scene.frame.matrix, first)
    np.testing.assert_allclose(millimeters(conv1, (0, 0, 0, 0, 0)), rotated, atol=1e-6)
    show_volume(viewer, 140, 2.0)
    look.filters.filter.value = 1
    person.picture("phantom_filters")

    predictions = viewer.layers["predictions"]
    mask = nib.load(folder / "layers" / "mask.nii.gz")
    np.testing.assert_allclose(mask.affine, slab.affine, atol=1e-3)
    inner = np.argwhere(ndimage.binary_erosion(np.asarray(mask.dataobj) > 0, np.ones((3, 3, 1))))
    person.choose(look.filters, "layer", "predictions")
    person.find(prepare, "show_rotated").setChecked(False)
    person.press(prepare, "view_sagittal")
    for voxel in inner[:: len(inner) // 15]:
        mm = nib.affines.apply_affine(slab.affine, voxel)
        index = np.round(predictions.world_to_data([140 * 2.0, *mm[::-1]])).astype(int)
        assert predictions.data[tuple(index)] == 141, "in scanner space it is oblique, at its position"
    person.picture("phantom_oblique")
    assert not notified, [str(n.message) for n in notified]


def test_the_demo_is_ready_to_train(person: Person) -> None:
    set_up(person.viewer)
    train = person.viewer.window.dock_widgets[f"Train ({PLUGIN})"]
    person.qtbot.waitUntil(lambda: train.visible)
    person.qtbot.wait(300)
    assert not train.native.visibleRegion().isEmpty(), "its tab is in front"
    assert train.train_button.enabled, train.train_button.tooltip
    state, recipe = train.session.state, demo_recipe()
    assert state.labeling.table["label"].tolist() == phantom_table()["label"].tolist()
    assert state.preparation.slab == recipe.slab.slab()
    assert train.decoder.config() == recipe.decoder
    assert train.training.epochs.value == recipe.training.epochs
    prepare = person.viewer.window.dock_widgets[f"Prepare ({PLUGIN})"]
    assert prepare.rotation.rotate_x.value == 20.05
    person.picture("demo")
