"""A run folder of version 0.1 (commit 1f9ae0d; tests/data/run-0.1/make.py) still opens and resumes."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.affines import apply_affine

from napari_fmri_decoder.evaluation.group import summarize_group
from napari_fmri_decoder.pipeline import RunDone, finish, predict, prepare_run, run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.samples.example_data.phantom import make_phantom
from napari_fmri_decoder.samples.example_data.phantom_anatomy import V1
from napari_fmri_decoder.training.bundle import load_bundle
from napari_fmri_decoder.training.bundle.bundle import versions
from napari_fmri_decoder.training.events import FitStarted
from napari_fmri_decoder.training.tasks.store import digest_of
from napari_fmri_decoder.volumes.read import read

DATA = Path(__file__).parents[1] / "data" / "run-0.1"


@pytest.fixture(scope="module")
def image() -> nib.Nifti1Image:
    """The images of the study, as make.py cuts them from the phantom."""
    bold = make_phantom().bold
    center = apply_affine(np.linalg.inv(bold.affine), np.mean(V1, axis=0)).round().astype(int)
    x, y, z = (slice(middle - half, middle + half) for middle, half in zip(center, (4, 3, 4), strict=True))
    volumes = np.flatnonzero((np.arange(384) % 64 < 32) & (np.arange(384) < 192))
    affine = bold.affine.copy()
    affine[:3, 3] = apply_affine(affine, [x.start, y.start, z.start])
    cut = nib.Nifti1Image(np.asarray(bold.data[x, y, z])[..., volumes].astype(np.int16), affine)
    cut.header.set_xyzt_units("mm", "sec")
    cut.header["pixdim"][4] = 2
    return cut


@pytest.fixture
def folder(tmp_path: Path, image: nib.Nifti1Image) -> Path:
    """A copy of study and run folder, with the images."""
    copy = Path(shutil.copytree(DATA, tmp_path / "old"))
    nib.save(image, copy / "study" / "bold.nii")
    return copy


def scores_of(folder: Path) -> dict[str, Any]:
    scores: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return scores | {"seconds": 0}


def test_its_recipes_load_and_are_written_unchanged(folder: Path) -> None:
    for path in (folder / "study" / "recipe.toml", folder / "run" / "recipe.toml"):
        recipe = load_recipe(path)
        assert recipe.decoder.name == "linear"
        assert recipe.null.permutations == 3
        assert [other.decoder.name for other in recipe.compare] == ["dummy"]


def test_its_recipe_gives_the_same_predictions(folder: Path, tmp_path: Path) -> None:
    recipe = load_recipe(folder / "run" / "recipe.toml")
    finish(run(recipe, folder / "run", tmp_path / "repeated"))
    before, after = (
        pd.read_csv(path / "predictions.tsv", sep="\t") for path in (folder / "run", tmp_path / "repeated")
    )
    assert after["predicted"].tolist() == before["predicted"].tolist()
    # That version stopped the linear decoder at a gradient of 1e-4; it converges now.
    np.testing.assert_allclose(after["p_open"], before["p_open"], atol=2e-3)


def test_it_resumes_without_repeating_a_fit(folder: Path) -> None:
    out = folder / "run"
    before = scores_of(out)
    (out / "scores.json").unlink()  # as if it had been killed at its end
    begun = out / "tasks" / "run.json"
    recipe = load_recipe(folder / "study" / "recipe.toml")
    prepared = prepare_run(recipe, folder / "study")
    here = {"versions": versions(), "samples": digest_of(prepared.samples, prepared.splits)}  # last digits
    begun.write_text(json.dumps(json.loads(begun.read_text()) | here))
    fits = 0
    with closing(run(recipe, folder / "study", out, resume=True)) as events:
        for event in events:
            fits += isinstance(event, FitStarted)
            if isinstance(event, RunDone):
                assert event.result.scores.accuracy == before["accuracy"]
    assert fits == 0
    after = scores_of(out)
    for other in after["compared"]:
        del other["calibration"]  # that version had none
    for name in ("accuracy", "accuracy_per_fold", "permutation", "compared", "classes"):
        assert after[name] == before[name]
    lda = after["baseline"].pop("lda")  # that version had no such baseline
    assert 0.5 < lda <= 1
    assert after["baseline"] == before["baseline"]


def test_its_scores_are_summarized(folder: Path) -> None:
    shutil.copytree(folder / "run", folder / "second")
    summary = summarize_group([folder / "run", folder / "second"]).to_dict()
    assert summary["mean"] == pytest.approx(scores_of(folder / "run")["accuracy"])


def test_its_model_predicts_as_it_did(folder: Path) -> None:
    model = load_bundle(folder / "run" / "model.safetensors")
    scan = read(folder / "study" / "bold.nii")
    before = pd.read_csv(folder / "predicted.tsv", sep="\t")
    table, notes = predict(model, scan, runs=(32, 32, 32), home=folder / "run")
    assert [note.partition("(")[0] for note in notes] == ["The model was trained on this scan "]
    assert model.classes == ("closed", "open")
    assert table["predicted"].tolist() == before["predicted"].tolist()
    np.testing.assert_allclose(table["p_open"], before["p_open"], atol=1e-5)
