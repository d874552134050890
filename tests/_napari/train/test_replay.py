"""What the dock trained, the command trains again, to the last bit; what a recipe says, the docks show."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
from person import PLUGIN, Person
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from safetensors import safe_open
from small import series, write_small

from napari_fmri_decoder._napari.demo import set_up
from napari_fmri_decoder._napari.train.recipe_from_session import plan_run
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.decoders.cnn2d import CNN2D
from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.recipe import NullConfig, Recipe, load_recipe, make_recipe, rebased
from napari_fmri_decoder.samples.labels.table import TableLabels
from napari_fmri_decoder.samples.masks.given import FileMask
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.train.dock import TrainDock

QUICK = {"name": "cnn2d", "filters": [2], "dense": [4]}
EXAMPLES = Path(__file__).parents[3] / "examples"
COMMAND = ("-m", "napari_fmri_decoder.cli")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of the report take longer than these runs."""
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


def trained(person: Person, train: TrainDock, runs: Path) -> Path:
    """Press Train, and wait; the run folder."""
    train.runs_folder.value = runs
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
    """Run the recipe of a run folder on the command line, in a separate process."""
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
    scores, expected = (json.loads((f / "scores.json").read_text()) for f in (folder, again))
    assert scores.pop("seconds") > 0
    assert expected.pop("seconds") > 0
    assert scores == expected
    for name in ("predictions.tsv", "history.tsv"):
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name
    models = [p.relative_to(folder) for p in (folder / "model.safetensors", *folder.glob("folds/*"))]
    assert len(models) == 1 + len(scores["folds"])
    for name in models:
        assert weights(folder / name) == weights(again / name), name


def absolute(path: Path) -> Recipe:
    """A recipe with its paths made absolute."""
    return rebased(load_recipe(path), path.parent, None)


