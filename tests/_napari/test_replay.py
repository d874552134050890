"""What the dock trained, the command trains again, to the last bit; what a recipe says, the docks show."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from person import PLUGIN, Person
from safetensors import safe_open
from small import series, write_small

from napari_fmri_decoder._napari.demo import set_up
from napari_fmri_decoder._napari.session import Session
from napari_fmri_decoder.recipe import Recipe, load_recipe, rebased
from napari_fmri_decoder.training.bundle import load_bundle
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.widgets.train import TrainDock

QUICK = {"name": "cnn2d", "filters": [2], "dense": [4]}
COMMAND = ("-m", "napari_fmri_decoder.cli")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of the report take longer than these runs."""
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


def trained(person: Person, train: TrainDock, runs: Path) -> Path:
    """Press Train, and wait; the run folder."""
    train.setup.folder.line.setText(str(runs))
    before = set(runs.iterdir()) if runs.exists() else set()
    person.press(train, "train_button")
    person.wait(lambda: train.job is None, 600)
    (folder,) = set(runs.iterdir()) - before
    return folder


NO_PICTURES = (
    "from napari_fmri_decoder.cli import main; from napari_fmri_decoder.pipeline import folder; "
    "folder.run_figures = lambda *args, **options: {}; main()"
)
"""The command, less what takes most of its time here."""


def replayed(folder: Path, *command: str) -> Path:
    """Run the recipe of a run folder by the command, in a process of its own."""
    again = folder.with_name(f"{folder.name}-again")
    command = (*(command or ("-c", NO_PICTURES)), "train", str(folder / "recipe.toml"), "--out", str(again))
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return again


def weights(path: Path) -> dict[str, tuple[Any, ...]]:
    """Every array of a model, bit for bit."""
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}


def assert_alike(folder: Path, again: Path) -> None:
    """Scores, predictions, history, and the models of all folds, to the last bit."""
    scores, told = (json.loads((f / "scores.json").read_text()) for f in (folder, again))
    assert scores.pop("seconds") > 0
    assert told.pop("seconds") > 0
    assert scores == told
    for name in ("predictions.tsv", "history.tsv"):
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name
    models = [p.relative_to(folder) for p in (folder / "model.safetensors", *folder.glob("folds/*"))]
    assert len(models) == 1 + len(scores["folds"])
    for name in models:
        assert weights(folder / name) == weights(again / name), name


def absolute(path: Path) -> Recipe:
    """A recipe with its paths made absolute."""
    return rebased(load_recipe(path), path.parent, None)


def test_painted_labels_a_painted_mask_and_a_slab_from_the_docks_come_again_to_the_last_bit(
    person: Person, tmp_path: Path, notified: list[Any]
) -> None:
    write_small(tmp_path)
    person.viewer.open(tmp_path / "small_bold.nii.gz", plugin=PLUGIN)
    prepare, labels, train = (person.dock(name) for name in ("Prepare", "Labels", "Train"))
    session = Session.of(person.viewer)
    volume, table = series()
    painted = np.zeros(volume.shape[:3], np.uint8)
    painted[3:12, 3:14, 1:7] = 1
    layer = session.add(Volume(painted, volume.affine, "mask", name="painted mask"))
    person.choose(prepare, "mask_strategy", "layer")
    person.choose(prepare, "mask_layer", layer.name)
    person.press(prepare, "apply_mask")
    person.wait(lambda: session.state.mask is not None)
    person.type(prepare, "rotate_x", 9.5)
    person.give(prepare, "slab_start", 2)
    person.give(prepare, "slab_stop", 5)
    person.press(prepare, "mean_slab")
    person.wait(lambda: session.state.where is not None)
    person.choose(labels, "source", "painted")
    spans = [f"{i}-{i + 3} {table['label'][i]}" for i in range(0, 64, 4)]
    person.type(labels, "spans", ", ".join(spans))
    person.type(labels, "run_lengths", "16, 16, 16, 16")
    person.press(labels, "apply_labels")
    train.setup.decoder.set_values(QUICK)
    train.setup.training.set_values({"epochs": 2, "threads": 1, "seed": 7})
    train.setup.split.set_values({"scheme": "group-k-fold", "n_splits": 2})
    folder = trained(person, train, tmp_path / "runs")
    assert not notified, [str(n.message) for n in notified]
    again = replayed(folder)
    assert_alike(folder, again)

    recipe = load_recipe(folder / "recipe.toml")
    assert recipe.labels.source == "painted"
    assert recipe.data.mask is not None
    assert recipe.slab is not None
    assert recipe.slab.resolved_shape is not None
    assert recipe.training.seed == 7
    kept = load_bundle(folder / "model.safetensors")
    assert {"torch", "numpy", "napari-fmri-decoder"} <= set(kept.versions)
    inputs = (tmp_path / "small_bold.nii.gz", folder / "data" / "mask.nii.gz")
    assert kept.hashes == {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in inputs}
    assert f"seed = {recipe.training.seed}" in kept.recipe


@pytest.mark.slow
def test_the_demo_comes_again_to_the_last_bit(person: Person, tmp_path: Path, notified: list[Any]) -> None:
    set_up(person.viewer)
    train = person.viewer.window.dock_widgets[f"Train ({PLUGIN})"]
    person.qtbot.waitUntil(train.isVisible, timeout=5000)
    train.setup.training.set_values({"epochs": 3})
    folder = trained(person, train, tmp_path / "runs")
    assert not notified, [str(n.message) for n in notified]
    assert len(list(folder.glob("folds/*"))) == 6
    assert_alike(folder, replayed(folder, *COMMAND))
