"""One fit: what it computes, what it tells, and that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from itertools import chain
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from napari_fmri_decoder.decoders import Decoder, NetworkDecoder, get_decoder, registry
from napari_fmri_decoder.decoders.cnn2d import CNN2D
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.scaling import fit_scaler
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import (
    BatchDone,
    EpochDone,
    FitDone,
    FitEvent,
    FitStarted,
    FittedModel,
    Note,
)
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import module_of, network_inputs, predict_proba
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.volumes.frames import Grid

DEVICE_COUNT = "napari_fmri_decoder.training.torch.devices.device_count"

ONE = TrainingConfig(threads=1, device="cpu")
SMALL_CNN = {"name": "cnn2d", "filters": [4, 8], "dense": [16], "dropout": 0.3}


def config(**values: object) -> TrainingConfig:
    return TrainingConfig.model_validate({"threads": 1, "device": "cpu"} | values)


def events_of(
    decoder: Decoder, toy: Samples, settings: TrainingConfig, seed: int = 0, n_test: int = 12
) -> Iterator[FitEvent]:
    X, y = toy.X, toy.y
    test = (X[:n_test], y[:n_test])
    return fit(
        decoder, X[n_test:], y[n_test:], 3, toy.space, settings.resolved(decoder), test=test, seed=seed
    )


def model_of(events: Iterator[FitEvent]) -> FittedModel:
    *_, last = events
    assert isinstance(last, FitDone)
    return last.model


def same(a: FittedModel, b: FittedModel) -> bool:
    return all(np.array_equal(a.state[name], b.state[name]) for name in a.state)


@pytest.mark.parametrize("name", sorted(registry))
def test_every_decoder_trains_reports_and_predicts(name: str, toy: Samples) -> None:
    decoder = get_decoder({"name": name})
    events = list(events_of(decoder, toy, config(epochs=15)))

    (started,) = (e for e in events if isinstance(e, FitStarted))
    batches = [e for e in events if isinstance(e, BatchDone)]
    epochs = [e for e in events if isinstance(e, EpochDone)]
    assert len(batches) == started.epochs * started.batches
    assert [e.epoch for e in epochs] == list(range(1, started.epochs + 1))
    assert (started.train is not None) == isinstance(decoder, NetworkDecoder)
    assert [e.message for e in events if isinstance(e, Note)] == decoder.notes(
        toy.space.input_shape(decoder.layout)
    )

    model = model_of(iter(events))
    network = module_of(model)
    assert not network.training
    assert started.n_parameters == sum(p.numel() for p in network.parameters())
    assert set(model.state) == set(network.state_dict())
    found = predict_proba(model, toy.X, toy.space)
    assert (found.shape, found.dtype) == ((60, 3), np.float32)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert epochs[-1].test is not None
    assert astuple(quality(found[:12], toy.y[:12])) == pytest.approx(astuple(epochs[-1].test), abs=1e-6)
    assert name == "dummy" or epochs[-1].train.accuracy > 0.9
    assert name == "dummy" or epochs[-1].test.accuracy > 0.6


def test_an_epoch_reports_the_mean_over_its_batches_like_keras(toy: Samples) -> None:
    events = list(events_of(get_decoder(SMALL_CNN), toy, config(epochs=2, batch_size=20)))
    losses = [e.loss for e in events if isinstance(e, BatchDone) and e.epoch == 2]
    (last,) = (e for e in events if isinstance(e, EpochDone) and e.epoch == 2)
    assert last.train.loss == pytest.approx(np.average(losses, weights=[20, 20, 8]), rel=1e-6)
    assert last.train.accuracy * 48 == pytest.approx(round(last.train.accuracy * 48))


@pytest.mark.parametrize("name", ["cnn2d", "cnn3d"])
def test_fused_steps_with_the_channel_last_descend_as_plain_ones(name: str, toy: Samples) -> None:
    options = {"name": name, "dropout": 0.0, "filters": [4, 8], "dense": [16]}
    decoder = get_decoder(options)
    settings = config(epochs=6, batch_size=0, optimizer="adam", learning_rate=1e-3, weight_decay=1e-3)
    model = model_of(iter(events_of(decoder, toy, settings)))

    torch.manual_seed(0)
    rows = slice(12, None)
    X = network_inputs(model, toy.X[rows], toy.space)
    network = decoder.build(tuple(X.shape[1:]), 3).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-3, fused=False, foreach=False)
    for _ in range(6):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(X), torch.tensor(toy.y[rows])).backward()
        optimizer.step()
    for key, value in network.state_dict().items():
        np.testing.assert_allclose(model.state[key], value.numpy(), atol=5e-4, err_msg=key)


@pytest.mark.parametrize("options", [{"name": "mlp", "hidden": 20}, SMALL_CNN, {"name": "linear"}])
def test_a_seed_gives_the_same_weights_to_the_bit(options: dict[str, object], toy: Samples) -> None:
    decoder = get_decoder(options)
    first, again, other = (
        model_of(events_of(decoder, toy, config(epochs=3), seed=seed)) for seed in (1, 1, 2)
    )
    assert same(first, again)
    assert same(first, other) == (options["name"] == "linear")


def test_a_fit_and_its_neighbours_do_not_share_random_numbers_or_threads(toy: Samples) -> None:
    decoder, settings = get_decoder(SMALL_CNN), config(epochs=3, threads=1)
    alone = model_of(events_of(decoder, toy, settings))

    before = torch.get_num_threads()
    torch.manual_seed(5)
    undisturbed = torch.rand(100)
    torch.manual_seed(5)
    drawn, threads, last = [], set(), None
    other = events_of(decoder, toy, settings, seed=9)
    for event in events_of(decoder, toy, settings):
        drawn.append(torch.rand(1))
        threads.add(torch.get_num_threads())
        next(other, None)
        last = event
    assert isinstance(last, FitDone)
    assert same(alone, last.model)
    np.testing.assert_array_equal(torch.cat(drawn), undisturbed[: len(drawn)])
    assert threads == {before}


def test_closing_in_the_middle_of_an_epoch_stops_at_once(toy: Samples) -> None:
    before = torch.get_rng_state()
    events = events_of(get_decoder(SMALL_CNN), toy, config(epochs=50, batch_size=8))
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, BatchDone) and (event.epoch, event.batch) == (2, 3):
            events.close()  # type: ignore[attr-defined]
    assert seen[-1] == event
    assert sum(isinstance(e, EpochDone) for e in seen) == 1
    assert torch.equal(before, torch.get_rng_state())


def test_only_the_training_part_teaches(toy: Samples) -> None:
    """Neither weights nor scaling may know the test part: poisoning it changes nothing."""
    decoder = get_decoder({"name": "mlp", "hidden": 8})
    clean = model_of(events_of(decoder, toy, config(epochs=5)))
    X = toy.X.copy()
    X[:12] = 1e12
    (*_, done) = fit(
        decoder,
        X[12:],
        toy.y[12:],
        3,
        toy.space,
        config(epochs=5).resolved(decoder),
        test=(X[:12], toy.y[:12]),
        seed=0,
    )
    assert isinstance(done, FitDone)
    assert same(clean, done.model)
    np.testing.assert_array_equal(done.model.scaler.mean, fit_scaler(toy.X[12:]).mean)


def numpy_descent(
    state: dict[str, NDArray[np.float64]],
    X: NDArray[np.float64],
    y: NDArray[np.int64],
    *,
    steps: int,
    rate: float,
    decay: float,
) -> dict[str, NDArray[np.float64]]:
    """Full-batch descent of a network with one ReLU layer, derivatives written out by hand."""
    w1, b1, w2, b2 = (state[k] for k in ("dense1.weight", "dense1.bias", "out.weight", "out.bias"))
    truth = np.eye(len(b2))[y]
    for _ in range(steps):
        pre = X @ w1.T + b1
        hidden = np.maximum(pre, 0)
        logits = hidden @ w2.T + b2
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        error = (powers / powers.sum(axis=1, keepdims=True) - truth) / len(y)
        back = (error @ w2) * (pre > 0)
        gradients = (back.T @ X, back.sum(axis=0), error.T @ hidden, error.sum(axis=0))
        w1, b1, w2, b2 = (
            p - rate * (g + decay * p) for p, g in zip((w1, b1, w2, b2), gradients, strict=True)
        )
    return {"dense1.weight": w1, "dense1.bias": b1, "out.weight": w2, "out.bias": b2}


def test_mlp_descends_as_written_out_by_hand(toy: Samples) -> None:
    decoder = MLP(hidden=6, dropout=0.0)
    untrained = model_of(events_of(decoder, toy, config(epochs=1, learning_rate=1e-30)))
    trained = model_of(events_of(decoder, toy, config(epochs=60, weight_decay=0.01)))

    X = toy.X[12:].astype(np.float64)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    start = {name: value.astype(np.float64) for name, value in untrained.state.items()}
    expected = numpy_descent(start, X, toy.y[12:], steps=60, rate=0.1, decay=0.01)
    for name, value in expected.items():
        np.testing.assert_allclose(trained.state[name], value, atol=1e-4)
    assert np.abs(expected["out.weight"] - start["out.weight"]).max() > 0.05


def test_epochs_go_through_every_sample_once_in_another_order_each_time(toy: Samples) -> None:
    """A network that records its inputs."""
    seen: list[list[float]] = []

    class Recorder(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                seen.append(x[:, 0].tolist())
            return x

    class Recording(MLP):
        name: Literal["recording"] = "recording"  # type: ignore[assignment]

        def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
            return nn.Sequential(Recorder(), *super().build(input_shape, n_classes))

    try:
        list(events_of(Recording(hidden=2), toy, config(epochs=2, batch_size=20)))
    finally:
        del registry["recording"]
    first, second = [*chain(*seen[:3])], [*chain(*seen[3:])]
    assert [len(batch) for batch in seen] == [20, 20, 8] * 2
    assert sorted(first) == sorted(second)
    assert len(set(first)) == 48
    assert first != second


def test_a_last_batch_of_one_sample_does_not_break_batch_normalization(toy: Samples) -> None:
    (*_, done) = fit(
        CNN2D(filters=(4,), dense=(8,)),
        toy.X[:33],
        toy.y[:33],
        3,
        toy.space,
        config(epochs=2, batch_size=16).resolved(CNN2D(filters=(4,), dense=(8,))),
        seed=0,
    )
    assert isinstance(done, FitDone)


def test_the_error_of_a_diverging_loss_names_its_epoch_and_likely_cause(toy: Samples) -> None:
    with pytest.raises(TrainingError, match=r"became (nan|inf) in epoch \d+, batch 1.*lower learning_rate"):
        list(events_of(MLP(hidden=8), toy, config(epochs=50, learning_rate=1e30)))


def test_errors_of_torch_are_not_runtime_errors_which_napari_swallows(toy: Samples) -> None:
    class Broken(MLP):
        name: Literal["broken"] = "broken"  # type: ignore[assignment]

        def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(input_shape[0] + 1, n_classes))

    try:
        with pytest.raises(TrainingError, match=r"Training failed in torch on cpu: .*shapes"):
            list(events_of(Broken(), toy, ONE))
    finally:
        del registry["broken"]
    assert not issubclass(TrainingError, RuntimeError)


def test_the_error_of_a_full_memory_gives_advice(toy: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(nn.Linear, "forward", full)
    with pytest.raises(TrainingError, match=r"must fit into the memory of cpu.*smaller batch_size"):
        list(events_of(MLP(), toy, ONE))


def test_a_slab_too_small_for_its_network_is_noted_before_training(toy: Samples) -> None:
    first = next(iter(events_of(CNN2D(), toy, ONE)))
    assert first == Note(CNN2D().notes((2, 10, 9))[0])


def test_a_note_reports_an_unavailable_device(toy: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: int(kind == "cpu"))
    first = next(iter(events_of(MLP(hidden=2), toy, config(device="cuda"))))
    assert isinstance(first, Note)
    assert "Trained on the CPU instead of cuda" in first.message


def bad(toy: Samples, what: str) -> tuple[NDArray[np.float32], NDArray[np.int64], TrainingConfig]:
    X, y, settings = toy.X.copy(), toy.y.copy(), config(epochs=1)
    match what:
        case "nan":
            X[3, 5] = np.nan
        case "one class":
            y[:] = 1
        case "a row short":
            y = y[:-1]
        case "unlabelled":
            y[0] = -1
        case "batches of one":
            settings = config(epochs=1, batch_size=1)
    return X, y, settings


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("nan", r"must be finite, found NaN or infinity in 1 of 60 \(first: row 3\)"),
        ("one class", "at least two classes, found 1"),
        ("a row short", r"\(60, 172\) for 59 labels"),
        ("unlabelled", "count from 0 to 2, found -1"),
        ("batches of one", "at least two samples per batch"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(what: str, says: str, toy: Samples) -> None:
    X, y, settings = bad(toy, what)
    with pytest.raises(InputError, match=says):
        list(
            fit(
                CNN2D(filters=(2,), dense=(4,)),
                X,
                y,
                3,
                toy.space,
                settings.resolved(CNN2D(filters=(2,), dense=(4,))),
                seed=0,
            )
        )


def test_predicting_draws_no_random_numbers(toy: Samples) -> None:
    model = model_of(events_of(MLP(hidden=4), toy, config(epochs=1)))
    before = torch.get_rng_state()
    predict_proba(model, toy.X, toy.space, threads=1)
    assert torch.equal(before, torch.get_rng_state())
    assert predict_proba(model, toy.X[:0], toy.space).shape == (0, 3)


def test_predicting_in_parts_is_predicting(toy: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(events_of(get_decoder(SMALL_CNN), toy, config(epochs=1)))
    whole = predict_proba(model, toy.X, toy.space)
    monkeypatch.setattr("napari_fmri_decoder.training.network.AT_ONCE", 1000)
    np.testing.assert_allclose(predict_proba(model, toy.X, toy.space), whole, atol=1e-6)


def test_the_slabs_axis_gives_the_channels() -> None:
    """Along whichever axis a slab is cut, its planes are channels and a fit works."""
    rng = np.random.default_rng(0)
    for axis, shape in enumerate([(2, 8, 7), (8, 2, 7), (8, 7, 2)]):
        space = Space(Grid(shape, np.eye(4)), np.ones(shape, dtype=bool), axis)
        X, y = rng.normal(size=(20, 112)).astype(np.float32), np.arange(20) % 2
        model = model_of(
            fit(
                CNN2D(filters=(4,), dense=()),
                X,
                y,
                2,
                space,
                config(epochs=1).resolved(CNN2D(filters=(4,), dense=())),
                seed=0,
            )
        )
        assert model.input_shape == (2, 8, 7)