def test_painted_labels_painted_mask_and_slab_of_the_docks_are_reproduced_exactly(
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
    prepare.mask.strategy.value = "layer"
    prepare.mask.layer.value = layer
    person.press(prepare, "apply_mask")
    person.wait(lambda: session.state.preparation.mask is not None)
    prepare.rotation.rotate_x.value = 9.5
    prepare.slab.start.value = 2
    prepare.slab.stop.value = 5
    person.press(prepare, "mean_slab")
    person.wait(lambda: session.state.preparation.slab_placement is not None)
    labels.source.update(source="painted")
    spans = [f"{i}-{i + 3} {table['label'][i]}" for i in range(0, 64, 4)]
    labels.source.update(spans=spans, run_lengths=[16, 16, 16, 16])
    person.press(labels, "apply_labels")
    train.decoder.update(QUICK)
    train.training.update({"epochs": 2, "threads": 1, "seed": 7})
    train.split.update({"scheme": "group-k-fold", "n_splits": 2})
    folder = trained(person, train, tmp_path / "runs")
    assert not notified, [str(n.message) for n in notified]
    assert_alike(folder, replayed(folder))

    train.open_recipe(folder / "recipe.toml")
    person.wait(lambda: train.job is None)
    assert not departures(plan_of(train, tmp_path), absolute(folder / "recipe.toml")), (
        "including the slab's voxels"
    )
    assert_alike(folder, trained(person, train, tmp_path / "again"))
    assert not notified, [str(n.message) for n in notified]

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
    person.qtbot.waitUntil(lambda: train.visible)
    train.training.update({"epochs": 3})
    folder = trained(person, train, tmp_path / "runs")
    assert not notified, [str(n.message) for n in notified]
    assert len(list(folder.glob("folds/*"))) == 6
    assert_alike(folder, replayed(folder, *COMMAND))


def other(model: type[BaseModel], **given: Any) -> dict[str, Any]:
    """A value that differs from the default for every field of a model, one that is added later too."""
    values = {}
    for name, info in model.model_fields.items():
        if name in given:
            values[name] = given[name]
        elif not (get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1):
            values[name] = another(info.annotation, info)
    return values


def another(annotation: Any, info: Any) -> Any:
    """A value of a type, not the default: given by name where limits or checks need another one."""
    kind, parts, default = get_origin(annotation), get_args(annotation), info.default
    if kind is Literal:
        return next(value for value in parts if value != default)
    if kind in (Union, UnionType):
        return another(next(part for part in parts if part is not type(None)), info)
    if kind is tuple:
        return [another(parts[0], FieldInfo(default=None))] * 2
    if kind is dict:
        return {"a, b": another(parts[1], FieldInfo(default=None))}
    if kind is Annotated:
        return another(parts[0], info)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return other(annotation)
    low = max((getattr(m, "ge", getattr(m, "gt", 0)) or 0 for m in info.metadata), default=0)
    start = default if isinstance(default, (int, float)) else low
    made = {bool: not default, int: int(start) + 3, float: float(start) * 0.75 + 1 / 7, str: "one, two"}
    return made[annotation]


def every_field(folder: Path) -> Recipe:
    """A recipe in which nothing that a dock has a control for is as by default."""
    (folder / "volumes.csv").write_text((folder / "volumes.tsv").read_text().replace("\t", ","))
    training = other(
        TrainingConfig,
        validation="runs",
        momentum=0.3,
        validation_size=0.4,
        screening=0.5,
        calibrate="none",  # it excludes average
        augment={"noise": 0.2, "mixup": 0.3, "label_smoothing": 0.1},  # screening excludes shifts
        select={"dropout": [0.1, 0.2], "weight_decay": [0.0, 0.01]},
        device="cpu",
    )
    content = {
        "data": {
            "images": "small_bold.nii.gz",
            "kind": "bold",
            "tr": 2.5,
            "anatomy": "anatomy.nii.gz",
            "mask": {"strategy": "file", **other(FileMask, path="atlas.nii.gz", labels=[1, 2], regions=[])},
        },
        "labels": other(
            TableLabels,
            table="volumes.csv",
            label_column="what",
            run_column="part",
            lag=2.5,
            keep=[],  # it excludes what exclude does not name
            rename={"not there": "still, not"},
            merge={"both": ["nor, this", "nor; that = it"]},
            missing=["n/a", "-"],
            bins=[],  # its labels are no numbers
        )
        | {"source": "table", "trim_start": 1, "trim_end": 1, "exclude": ["rest", "not, this"]},
        "prepare": other(PrepareConfig, confounds_files=["some, confounds.tsv"], confounds=["trans_*"]),
        "slab": other(
            SlabConfig, start=1, stop=3, pivot=[1.0, 2.0, 3.0], resolved_shape=None, resolved_affine=None
        ),
        "split": other(SplitConfig, test=["4"], train=["1", "2"], test_size=0.3),
        "decoder": {"name": "cnn2d", **other(CNN2D, filters=[3, 4], dense=[5], dropout=1 / 3)},
        "training": training,
        "null": other(NullConfig),
        "baseline": {"models": ["linear"]},
        "audit": {"allow": ["too-few-blocks"]},
        "compare": [{"decoder": {"name": "linear", "C": 0.25}}, {"decoder": {"name": "mlp", "hidden": 3}}],
    }
    path = folder / "all.toml"
    path.write_text(make_recipe(content).to_toml())
    return absolute(path)


def departures(actual: BaseModel, expected: BaseModel) -> dict[str, tuple[Any, Any]]:
    """Differences between two recipes, by names of sections and fields."""
    return {
        f"{section}.{name}": (mine, its)
        for section, part in expected.model_dump().items()
        for name, its in (part if isinstance(part, dict) else {"": part}).items()
        if (mine := _field(actual.model_dump()[section], name)) != its
    }


def _field(section: Any, name: str) -> Any:
    return section.get(name) if isinstance(section, dict) else section


def plan_of(train: TrainDock, folder: Path) -> Recipe:
    """The recipe that Train would run now, its paths made absolute."""
    session = train.session
    assert session.series is not None
    layer = session.state.preparation.anatomy
    anatomy = session.volume(layer) if layer is not None else None
    choices = train.setup.choices(train.audit.allowed)
    plan = plan_run(session.state, session.series, anatomy, choices, folder / "planned")
    return rebased(plan.recipe, plan.folder, None)


def docks_say(train: TrainDock, folder: Path) -> Recipe:
    """The recipe that Train would run now, without the placement of its slab."""
    recipe = plan_of(train, folder)
    slab = {"resolved_shape": None, "resolved_affine": None}
    return recipe.model_copy(update={"slab": recipe.slab.model_copy(update=slab) if recipe.slab else None})


def write_all(folder: Path) -> None:
    """Write what the recipe with every field names."""
    volume, table = series()
    write_small(folder)
    atlas = np.zeros(volume.shape[:3], np.uint8)
    atlas[3:12, 3:9, 1:7], atlas[3:12, 9:14, 1:7] = 1, 2
    write(Volume(atlas, volume.affine, "atlas", name="atlas"), folder / "atlas.nii.gz")
    write(Volume(volume.at(0), volume.affine, "anatomy", name="anatomy"), folder / "anatomy.nii.gz")
    table = table.rename(columns={"label": "what", "run": "part"})
    table.to_csv(folder / "volumes.tsv", sep="\t", index=False)


def test_the_docks_show_every_field_of_a_recipe_and_open_its_data(
    person: Person, tmp_path: Path, notified: list[Any]
) -> None:
    write_all(tmp_path)
    recipe = every_field(tmp_path)
    defaults = Recipe.model_validate(
        {"data": {"images": "x"}, "labels": {"source": "table", "table": "x"}, "decoder": {"name": "cnn2d"}}
    )
    for section in ("prepare", "split", "training", "null", "baseline", "decoder"):
        mine, usual = getattr(recipe, section), getattr(defaults, section)
        same = {name for name in type(mine).model_fields if getattr(mine, name) == getattr(usual, name)}
        assert same <= {"name", "calibrate"}, f"[{section}] must have no other default here"

    train = person.dock("Train")
    train.open_recipe(tmp_path / "all.toml")
    person.wait(lambda: train.job is None)
    assert not notified, [str(n.message) for n in notified]
    assert not departures(docks_say(train, tmp_path), recipe)
    state = train.session.state
    first = ["", "", "closed", "closed", "", "", "open"]
    assert state.labeling.table["label"].tolist()[:7] == first, (
        "blocks of 4, one TR late, trimmed by one on either side"
    )
    assert state.preparation.series.name == "small_bold"
    assert state.preparation.anatomy.name == "anatomy"

    prepare, labels = person.dock("Prepare"), person.dock("Labels")
    mask, slab = prepare.mask.form.config(), prepare.slab.config()
    assert mask == recipe.data.mask
    assert not departures(slab, recipe.slab)
    assert labels.source.config() == recipe.labels
    assert not departures(docks_say(train, tmp_path), recipe), "opening docks changes nothing"

    n = len(person.viewer.layers)
    train.open_recipe(tmp_path / "all.toml")
    person.wait(lambda: train.job is None)
    assert len([x for x in person.viewer.layers if x.name == "small_bold"]) == 1, "it is open already"
    assert len(person.viewer.layers) == n, "the mask as well"
    assert not departures(docks_say(train, tmp_path), recipe)

    (tmp_path / "atlas.nii.gz").unlink()
    train.open_recipe(tmp_path / "all.toml")
    person.wait(lambda: train.job is None)
    (message,) = notified
    assert "atlas.nii.gz" in str(message.message)
    assert state.preparation.series in person.viewer.layers
    assert train.session.state.preparation.mask is None
    assert train.session.state.preparation.slab is not None
    assert train.session.state.labeling.labels == recipe.labels
    assert "some files are missing" in train.line.text.text()


def test_z_maps_made_in_the_dock_give_the_scores_of_the_command_line(
    person: Person, tmp_path: Path, notified: list[Any]
) -> None:
    zmaps = '[zmaps]\nhrf = "none"\nestimate = "lsa"\nnoise = "ols"'
    split = '[split]\nscheme = "explicit"\ntest = ["4"]'
    path = write_small(tmp_path, f'name = "linear"\nC = 0.1\n[training]\nthreads = 1\n{zmaps}\n{split}')
    text = path.read_text().replace("[prepare]\ndetrend = true\nstandardize_runs = true\n", "")
    path.write_text(text.replace("[decoder]", 'exclude = ["rest"]\n[decoder]'))
    table = pd.read_csv(tmp_path / "volumes.tsv", sep="\t")
    table.loc[table.index % 16 >= 12, "label"] = "rest"
    table.to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
    labels, train = person.dock("Labels"), person.dock("Train")
    train.open_recipe(path)
    person.wait(lambda: train.job is None)
    (message,) = notified
    assert "Make them in the Labels dock" in str(message.message)
    assert labels.zmaps.form.config() == load_recipe(path).zmaps
    labels.zmaps.folder.value = tmp_path / "maps"
    person.press(labels, "make_zmaps")
    person.wait(lambda: labels.zmaps.job is None)
    assert train.session.series.kind == "stat"
    folder = trained(person, train, tmp_path / "runs")
    assert len(notified) == 1, [str(n.message) for n in notified]
    assert_alike(folder, replayed(folder))

    direct = finish(run(load_recipe(path), tmp_path, tmp_path / "direct"))
    scores = json.loads((folder / "scores.json").read_text())
    expected = json.loads((direct.folder / "scores.json").read_text())
    assert scores["accuracy_per_fold"] == expected["accuracy_per_fold"], "the recipe makes the same maps"
    assert scores["n_samples"] == expected["n_samples"]
    assert scores["loss"] == pytest.approx(expected["loss"], rel=1e-5)


@pytest.mark.slow
def test_the_haxby_recipe_trained_in_the_dock_is_reproduced_exactly(
    person: Person, haxby: Path, tmp_path: Path, notified: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMRI_DECODER_DATA", str(haxby.parent))
    train = person.dock("Train")
    train.open_recipe(EXAMPLES / "haxby_mlp.toml")
    person.wait(lambda: train.job is None)
    assert [config.decoder.name for config in train.compare.checked] == ["cnn2d"]
    train.compare.compare_1.value = False
    train.training.epochs.value = 60
    folder = trained(person, train, tmp_path / "runs")
    assert not notified, [str(n.message) for n in notified]
    assert len(list(folder.glob("folds/*"))) == 12
    assert_alike(folder, replayed(folder, *COMMAND))
    assert json.loads((folder / "scores.json").read_text())["accuracy"] > 0.4, "chance is 0.125"
