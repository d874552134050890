"""Z-maps as files, and as a part of a recipe: a series that all else takes as any other."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel
from small import series as small_series

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import prepare_run
from napari_fmri_decoder.pipeline.predicting import features_of
from napari_fmri_decoder.pipeline.running import finish, run
from napari_fmri_decoder.pipeline.zmapping import ZMapsDone, write_zmaps
from napari_fmri_decoder.recipe import load_recipe, make_recipe, parse_recipe
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, Progress
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read

EXAMPLE = Path(__file__).parents[2] / "examples" / "haxby_zmaps_linear.toml"
TABLE = parse_labels({"source": "table", "table": "volumes.tsv", "exclude": ["closed"]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    volume, table = small_series(3)
    write(volume, tmp_path / "small_bold.nii.gz")
    table.to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
    return tmp_path


def _written(folder: Path, out: Path, **options: object) -> ZMapsDone:
    config = ZMapsConfig(**({"hrf": "none", "noise": "ols", "drift": "none"} | options))
    *_, done = write_zmaps(read(folder / "small_bold.nii.gz"), TABLE, config, out, base=folder)
    assert isinstance(done, ZMapsDone)
    return done


def test_the_folder_opens_as_one_series_labeled_by_its_table_or_names(folder):
    done = _written(folder, folder / "maps", estimate="lsa", drift="cosine", high_pass=0.01)
    maps = read(folder / "maps")
    assert (maps.kind, maps.step, maps.intent) == ("stat", None, "z score")
    np.testing.assert_allclose(maps.at(1), done.made.maps.at(1), atol=1e-6)
    written = pd.read_csv(folder / "maps" / "volumes.tsv", sep="\t", dtype=str)
    assert [f"{name}.nii.gz" for name in maps.names] == written["file"].tolist()
    by_table, _ = label_table(
        parse_labels({"source": "table", "table": "volumes.tsv"}), maps, folder / "maps"
    )
    pattern = r"run-0?(?P<run>\d+)_trial-\d+_(?P<label>[a-z]+)_zmap"
    by_name, _ = label_table(parse_labels({"source": "filename", "pattern": pattern}), maps, folder)
    pd.testing.assert_frame_equal(by_table[by_name.columns], by_name)
    assert by_table["run"].tolist() == ["1", "2", "3"]
    about = json.loads((folder / "maps" / "zmaps.json").read_text())
    assert about["settings"]["estimate"] == "lsa"
    assert [r["events"] for r in about["runs"]] == [[{"onset": 8, "duration": 16, "label": "open"}]] * 3
    assert set(map(len, about["inputs"].values())) == {64}
    with pytest.raises(InputError, match=r"already contains volumes\.tsv"):
        _written(folder, folder / "maps")


def test_stopped_or_refused_work_leaves_no_files(folder):
    config = ZMapsConfig(hrf="none", noise="ols")
    steps = write_zmaps(read(folder / "small_bold.nii.gz"), TABLE, config, folder / "maps", base=folder)
    for event in steps:
        if getattr(event, "what", "") == "writing":
            break
    assert (folder / "maps").exists()
    steps.close()
    assert not (folder / "maps").exists()


def test_a_recipe_decodes_z_maps_of_bold_files(folder):
    wider, table = small_series(3)
    table["label"] = np.tile(np.repeat(["closed", "open", "rest", "closed"], 4), 3)
    table.to_csv(folder / "volumes.tsv", sep="\t", index=False)
    recipe = make_recipe(
        {
            "data": {"images": "small_bold.nii.gz", "mask": {"strategy": "threshold", "above": 300}},
            "labels": {"source": "table", "table": "volumes.tsv", "exclude": ["rest"]},
            "zmaps": {"hrf": "none", "noise": "ols", "drift": "none"},
            "prepare": {"center_runs": True},
            "decoder": {"name": "linear"},
        }
    )
    assert parse_recipe(recipe.to_toml()) == recipe
    prepared = prepare_run(recipe, folder)
    assert prepared.samples.table[["label", "run", "block"]].to_numpy().tolist() == [
        [label, str(run + 1), 2 * run + i] for run in range(3) for i, label in enumerate(("closed", "open"))
    ]
    assert (prepared.recipe.prepare.detrend, prepared.recipe.prepare.standardize_runs) == (False, False)
    assert any("6 z-maps of 2 condition(s) were computed from 48 volumes" in note for note in prepared.notes)
    mask = prepared.samples.space.mask
    np.testing.assert_array_equal(mask, wider.mean().at(0) > 300)
    model = FirstLevelModel(2.0, hrf_model=None, drift_model=None, noise_model="ols", signal_scaling=False,
                            mask_img=nib.Nifti1Image(mask.astype(np.uint8), wider.affine))  # fmt: skip
    events = pd.DataFrame(
        [(0, 8, "closed"), (8, 8, "open"), (24, 8, "closed")], columns=["onset", "duration", "trial_type"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nilearn's, about the mask that it was given
        model.fit(nib.Nifti1Image(np.asarray(wider.data)[..., 16:32], wider.affine), events)
    z = [model.compute_contrast(c, output_type="z_score").get_fdata()[mask] for c in ("closed", "open")]
    np.testing.assert_allclose(prepared.samples.X[2], z[0] - np.mean(z, axis=0), atol=1e-4)

    events = list(run(recipe, folder, folder / "run"))
    reported = [(e.done, e.total) for e in events if isinstance(e, Progress) and e.what == "z-maps"]
    assert reported == sorted(reported)
    assert reported[0] == (0, 6)
    assert len(reported) > 3
    assert finish(iter(events)).scores.accuracy == 1
    bundle = load_bundle(folder / "run" / "model.safetensors")
    with pytest.raises(InputError, match="decodes z-maps"):
        features_of(bundle, wider)
    again = load_recipe(folder / "run" / "recipe.toml")
    np.testing.assert_array_equal(prepare_run(again, folder / "run").samples.X, prepared.samples.X)


def test_haxby_example_reaches_its_reference_score(haxby, monkeypatch):
    """References (README of the data): linear, C nested, 0.792; SVM at C = 1e-2 0.813; chance 0.125."""
    monkeypatch.setenv("FMRI_DECODER_DATA", str(haxby.parent))
    recipe = load_recipe(EXAMPLE)
    samples = prepare_run(recipe, EXAMPLE.parent).samples
    assert samples.X.shape == (96, 530)
    splits = make_splits(recipe.split, samples.table)

    def accuracy(decoder) -> float:
        config = TrainingConfig(threads=1, device="cpu").resolved(decoder)
        folds = [
            e.result for e in cross_validate(decoder, samples, splits, config) if isinstance(e, FoldDone)
        ]
        assert len(folds) == 12
        return float(np.mean([fold.test.accuracy for fold in folds]))

    assert accuracy(recipe.decoder) >= 0.77
    assert accuracy(recipe.compare[0].decoder) >= 0.78


def test_haxby_events_files_and_table_give_the_same_maps(haxby, tmp_path):
    config = ZMapsConfig(hrf="none", noise="ols")
    folds = []
    for images, labels in (
        (haxby / "sub-1" / "func" / "sub-1_task-objectviewing_run-02_bold.nii.gz", {"source": "events"}),
        (
            haxby / "bold.nii.gz",
            {"source": "table", "table": str(haxby / "volumes.tsv"), "exclude": ["rest"]},
        ),
    ):
        mask = read(haxby / "mask.nii.gz")
        out = tmp_path / labels["source"]
        steps = write_zmaps(read(images), parse_labels(labels), config, out, base=haxby, mask=mask)
        *_, done = steps
        folds.append(done.made)
    by_events, by_table = folds
    second = by_table.table[by_table.table["run"] == "2"]
    assert by_events.table["label"].tolist() == second["label"].tolist()
    for mine, theirs in zip(range(8), second["volume"], strict=True):
        np.testing.assert_allclose(by_events.maps.at(mine), by_table.maps.at(theirs), atol=1e-5)
