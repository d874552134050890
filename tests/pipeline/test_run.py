"""A complete run on small data: contents of the run folder, compared with independent results."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small import AFFINE, PLACE_MM, series, write_small

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.permutations import permutation_test
from napari_fmri_decoder.evaluation.saved_scores import scores_from
from napari_fmri_decoder.pipeline import RunDone, finish, prepare_run, run
from napari_fmri_decoder.recipe import load_recipe, make_recipe
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import BatchDone
from napari_fmri_decoder.volumes.frames import apply_affine


def _run(folder, text, **kwargs):
    path = write_small(folder, text, **kwargs)
    return finish(run(load_recipe(path), folder, folder / "run"))


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear")
    return _run(folder, 'name = "linear"\nC = 0.1\n[null]\npermutations = 4')


def test_run_folder_contains_all_files(linear):
    names = {p.name for p in linear.folder.iterdir()}
    assert names >= {
        "recipe.toml",
        "scores.json",
        "predictions.tsv",
        "history.tsv",
        "model.safetensors",
        "folds",
        "report.html",
        "methods.txt",
        "methods.bib",
        "layers",
        "figures",
    }
    assert sorted(p.name for p in (linear.folder / "folds").iterdir()) == [
        f"{i:02d}.safetensors" for i in range(4)
    ]
    scores = json.loads((linear.folder / "scores.json").read_text())
    assert [fold["fold"] for fold in scores["folds"]] == [0, 1, 2, 3]
    predictions = pd.read_csv(linear.folder / "predictions.tsv", sep="\t", dtype={"run": str})
    names = [
        f"run {run}" for _, run in sorted(set(zip(predictions["fold"], predictions["run"], strict=True)))
    ]
    assert names == [fold["name"] for fold in scores["folds"]], "a fold has one number in all files"
    assert set(scores) >= {
        *("accuracy", "balanced_accuracy", "loss", "accuracy_per_fold", "train_accuracy", "chance"),
        *("n_samples", "n_classes", "classes", "baseline", "permutation", "audit", "seconds"),
    }
    assert scores["permutation"]["n"] == 4
    null = pd.read_csv(linear.folder / "null.tsv", sep="\t")
    assert null["score"].mean() == pytest.approx(scores["permutation"]["mean"])
    assert null["permutation"].tolist() == [1, 2, 3, 4]
    assert scores["chance"] == 0.5


def test_the_report_has_the_methods_and_the_brain(linear):
    page = (linear.folder / "report.html").read_text(encoding="utf-8")
    text = (linear.folder / "methods.txt").read_text(encoding="utf-8")
    assert f"{linear.scores.score:.3f}" in text
    assert "p = " in text
    assert text.split(". ")[0] in page
    assert "@article{PhipsonSmyth2010," in (linear.folder / "methods.bib").read_text(encoding="utf-8")
    data = linear.scores.data
    assert data.n_voxels == linear.prepared.samples.space.n_features
    assert data.volume_mm3 == pytest.approx(64 * data.n_voxels)
    assert (data.n_volumes, data.tr, data.n_subjects, data.n_runs, data.n_blocks) == (64, 2.0, 1, 4, 12)
    assert f"{data.n_voxels} voxels of 4 x 4 x 4 mm, {data.volume_mm3:.0f} mm³ in all, decoded on" in page
    assert "<iframe" in page
    assert (linear.folder / "figures" / "planes.png").exists()


def test_report_explains_why_a_linear_model_has_no_curves(linear):
    page = (linear.folder / "report.html").read_text(encoding="utf-8")
    assert "linear is fitted in one step: there are no epochs to draw." in page
    assert not (linear.folder / "figures" / "curves.png").exists()


def test_permutations_without_exchangeable_blocks_are_refused_before_training(tmp_path):
    recipe = load_recipe(write_small(tmp_path, 'name = "linear"\n[null]\npermutations = 4'))
    table = pd.read_csv(tmp_path / "volumes.tsv", sep="\t")
    table["run"] = table["run"].astype(str) + table["label"]  # one label in each run
    table.to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
    plain = recipe.model_copy(update={"prepare": recipe.prepare.model_copy(update={"detrend": False})})
    with pytest.raises(InputError, match="at least one run that has blocks with different labels"):
        prepare_run(plain, tmp_path)


def test_accuracy_equals_scikit_learn_on_the_same_folds(linear):
    volume, table = series()
    X = np.asarray(volume.data).reshape(-1, volume.n_volumes).T
    runs = table["run"].to_numpy()
    cleaned = np.vstack(
        [clean(X[runs == r], detrend=True, standardize="zscore_sample") for r in np.unique(runs)]
    )
    cleaned[:, X.std(axis=0) == 0] = 0
    theirs = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)),
        cleaned,
        table["label"],
        groups=runs,
        cv=LeaveOneGroupOut(),
    )
    ours = pd.read_csv(linear.folder / "predictions.tsv", sep="\t").sort_values("volume")
    assert linear.scores.accuracy == pytest.approx((theirs == table["label"]).mean(), abs=0.02)
    assert (ours["predicted"].to_numpy() == theirs).mean() >= 0.98
    assert ours["true"].tolist() == table["label"].tolist()


def test_probabilities_add_up_and_name_the_prediction(linear):
    table = pd.read_csv(linear.folder / "predictions.tsv", sep="\t")
    columns = ["p_closed", "p_open"]
    np.testing.assert_allclose(table[columns].sum(axis=1), 1, atol=1e-5)
    assert (table[columns].idxmax(axis=1).str.removeprefix("p_") == table["predicted"]).all()


def test_the_resolved_recipe_gives_the_same_scores_again(linear, tmp_path):
    again = finish(run(load_recipe(linear.folder / "recipe.toml"), linear.folder, tmp_path / "again"))
    assert again.scores.to_dict() | {"seconds": 0} == linear.scores.to_dict() | {"seconds": 0}


def test_data_may_be_in_the_run_folder_and_all_inputs_are_hashed(tmp_path):
    study, out = tmp_path / "study", tmp_path / "study" / "run"
    out.mkdir(parents=True)
    write_small(out)
    recipe = load_recipe(out / "recipe.toml").model_dump(mode="json", exclude_none=True)
    recipe["data"]["images"], recipe["labels"]["table"] = ["run/small_bold.nii.gz"], "run/volumes.tsv"
    recipe["split"] = {"scheme": "explicit", "test": ["1"]}
    result = finish(run(make_recipe(recipe), study, out))
    assert result.prepared.recipe.data.images == ("small_bold.nii.gz",)
    inputs = [out / name for name in ("small_bold.nii.gz", "volumes.tsv")]
    expected = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in inputs}
    assert load_bundle(out / "model.safetensors").hashes == expected


def test_the_resolved_slab_is_reused(tmp_path):
    text = (
        'name = "cnn2d"\n[slab]\nrotate_x = 15\nstart = 3\nstop = 6\n'
        '[training]\nepochs = 1\nthreads = 1\n[split]\nscheme = "explicit"\ntest = ["4"]'
    )
    first = _run(tmp_path, text)
    resolved = load_recipe(first.folder / "recipe.toml")
    assert resolved.slab.resolved_shape == first.prepared.samples.space.grid.shape
    changed = make_recipe(
        resolved.model_dump(exclude_none=True)
        | {"slab": resolved.slab.model_dump(exclude_none=True) | {"start": 0, "stop": 1}}
    )
    again = finish(run(changed, first.folder, tmp_path / "again"))
    assert again.prepared.samples.space.grid.same_as(first.prepared.samples.space.grid)
    np.testing.assert_array_equal(again.prepared.samples.X, first.prepared.samples.X)


def test_layers_are_in_scanner_space_at_their_voxels(tmp_path):
    text = (
        'name = "cnn2d"\n[slab]\nrotate_x = 15\nstart = 3\nstop = 6\n'
        '[training]\nepochs = 1\nthreads = 1\n[split]\nscheme = "explicit"\ntest = ["4"]'
    )
    result = _run(tmp_path, text)
    mask = nib.load(result.folder / "layers" / "mask.nii.gz")
    grid = result.prepared.samples.space.grid
    np.testing.assert_allclose(mask.affine, grid.affine, atol=1e-4)
    conv = nib.load(result.folder / "layers" / "cnn2d_conv1.nii.gz")
    assert conv.shape == (*(n - 2 for n in grid.shape[:2]), 1, 32)
    center = apply_affine(grid.affine, [1, 1, 1])  # a 3 x 3 kernel on three planes
    np.testing.assert_allclose(apply_affine(conv.affine, [0, 0, 0]), center, atol=1e-3)


def test_weights_of_the_linear_model_are_largest_where_the_conditions_differ(linear):
    bundle = load_bundle(linear.folder / "model.safetensors")
    weights = bundle.space.paint(bundle.model.state["out.weight"][1], fill=0.0)
    peak = np.unravel_index(np.argmax(weights), weights.shape)
    assert np.linalg.norm(apply_affine(AFFINE, peak) - PLACE_MM) <= 8


def test_shuffled_labels_are_not_decoded(tmp_path):
    path = write_small(tmp_path, 'name = "linear"', strength=0.0, n_runs=6)
    result = finish(run(load_recipe(path), tmp_path, tmp_path / "run"))
    assert 0.3 < result.scores.accuracy < 0.7


def test_a_run_folder_is_never_overwritten(linear):
    before = (linear.folder / "scores.json").read_bytes()
    recipe = load_recipe(linear.folder / "recipe.toml")
    with pytest.raises(InputError, match="already contains a run"):
        finish(run(recipe, linear.folder, linear.folder))
    assert (linear.folder / "scores.json").read_bytes() == before


def test_stopping_within_a_batch_leaves_no_scores(tmp_path):
    path = write_small(tmp_path, 'name = "mlp"\n[training]\nthreads = 1')
    with closing(run(load_recipe(path), tmp_path, tmp_path / "run")) as events:
        for event in events:
            assert not isinstance(event, RunDone)
            if isinstance(event, BatchDone) and event.epoch == 2:
                break
    assert not (tmp_path / "run" / "scores.json").exists()


def _linear_with_runs_left_out(result):
    """Whether the baseline predicts each sample correctly, in scikit-learn's own cross-validation."""
    samples = result.prepared.samples
    predicted = np.empty_like(samples.y)
    for train, test in LeaveOneGroupOut().split(samples.X, groups=samples.groups):
        groups = samples.groups[train]
        scaler = StandardScaler().fit(samples.X[train])
        search = GridSearchCV(
            LogisticRegression(max_iter=1000), {"C": [1e-3, 1e-2, 1e-1, 1.0]}, cv=GroupKFold(3)
        ).fit(scaler.transform(samples.X[train]), samples.y[train], groups=groups)
        predicted[test] = search.predict(scaler.transform(samples.X[test]))
    return predicted == samples.y


