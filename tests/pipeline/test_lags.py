"""The curve peaks at the lag that the data were made with, and a nested lag never sees the test set."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.figures import lag_figure
from napari_fmri_decoder.evaluation.lag_curve import LagCurve
from napari_fmri_decoder.evaluation.saved_scores import scores_from
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.pipeline.lags import lags_of
from napari_fmri_decoder.recipe import Recipe
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

RUNS, BLOCKS, TR, TRUE_S = 4, 12, 2.5, 5.0


def made(folder, noise: float = 1.0, seed: int = 0, **labels: object) -> Recipe:
    """Write blocks of 3 volumes and 2 of rest, whose response begins 5 s late; return the recipe."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(list("ab") * (BLOCKS // 2)) for _ in range(RUNS)])
    label = np.concatenate([[name] * 3 + ["rest"] * 2 for name in order])
    run_of = np.repeat(np.arange(RUNS), BLOCKS * 5)
    shown = pd.Series(label).groupby(run_of).shift(round(TRUE_S / TR)).fillna("rest")
    patterns = rng.normal(size=(2, 60))
    X = noise * rng.normal(size=(len(label), 60)) + 0.7 * patterns[0] * (shown == "a").to_numpy()[:, None]
    X += 0.7 * patterns[1] * (shown == "b").to_numpy()[:, None]
    data = 100 + X.T.reshape(5, 4, 3, -1).astype(np.float32)
    write(Volume(data, np.eye(4), "bold", TR), folder / "bold.nii.gz")
    pd.DataFrame({"label": label, "run": run_of}).to_csv(folder / "v.tsv", sep="\t", index=False)
    return Recipe.model_validate(
        {
            "data": {"images": "bold.nii.gz"},
            "labels": {"source": "table", "table": "v.tsv", "exclude": ["rest"], **labels},
            "prepare": {"detrend": False, "standardize_runs": False},
            "decoder": {"name": "lda"},
            "baseline": {"models": ["lda"]},
            "report": {"figures": "none", "lag_curve": True},
        }
    )


def test_the_curve_peaks_at_the_lag_of_the_data_and_folds_choose_it(tmp_path):
    prepared = prepare_run(made(tmp_path, lag="nested"), tmp_path)
    curve = prepared.lag
    assert curve.lags == (0.0, 2.5, 5.0, 7.5, 10.0)
    assert abs(curve.peak - TRUE_S) <= TR
    assert curve.scores[2] > 0.85
    assert curve.scores[2] > curve.scores[0] + 0.2
    assert all(abs(lag - TRUE_S) <= TR for lag in curve.chosen.values())
    assert list(curve.chosen) == [f"run {i}" for i in range(RUNS)]
    given = prepare_run(made(tmp_path, lag=0.0), tmp_path)
    assert given.lag == replace(curve, chosen={})
    assert len(given.samples.X) == RUNS * BLOCKS * 3


@pytest.mark.parametrize(("noise", "seed"), [(1.0, 0), (6.0, 2)])
def test_the_score_of_each_fold_is_that_of_its_own_lag(tmp_path, noise, seed):
    recipe = made(tmp_path, noise, seed, lag="nested")
    finish(run(recipe, tmp_path, tmp_path / "nested"))
    scores = json.loads((tmp_path / "nested" / "scores.json").read_text())
    chosen = scores["lag"]["chosen"]
    assert (len(set(chosen.values())) > 1) == (noise > 1)  # with noise, folds choose different lags
    fixed = {}
    for lag in set(chosen.values()):
        finish(run(made(tmp_path, noise, seed, lag=lag), tmp_path, tmp_path / f"fixed {lag}"))
        fixed[lag] = json.loads((tmp_path / f"fixed {lag}" / "scores.json").read_text())
    expected = [fixed[lag]["accuracy_per_fold"][i] for i, lag in enumerate(chosen.values())]
    assert scores["accuracy_per_fold"] == pytest.approx(expected)
    assert (
        "Each training set chose the lag of the labels" in (tmp_path / "nested" / "report.html").read_text()
    )
    assert scores_from(scores).lag.chosen == chosen
    predictions = pd.read_csv(tmp_path / "nested" / "predictions.tsv", sep="\t")
    assert not predictions.duplicated("volume").any()


def test_the_test_set_has_no_say_in_its_lag(tmp_path):
    clean = prepare_run(made(tmp_path, 3.0, lag="nested"), tmp_path).lag
    recipe = made(tmp_path, 3.0, lag="nested")
    table = pd.read_csv(tmp_path / "v.tsv", sep="\t")
    last = table["run"] == RUNS - 1
    table.loc[last, "label"] = table.loc[last, "label"].to_numpy()[::-1]
    table.to_csv(tmp_path / "v.tsv", sep="\t", index=False)
    spoilt = prepare_run(recipe, tmp_path).lag
    assert spoilt.chosen[f"run {RUNS - 1}"] == clean.chosen[f"run {RUNS - 1}"]
    assert spoilt.scores != clean.scores


def test_maps_and_folds_that_depend_on_the_lag_are_refused(tmp_path):
    recipe = made(tmp_path, lag="nested")
    folds = Recipe.model_validate(recipe.written() | {"split": {"scheme": "group-k-fold", "n_splits": 2}})
    with pytest.raises(InputError, match="the scheme is group-k-fold"):
        prepare_run(folds, tmp_path)
    maps = recipe.written()
    maps["data"]["kind"] = "stat"
    with pytest.raises(InputError, match="but these are maps"):
        prepare_run(Recipe.model_validate(maps), tmp_path)


@pytest.mark.parametrize("step", [0.4, 0.72, 1.0, 2.0, 3.0])
def test_lags_are_multiples_of_the_repetition_time(step):
    lags = np.array(lags_of(step))
    np.testing.assert_allclose(lags / step, np.round(lags / step), atol=1e-5)
    assert lags[0] == 0
    assert 12 - max(step, 2.0) < lags[-1] <= 12
    assert np.diff(lags).min() >= 1 - 1e-9


def test_the_figure_shows_every_lag_and_how_many_folds_chose_it():
    curve = LagCurve((0.0, 2.5, 5.0), (0.5, 0.7, 0.9), {"run 1": 5.0, "run 2": 2.5, "run 3": 5.0})
    (ax,) = lag_figure(curve, 0.5).axes
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), np.column_stack([curve.lags, curve.scores]))
    sizes = ax.collections[0].get_sizes()
    np.testing.assert_allclose(sizes / sizes.max(), [0, 0.5, 1])
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["lda, peak at 5 s", "chance 0.500", "chosen, 3 folds"]
