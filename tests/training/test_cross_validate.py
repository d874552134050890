"""Folds: against scikit-learn's own cross-validation, and what each fold tells."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import (
    EpochDone,
    FitDone,
    FitStarted,
    FoldDone,
    FoldResult,
    FoldStarted,
    Note,
    TrainingEvent,
)
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.training.seeds import derive_seed

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

SHORT = TrainingConfig(epochs=4, threads=1, device="cpu")


def results(events: list[TrainingEvent]) -> list[FoldResult]:
    return [e.result for e in events if isinstance(e, FoldDone)]


def test_linear_equals_a_scikit_learn_pipeline(toy: Samples) -> None:
    """Scaling inside the fold included."""
    splits = make_splits(SplitConfig(), toy.table)
    folds = results(
        list(
            cross_validate(
                get_decoder({"name": "linear", "C": 0.1}),
                toy,
                splits,
                SHORT.resolved(get_decoder({"name": "linear", "C": 0.1})),
            )
        )
    )
    expected = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=10_000, tol=1e-9)),
        toy.X.astype(np.float64),
        toy.y,
        groups=toy.groups,
        cv=LeaveOneGroupOut(),
        method="predict_proba",
    )
    assert len(folds) == 5
    for fold in folds:
        np.testing.assert_allclose(fold.probabilities, expected[fold.split.test], atol=1e-4)
        assert fold.test.loss == pytest.approx(log_loss(toy.y[fold.split.test], fold.probabilities), abs=1e-6)


def test_a_fold_reports_its_start_its_fit_and_its_result(toy: Samples, thirds: list[Split]) -> None:
    events = list(
        cross_validate(
            get_decoder({"name": "mlp", "hidden": 8}),
            toy,
            thirds,
            SHORT.resolved(get_decoder({"name": "mlp", "hidden": 8})),
        )
    )
    assert [e for e in events if isinstance(e, FoldStarted)] == [
        FoldStarted(0, 2, "run 1"),
        FoldStarted(1, 2, "run 4"),
    ]
    assert isinstance(events[0], FoldStarted)
    assert isinstance(events[-1], FoldDone)
    for fold, split in zip(results(events), thirds, strict=True):
        assert fold.split is split
        assert fold.probabilities.shape == (12, 3)
        assert fold.train_probabilities.shape == (48, 3)
        assert [e.epoch for e in fold.history] == [1, 2, 3, 4]
        assert astuple(fold.history[-1].test) == pytest.approx(astuple(fold.test), abs=1e-6)
        assert fold.untrained_train is not None
        assert fold.untrained_train.loss > fold.train.loss
        np.testing.assert_allclose(
            predict_proba(fold.model, toy.X[split.test], toy.space), fold.probabilities, atol=1e-6
        )


def test_a_fold_is_the_same_alone_and_among_others(toy: Samples, thirds: list[Split]) -> None:
    """Its seed comes from its number, not from what ran before."""
    decoder = get_decoder({"name": "mlp", "hidden": 8})
    second = results(list(cross_validate(decoder, toy, thirds, SHORT.resolved(decoder))))[1]
    train = thirds[1].train
    *_, done = fit(
        decoder,
        toy.X[train],
        toy.y[train],
        3,
        toy.space,
        SHORT.resolved(decoder),
        seed=derive_seed(SHORT.seed, fold=1),
    )
    assert isinstance(done, FitDone)
    for name, value in second.model.state.items():
        np.testing.assert_array_equal(done.model.state[name], value)


def test_permutations_and_folds_have_their_own_first_weights(toy: Samples, thirds: list[Split]) -> None:
    decoder = get_decoder({"name": "mlp", "hidden": 8})
    losses = {
        e.train.loss
        for permutation in (0, 1)
        for e in cross_validate(decoder, toy, thirds, SHORT.resolved(decoder), permutation=permutation)
        if isinstance(e, FitStarted) and e.train
    }
    assert len(losses) == 4


def test_the_test_part_teaches_nothing(toy: Samples, poisoned: Samples, thirds: list[Split]) -> None:
    for options in ({"name": "linear", "C": "nested"}, {"name": "mlp", "hidden": 8}):
        clean, dirty = (
            results(
                list(
                    cross_validate(
                        get_decoder(options), samples, thirds[:1], SHORT.resolved(get_decoder(options))
                    )
                )
            )[0]
            for samples in (toy, poisoned)
        )
        for name, value in clean.model.state.items():
            np.testing.assert_array_equal(dirty.model.state[name], value)
        np.testing.assert_array_equal(clean.train_probabilities, dirty.train_probabilities)


def test_a_note_is_reported_once_and_not_per_fold(toy: Samples, thirds: list[Split]) -> None:
    decoder = get_decoder({"name": "cnn2d", "filters": [2, 2, 2], "dense": [4]})
    notes = [
        e.message
        for e in cross_validate(decoder, toy, thirds, SHORT.resolved(decoder))
        if isinstance(e, Note)
    ]
    assert len(notes) == 1


def test_estimators_have_no_untrained_state(toy: Samples, thirds: list[Split]) -> None:
    (fold, _) = results(
        list(
            cross_validate(
                get_decoder({"name": "dummy"}), toy, thirds, SHORT.resolved(get_decoder({"name": "dummy"}))
            )
        )
    )
    assert fold.untrained_train is None
    assert fold.untrained_test is None
    assert fold.test.accuracy == pytest.approx(1 / 3)
    assert fold.test.loss == pytest.approx(np.log(3), abs=1e-6)


def test_refit_learns_from_all_samples(toy: Samples) -> None:
    started, *middle, done = refit(
        get_decoder({"name": "mlp", "hidden": 8}),
        toy,
        SHORT.resolved(get_decoder({"name": "mlp", "hidden": 8})),
        n_folds=5,
    )
    assert started == FoldStarted(5, 5, "all samples")
    assert all(e.test is None for e in middle if isinstance(e, EpochDone))
    assert isinstance(done, FitDone)
    np.testing.assert_allclose(done.model.scaler.mean, toy.X.mean(axis=0), rtol=1e-5)


def test_closing_stops_the_fit_within_a_fold(toy: Samples, thirds: list[Split]) -> None:
    events = cross_validate(
        get_decoder({"name": "mlp", "hidden": 8}),
        toy,
        thirds,
        SHORT.resolved(get_decoder({"name": "mlp", "hidden": 8})),
    )
    for event in events:
        if isinstance(event, EpochDone):
            events.close()
    assert isinstance(event, EpochDone)