def test_baselines_are_known_for_each_run(linear):
    scores = json.loads((linear.folder / "scores.json").read_text())
    correct = pd.Series(_linear_with_runs_left_out(linear)).groupby(linear.prepared.samples.groups).mean()
    assert scores["run_baselines"]["linear"] == pytest.approx(correct.to_dict())
    assert list(scores["run_baselines"]["dummy"]) == list(scores["run_baselines"]["linear"])


def test_the_haxby_example_has_no_audit_finding(haxby, monkeypatch):
    monkeypatch.setenv("FMRI_DECODER_DATA", str(haxby.parent))
    example = Path(__file__).parents[2] / "examples" / "haxby_linear.toml"
    assert prepare_run(load_recipe(example), example.parent).findings == ()


def test_a_random_split_is_blocked_until_it_is_allowed(tmp_path):
    path = write_small(tmp_path, 'name = "linear"\n[split]\nscheme = "random"')
    with pytest.raises(InputError, match=r"run-in-both-parts.*audit\.allow"):
        finish(run(load_recipe(path), tmp_path, tmp_path / "run"))
    codes = '["run-in-both-parts", "neighbours-across-split"]'
    path.write_text(f"{path.read_text()}\n[audit]\nallow = {codes}")
    result = finish(run(load_recipe(path), tmp_path, tmp_path / "run"))
    scores = json.loads((result.folder / "scores.json").read_text())
    assert scores["baseline_by_run"] == pytest.approx(_linear_with_runs_left_out(result).mean())
    page = (result.folder / "report.html").read_text()
    assert f"(with whole runs held out {scores['baseline_by_run']:.3f})" in page
    assert page.count("(allowed on purpose)") == 2
    errors = {f.code for f in result.scores.audit if f.severity == "error"}
    assert errors == {"run-in-both-parts", "neighbours-across-split"}
    assert "run-in-both-parts" in (result.folder / "report.html").read_text()


