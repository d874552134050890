"""The validation part: what is held back, that nothing learns from it, and which epoch is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import (
    EpochDone,
    FitDone,
    FitStarted,
    FittedModel,
    FoldDone,
    Note,
)
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.training.tasks.tasks import Tasks
from napari_fmri_decoder.training.validation import best_epoch, epochs_of_refit, split_validation

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

MLP = get_decoder({"name": "mlp", "hidden": 8})


def config(**values: Any) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {"threads": 1, "device": "cpu", "epochs": 30, "validation": "runs", "learning_rate": 0.5} | values
    )


@pytest.fixture
def noisy(toy: Samples) -> Samples:
    """The toy problem in so much noise that a network soon learns by heart."""
    rng = np.random.default_rng(1)
    return replace(toy, X=(toy.X + rng.normal(0, 90, toy.X.shape)).astype(np.float32))


def heard(samples: Samples, settings: TrainingConfig, **options: Any) -> list[Any]:
    X, y, runs = samples.X, samples.y, samples.groups
    return list(fit(MLP, X, y, 3, samples.space, settings.resolved(MLP), seed=0, groups=runs, **options))


def model_of(events: list[Any]) -> FittedModel:
    assert isinstance(events[-1], FitDone)
    return events[-1].model


def epochs_of(events: list[Any]) -> list[EpochDone]:
    return [e for e in events if isinstance(e, EpochDone)]


def same(a: FittedModel, b: FittedModel) -> bool:
    return all(np.array_equal(a.state[name], b.state[name]) for name in a.state)


@pytest.mark.parametrize(
    ("sizes", "fraction", "held"),
    [
        ([10, 10, 10, 10, 10], 0.2, 10),
        ([10, 10, 10, 10, 10], 0.35, 20),
        ([10, 10], 0.01, 10),  # at least one
        ([10, 10], 0.99, 10),  # never all
        ([5, 5, 30], 0.2, 30),
        ([30, 5, 5], 0.2, 10),
    ],
)
def test_the_last_runs_are_the_validation_set(sizes: list[int], fraction: float, held: int) -> None:
    runs = np.repeat([f"r{9 - i}" for i in range(len(sizes))], sizes)  # not in the order of their names
    parts = split_validation(np.arange(len(runs)) % 2, runs, config(validation_size=fraction))
    assert parts.validated.tolist() == list(range(len(runs) - held, len(runs)))
    assert parts.learned.tolist() == list(range(len(runs) - held))
    assert parts.notes == ()


def test_interleaved_runs_stay_together() -> None:
    runs = np.tile(["a", "b", "c", "d"], 6)
    parts = split_validation(np.arange(24) % 3, runs, config())
    assert set(runs[parts.validated]) == {"d"}
    assert "d" not in runs[parts.learned]


@pytest.mark.parametrize(
    ("n", "fraction", "first"), [(10, 0.2, 8), (11, 0.2, 8), (307, 0.2, 245), (9, 0.1, 8)]
)
def test_the_last_rows_are_those_of_keras(n: int, fraction: float, first: int) -> None:
    """Keras trains on the first floor(n (1 - fraction)) rows, whatever their runs."""
    parts = split_validation(np.arange(n) % 2, None, config(validation="last", validation_size=fraction))
    assert parts.validated.tolist() == list(range(first, n))


def test_what_is_held_back_teaches_nothing(toy: Samples) -> None:
    """Poison in the last run changes neither weights nor scaling, screening or balance."""
    last = toy.groups == toy.groups[-1]
    X = toy.X.copy()
    X[last] = -1e6
    for training in ({}, {"screening": 30, "balance": "oversample"}, {"validation": "last"}):
        settings = config(epochs=4, keep_best=False, **training)
        clean, poisoned = (model_of(heard(s, settings)) for s in (toy, replace(toy, X=X)))
        assert same(clean, poisoned)
        np.testing.assert_array_equal(clean.scaler.mean, poisoned.scaler.mean)
        if not training:
            np.testing.assert_array_equal(clean.scaler.mean, fit_scaler(toy.X[~last]).mean)
    alone = fit(
        MLP,
        toy.X[~last],
        toy.y[~last],
        3,
        toy.space,
        config(epochs=4, validation="none").resolved(MLP),
        seed=0,
    )
    assert same(model_of(list(alone)), model_of(heard(toy, config(epochs=4, keep_best=False))))


def test_the_epoch_with_the_lowest_validation_loss_is_selected(noisy: Samples) -> None:
    events = heard(noisy, config())
    losses = [e.validation.loss for e in epochs_of(events)]
    best = int(np.argmin(losses)) + 1
    assert 1 < best < 30, "the problem must be one that is learned by heart"
    assert best_epoch(epochs_of(events)) == best
    assert same(model_of(events), model_of(heard(noisy, config(keep_best=False), epochs=best)))
    assert not same(model_of(events), model_of(heard(noisy, config(keep_best=False))))
    last = noisy.groups == noisy.groups[-1]
    found = quality(predict_proba(model_of(events), noisy.X[last], noisy.space), noisy.y[last])
    assert found.loss == pytest.approx(min(losses), abs=1e-6)
    (started,) = (e for e in events if isinstance(e, FitStarted))
    assert started.validation is not None
    assert started.validation != started.train


def test_patience_stops_as_the_losses_say(noisy: Samples) -> None:
    losses = [e.validation.loss for e in epochs_of(heard(noisy, config()))]
    for patience in (1, 3):
        stop = next(i for i in range(1, 31) if i - 1 - int(np.argmin(losses[:i])) >= patience)
        assert stop < 30
        events = heard(noisy, config(patience=patience))
        assert [e.validation.loss for e in epochs_of(events)] == losses[:stop]
        best = int(np.argmin(losses[:stop])) + 1
        assert same(model_of(events), model_of(heard(noisy, config(keep_best=False), epochs=best)))


def test_patience_without_a_validation_part_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"patience = 5 needs a validation set.*runs or last"):
        TrainingConfig(patience=5)


def test_a_note_reports_that_a_single_run_has_no_validation_set(toy: Samples) -> None:
    one = toy.groups == toy.groups[0]
    events = list(
        fit(
            MLP,
            toy.X[one],
            toy.y[one],
            3,
            toy.space,
            config(epochs=5, patience=1).resolved(MLP),
            seed=0,
            groups=toy.groups[one],
        )
    )
    assert isinstance(events[0], Note)
    assert "single run" in events[0].message
    assert [e.validation for e in epochs_of(events)] == [None] * 5


def test_a_note_reports_classes_that_are_only_in_the_validation_set() -> None:
    y = np.repeat([0, 1, 2, 3, 4], 4)
    (note,) = split_validation(y, None, config(validation="last")).notes
    assert note.startswith("1 of 5 classes are only in the validation set")
    with pytest.raises(InputError, match="at least two classes, found 1"):
        split_validation(np.repeat([0, 1], 10), None, config(validation="last", validation_size=0.5))


def test_a_note_reports_that_a_linear_model_trains_on_all_samples(toy: Samples) -> None:
    linear = get_decoder({"name": "linear"})
    for settings, notes in ((config(), 1), (config(validation="none"), 0)):
        events = list(
            fit(linear, toy.X, toy.y, 3, toy.space, settings.resolved(linear), seed=0, groups=toy.groups)
        )
        assert sum(isinstance(e, Note) for e in events) == notes
        np.testing.assert_array_equal(model_of(events).scaler.mean, fit_scaler(toy.X).mean)


def test_folds_keep_it_and_the_refit_goes_as_far_as_they(
    noisy: Samples, thirds: list[Split], tmp_path: Any
) -> None:
    settings, tasks = config(patience=8), Tasks(TaskStore(tmp_path))
    fitted, read = (
        [
            e.result
            for e in cross_validate(MLP, noisy, thirds, settings.resolved(MLP), tasks=tasks)
            if isinstance(e, FoldDone)
        ]
        for _ in range(2)
    )
    for a, b in zip(fitted, read, strict=True):
        assert (a.history, a.untrained_validation) == (b.history, b.untrained_validation)
        assert a.untrained_validation is not None
    table = history_table(fitted)
    first = fitted[0].history[0]
    assert table["val_loss"][0] == fitted[0].untrained_validation.loss
    assert (table["val_loss"][1], table["val_accuracy"][1]) == (
        first.validation.loss,
        first.validation.accuracy,
    )
    assert first.test is not None
    assert first.validation != first.test

    best = [1 + int(np.argmin([e.validation.loss for e in fold.history])) for fold in fitted]
    epochs = epochs_of_refit(fitted, settings)
    assert epochs == round(sum(best) / 2)
    ran = [len(fold.history) for fold in fitted]
    assert epochs_of_refit(fitted, settings.model_copy(update={"keep_best": False})) == round(sum(ran) / 2)
    *_, done = again = list(refit(MLP, noisy, settings.resolved(MLP), n_folds=2, epochs=epochs))
    assert [e.validation for e in epochs_of(again)] == [None] * epochs
    assert isinstance(done, FitDone)
    np.testing.assert_array_equal(done.model.scaler.mean, fit_scaler(noisy.X).mean)


def test_without_it_the_refit_goes_through_all_epochs(toy: Samples, thirds: list[Split]) -> None:
    settings = config(validation="none", epochs=2)
    folds = [
        e.result for e in cross_validate(MLP, toy, thirds, settings.resolved(MLP)) if isinstance(e, FoldDone)
    ]
    assert epochs_of_refit(folds, settings) is None
