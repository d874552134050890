"""What training will take is foretold from its own first batches."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.training import estimate as module
from napari_fmri_decoder.training import fit_fold
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.estimate import estimate_run
from napari_fmri_decoder.training.refitting import refit

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which every step of a fit takes one second."""
    seconds = count()
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(seconds)))


def config(**values: object) -> TrainingConfig:
    return TrainingConfig.model_validate({"threads": 1, "device": "cpu"} | values)


def test_completed_epochs_are_multiplied_by_folds_seeds_and_the_refit(toy: Samples, thirds, ticks) -> None:
    mlp = get_decoder({"name": "mlp", "hidden": 4})
    found = estimate_run(mlp, toy, thirds, config(epochs=50, batch_size=0, seeds=3).resolved(mlp))
    assert found.epoch_s == 2  # one batch and its evaluation
    assert found.fits == 2 * 3 + 1
    assert found.total_s == 2 * 50 * 7


def test_a_slow_network_is_judged_by_its_batches_without_waiting_for_an_epoch(
    toy: Samples, thirds, ticks
) -> None:
    mlp = get_decoder({"name": "mlp", "hidden": 4})
    found = estimate_run(mlp, toy, thirds, config(epochs=10, batch_size=4).resolved(mlp))
    # 48 samples in twelve batches; of the first second, in which all 60 are predicted, the 12 left out
    assert found.epoch_s == pytest.approx(12 + 12 / 60)
    assert found.total_s == pytest.approx(12.2 * 10 * 3)


def test_memory_is_that_of_weights_gradients_optimizer_and_activations(toy: Samples, thirds) -> None:
    n = toy.space.n_features
    mlp = get_decoder({"name": "mlp", "hidden": 4})
    weights = (n + 1) * 4 + (4 + 1) * 3
    answers = n + 2 * (4 + 4 + 4 + 3)  # inputs; linear, ReLU, dropout, linear, each with its gradient
    adam = estimate_run(mlp, toy, thirds, config(epochs=1, optimizer="adam", batch_size=8).resolved(mlp))
    assert adam.summary.total == weights
    assert adam.memory == 4 * (4 * weights + 8 * answers)
    sgd = estimate_run(
        mlp, toy, thirds, config(epochs=1, optimizer="sgd", momentum=0.0, batch_size=0).resolved(mlp)
    )
    assert sgd.memory == 4 * (2 * weights + 48 * answers)


def test_what_scikit_learn_fits_has_a_table_and_no_time(toy: Samples, thirds) -> None:
    found = estimate_run(
        get_decoder({"name": "linear"}),
        toy,
        thirds,
        config(select={"C": [0.1, 1.0]}).resolved(get_decoder({"name": "linear"})),
    )
    assert (found.epoch_s, found.total_s, found.memory) == (None, None, 0)
    assert found.summary.total == (toy.space.n_features + 1) * 3


def test_fits_that_choose_options_are_counted_as_they_are_made(
    toy: Samples, thirds, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlp = get_decoder({"name": "mlp", "hidden": 2})
    settings = config(epochs=2, batch_size=0, seeds=2, select={"epochs": [1, 3], "weight_decay": [0, 0.1]})
    seconds = count()
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(seconds)))
    found = estimate_run(mlp, toy, thirds, settings.resolved(mlp))
    made, fit = [], fit_fold.fit

    def counted(*args: Any, **options: Any) -> Any:
        made.append(len(args[1]))
        return fit(*args, **options)

    monkeypatch.setattr(fit_fold, "fit", counted)
    monkeypatch.setattr("napari_fmri_decoder.training.fit.fit", counted)  # as `select_options` imports it
    for seed in (42, 43):
        list(cross_validate(mlp, toy, thirds, settings.model_copy(update={"seed": seed}).resolved(mlp)))
    list(refit(mlp, toy, settings.resolved(mlp)))
    # By hand: of 4 runs 4 inner folds, of 5 runs 5; 4 candidates in each, and the one chosen.
    assert found.fits == len(made) == 2 * 2 * (4 * 4 + 1) + (4 * 5 + 1)
    # Candidates of 1, 1, 3, 3 epochs on 3/4 of the rows of a fold (4/5 of all), in 4 (5) folds; then 2.
    assert found.total_s == pytest.approx(found.epoch_s * (4 * (8 * 4 * 3 / 4 + 2) + (8 * 5 * 4 / 5 + 2)))
