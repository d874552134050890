"""Training options are resolved once; unread ones are not written; old run folders still resume."""

from __future__ import annotations

import json
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from small import write_small

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.group import summarize_group
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.pipeline.resume import open_store
from napari_fmri_decoder.recipe import load_recipe, parse_recipe
from napari_fmri_decoder.training.config import ResolvedTraining
from napari_fmri_decoder.training.events import BatchDone

COMPARED = """name = "linear"
C = 0.1
[training]
threads = 1
epochs = 7
validation = "runs"
[report]
figures = "none"
[[compare]]
decoder = { name = "mlp", hidden = 4 }
training = { epochs = 2, threads = 1 }
"""


def test_a_prepared_recipe_has_every_option_of_every_decoder(tmp_path: Path) -> None:
    recipe = prepare_run(load_recipe(write_small(tmp_path, COMPARED)), tmp_path).recipe
    (other,) = recipe.compare
    assert isinstance(recipe.training, ResolvedTraining)
    assert isinstance(other.training, ResolvedTraining)
    assert (other.training.epochs, other.training.optimizer, other.training.learning_rate) == (2, "sgd", 0.1)


def test_a_written_recipe_has_the_options_that_each_decoder_reads(tmp_path: Path) -> None:
    recipe = prepare_run(load_recipe(write_small(tmp_path, COMPARED)), tmp_path).recipe
    written = tomllib.loads(recipe.to_toml())
    assert written["training"] == {
        "screening": 0.0,
        "calibrate": "none",
        "whiten": False,
        "balance": "none",
        "seed": 0,
        "seeds": 1,
        "threads": 1,
    }
    (other,) = written["compare"]
    assert set(other["training"]) == set(ResolvedTraining.model_fields)
    assert (other["training"]["epochs"], other["training"]["learning_rate"]) == (2, 0.1)
    again = parse_recipe(recipe.to_toml())
    assert again.to_toml() == recipe.to_toml()


def _as_before(out: Path, recipe: object) -> None:
    """Write the recipe of a run as earlier versions did: all options, and the compared ones unresolved."""
    content = json.loads(recipe.model_dump_json(exclude={"data", "labels", "report"}, exclude_none=True))
    for name in ("optimizer", "learning_rate", "weight_decay", "momentum", "batch_size"):
        del content["compare"][0]["training"][name]
    assert content["training"]["epochs"] == 7
    begun = out / "tasks" / "run.json"
    begun.write_text(json.dumps(json.loads(begun.read_text()) | {"recipe": content}))


def test_a_run_folder_of_an_earlier_version_resumes(tmp_path: Path) -> None:
    recipe, out = load_recipe(write_small(tmp_path, COMPARED)), tmp_path / "run"
    with closing(run(recipe, tmp_path, out)) as events:
        next(event for event in events if isinstance(event, BatchDone))
    prepared = prepare_run(recipe, tmp_path)
    _as_before(out, prepared.recipe)
    open_store(out, prepared.recipe, prepared.samples, prepared.splits)
    other = prepare_run(
        load_recipe(write_small(tmp_path, COMPARED.replace("epochs = 2", "epochs = 3"))), tmp_path
    )
    with pytest.raises(InputError, match="another recipe"):
        open_store(out, other.recipe, other.samples, other.splits)
    write_small(tmp_path, COMPARED)
    finish(run(recipe, tmp_path, out, resume=True))
    assert (out / "scores.json").exists()


def test_runs_of_two_versions_are_of_one_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write_small(tmp_path, COMPARED.partition("[[compare]]")[0]))
    for name in ("sub-1", "sub-2"):
        finish(run(recipe, tmp_path, tmp_path / name))
    path = tmp_path / "sub-2" / "recipe.toml"
    path.write_text(
        path.read_text().replace("[training]\n", "[training]\nepochs = 100\noptimizer = 'adam'\n")
    )
    found = summarize_group([tmp_path / "sub-1", tmp_path / "sub-2"])
    assert not any("training" in note for note in found.notes)