def test_choosing_the_best_decoder_has_a_p_value_by_the_maximum_statistic(tmp_path):
    compared = '[[compare]]\ndecoder = { name = "lda" }\n[[compare]]\ndecoder = { name = "dummy" }'
    tested = "[null]\npermutations = 9\n[training]\nseed = 3\n[baseline]\nmodels = []"
    result = _run(tmp_path, f'name = "linear"\nC = 0.1\n{compared}\n{tested}')
    scores = json.loads((result.folder / "scores.json").read_text())
    samples, splits = result.prepared.samples, result.prepared.splits
    observed = [scores["accuracy"], *(other["accuracy"] for other in scores["compared"])]
    permuted = []
    for decoder in (result.recipe.decoder, *(other.decoder for other in result.recipe.compare)):
        config = TrainingConfig(seed=3).resolved(decoder)
        test = permutation_test(decoder, samples, splits, config, permutations=9, observed=0.0)
        permuted.append([*test][-1].scores)
    least = (np.max(permuted, axis=0) >= max(observed) - 1e-9).sum()
    best = scores["best_of"]
    assert (best["decoders"], best["n"], best["score"]) == (3, 9, max(observed))
    assert best["p"] == (least + 1) / 10
    assert best["p"] >= scores["permutation"]["p"] or best["decoder"] != "linear"
    assert "The best of 3 decoders is" in (result.folder / "report.html").read_text()
    assert scores_from(scores).best_of.p == best["p"]


def test_compared_decoders_use_the_same_folds(tmp_path):
    compared = (
        '[[compare]]\ndecoder = { name = "dummy" }\n[[compare]]\ndecoder = { name = "mlp", hidden = 4 }'
    )
    result = _run(tmp_path, f'name = "linear"\nC = 0.1\n{compared}\ntraining = {{ epochs = 2, threads = 1 }}')
    scores = json.loads((result.folder / "scores.json").read_text())
    dummy, mlp = scores["compared"]
    assert dummy["decoder"]["name"] == "dummy"
    assert dummy["accuracy"] == scores["baseline"]["dummy"] == pytest.approx(0.5)
    assert mlp["decoder"]["hidden"] == 4
    assert len(mlp["accuracy_per_fold"]) == 4
    assert "Other decoders" in (result.folder / "report.html").read_text()
