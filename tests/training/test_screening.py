"""Screening finds what scikit-learn finds, in the training part alone, and predicting uses it again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.bundle.bundle import Bundle, load_bundle, save_bundle
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FoldDone
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.screening import screen
from napari_fmri_decoder.training.tasks.tasks import pack_fold, unpack_fold
from napari_fmri_decoder.volumes.frames import Grid

LINEAR = {"name": "linear", "C": 0.1}


def config(**values: object) -> TrainingConfig:
    return TrainingConfig.model_validate({"epochs": 2, "threads": 1, "device": "cpu"} | values)


def folds_of(samples: Samples, splits, settings: TrainingConfig, **decoder: object):
    events = cross_validate(
        get_decoder(decoder or LINEAR), samples, splits, settings.resolved(get_decoder(decoder or LINEAR))
    )
    return [event.result for event in events if isinstance(event, FoldDone)]


def test_the_voxels_are_those_of_scikit_learn(toy: Samples) -> None:
    X = toy.X.copy()
    X[:, 7] = 5  # constant: it has no F
    chosen = SelectKBest(f_classif, k=20).fit(np.delete(X, 7, 1).astype(float), toy.y).get_support()
    ours = screen(X, toy.y, 20)
    np.testing.assert_array_equal(np.delete(ours, 7), chosen)
    assert not ours[7]
    assert screen(X, toy.y, 0.25).sum() == round(0.25 * X.shape[1])
    assert screen(X, toy.y, 1e-9).sum() == 1
    assert screen(X, toy.y, 10_000).all()


def test_folds_equal_a_pipeline_of_scikit_learn(toy: Samples, thirds) -> None:
    for result in folds_of(toy, thirds, config(screening=25)):
        train, test = result.split.train, result.split.test
        theirs = make_pipeline(
            SelectKBest(f_classif, k=25),
            StandardScaler(),
            LogisticRegression(C=0.1, max_iter=10_000, tol=1e-9),
        ).fit(toy.X[train].astype(float), toy.y[train])
        np.testing.assert_allclose(
            result.probabilities, theirs.predict_proba(toy.X[test].astype(float)), atol=2e-5
        )
        np.testing.assert_array_equal(result.model.screened, theirs[0].get_support())


def test_a_nested_C_is_chosen_on_voxels_that_each_inner_fold_screens(toy: Samples, thirds) -> None:
    values = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    noisy = replace(toy, X=toy.X + np.float32(25) * np.random.default_rng(1).normal(size=toy.X.shape))
    noisy = replace(noisy, X=noisy.X.astype(np.float32))
    made = folds_of(noisy, thirds, config(screening=6), name="linear", C="nested", candidates=values)
    for result in made:
        X, y = (part[result.split.train] for part in (noisy.X.astype(float), noisy.y))
        runs = noisy.groups[result.split.train]
        scores = []
        for C in values:
            model = make_pipeline(
                SelectKBest(f_classif, k=6), StandardScaler(), LogisticRegression(C=C, max_iter=10_000)
            )
            folds = GroupKFold(4).split(X, y, runs)
            predicted = cross_val_predict(model, X, y, cv=list(folds))
            scores.append(balanced_accuracy_score(y, predicted))
        assert result.model.decoder.C == values[int(np.argmax(scores))]
        assert result.model.screened.sum() == 6


def test_the_test_part_has_no_say(toy: Samples, poisoned: Samples, thirds) -> None:
    (clean, _), (spoilt, _) = (folds_of(s, thirds, config(screening=25)) for s in (toy, poisoned))
    np.testing.assert_array_equal(clean.model.screened, spoilt.model.screened)


def test_pure_noise_stays_at_chance_and_would_not_if_all_samples_were_screened() -> None:
    rng = np.random.default_rng(0)
    space = Space(Grid((20, 20, 5), np.eye(4)), np.ones((20, 20, 5), bool))
    X = rng.normal(size=(80, space.n_features)).astype(np.float32)
    table = pd.DataFrame({"volume": range(80), "label": ["a", "b"] * 40, "subject": "", "session": ""})
    table = table.assign(run=np.repeat(list("12345678"), 10), block=range(80))
    samples = Samples(X, table, ("a", "b"), space)
    splits = make_splits(SplitConfig(), table)
    inside = np.mean([r.test.accuracy for r in folds_of(samples, splits, config(screening=40))])
    seen = screen(X, samples.y, 40)
    leaky = replace(samples, X=X[:, seen], space=space.only(seen))
    outside = np.mean([r.test.accuracy for r in folds_of(leaky, splits, config())])
    assert outside > 0.8
    assert 0.35 < inside < 0.65  # 80 samples: a standard deviation of 0.056 around 0.5


@pytest.mark.parametrize("options", [LINEAR, {"name": "mlp", "hidden": 6}, {"name": "cnn2d", "filters": [4]}])
def test_a_saved_model_screens_again(options, toy: Samples, tmp_path) -> None:
    *_, done = fit(
        get_decoder(options),
        toy.X,
        toy.y,
        3,
        toy.space,
        config(screening=0.5, epochs=2).resolved(get_decoder(options)),
        seed=0,
    )
    assert isinstance(done, FitDone)
    assert done.model.screened.sum() == len(done.model.scaler.mean) == round(toy.X.shape[1] / 2)
    path = save_bundle(Bundle(done.model, toy.space, toy.classes), tmp_path / "m.safetensors")
    back = load_bundle(path)
    np.testing.assert_array_equal(back.model.screened, done.model.screened)
    predicted = predict_proba(back.model, toy.X, back.space)
    np.testing.assert_array_equal(predicted, predict_proba(done.model, toy.X, toy.space))
    changed = toy.X.copy()
    changed[:, ~done.model.screened] = 1e6
    np.testing.assert_array_equal(predict_proba(back.model, changed, back.space), predicted)


def test_a_number_of_voxels_is_an_integer() -> None:
    with pytest.raises(ValidationError, match="must be an integer"):
        config(screening=12.5)
    assert config(screening=500).screening == 500


def test_a_stored_fold_gives_the_same_predictions(toy: Samples, thirds) -> None:
    for result in folds_of(toy, thirds, config(screening=25)):
        again, notes = unpack_fold(pack_fold(result, ["said"]), 0, result.split, result.model.decoder)
        np.testing.assert_array_equal(again.model.screened, result.model.screened)
        seen = [predict_proba(model, toy.X, toy.space) for model in (result.model, again.model)]
        np.testing.assert_array_equal(*seen)
        assert notes == ["said"]
