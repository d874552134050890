"""A run whose networks vote: scores, files, reopening and resuming agree with one another."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from small import write_small

from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.pipeline.reopening import reopen_steps
from napari_fmri_decoder.pipeline.saved_run import read_saved_run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.events import FitStarted
from napari_fmri_decoder.training.predict import predict_proba

MLP = (
    'name = "mlp"\nhidden = 4\n[null]\npermutations = 4\n[report]\nfigures = "none"\n'
    "[training]\nepochs = 3\nseeds = 3\naverage = true\nthreads = 1"
)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("averaged")
    write_small(folder, MLP, strength=6.0)
    return finish(run(load_recipe(folder / "recipe.toml"), folder, folder / "run"))


def test_scores_and_files_are_those_of_all_networks(result) -> None:
    samples = result.prepared.samples
    table = pd.read_csv(result.folder / "predictions.tsv", sep="\t")
    columns = [f"p_{name}" for name in samples.classes]
    for fold in result.folds:
        assert len(fold.model.others) == 2
        bundle = load_bundle(result.folder / "folds" / f"{fold.fold:02d}.safetensors")
        found = predict_proba(bundle.model, samples.X[fold.split.test], samples.space)
        np.testing.assert_allclose(found, fold.probabilities, atol=1e-6)
        np.testing.assert_allclose(table.loc[table["fold"] == fold.fold, columns], found, atol=1e-5)
    scores = json.loads((result.folder / "scores.json").read_text())
    assert scores["accuracy"] == pytest.approx(np.mean(table["true"] == table["predicted"]))
    assert len(scores["seeds"]["scores"]) == 3
    assert scores["permutation"]["n"] == 4
    saved = load_bundle(result.folder / "model.safetensors").model
    assert len(saved.others) == 2
    np.testing.assert_array_equal(
        predict_proba(saved, samples.X, samples.space), predict_proba(result.model, samples.X, samples.space)
    )


@pytest.mark.parametrize("tasks", [True, False])
def test_a_reopened_run_is_that_of_all_networks(result, tasks: bool, tmp_path) -> None:
    copy = shutil.copytree(result.folder.parent, tmp_path / "copy") / "run"
    if not tasks:
        shutil.rmtree(copy / "tasks")
    again = run_to_end(reopen_steps(read_saved_run(copy)))
    for before, after in zip(result.folds, again.folds, strict=True):
        np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-5)
        assert len(after.model.others) == 2


def test_it_resumes_without_repeating_a_fit(result, tmp_path) -> None:
    copy = shutil.copytree(result.folder.parent, tmp_path / "copy")
    (copy / "run" / "scores.json").unlink()
    events = list(run(load_recipe(copy / "recipe.toml"), copy, copy / "run", resume=True))
    assert not any(isinstance(event, FitStarted) for event in events)
    before, after = (
        json.loads((folder / "scores.json").read_text()) | {"seconds": 0}
        for folder in (result.folder, copy / "run")
    )
    assert after == before
