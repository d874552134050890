"""Config, seeds, devices and quality."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, log_loss

from napari_fmri_decoder.decoders import get_decoder, registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.network import batch_sizes
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.torch.devices import choose_device
from napari_fmri_decoder.training.torch.precision import make_optimizer

DEVICE_COUNT = "napari_fmri_decoder.training.torch.devices.device_count"


@pytest.mark.parametrize("name", sorted(registry))
def test_every_decoders_own_defaults_fill_what_is_not_stated(name: str) -> None:
    decoder = get_decoder({"name": name})
    settings = TrainingConfig(epochs=7).resolved(decoder).model_dump()
    assert settings["epochs"] == 7
    assert None not in settings.values()
    rest = {key: value for key, value in decoder.training_defaults.items() if key != "epochs"}
    assert rest.items() <= settings.items()
    assert TrainingConfig(**settings).resolved(decoder).model_dump() == settings


def test_the_notebooks_training_is_the_default() -> None:
    mlp = TrainingConfig().resolved(get_decoder({"name": "mlp"}))
    assert (mlp.optimizer, mlp.learning_rate, mlp.weight_decay, mlp.batch_size, mlp.epochs) == (
        "sgd",
        0.1,
        1e-4,
        0,
        1000,
    )
    cnn = TrainingConfig().resolved(get_decoder({"name": "cnn2d"}))
    assert (cnn.optimizer, cnn.batch_size, cnn.epochs) == ("adam", 32, 125)


def test_another_optimizer_has_its_own_learning_rate() -> None:
    mlp = get_decoder({"name": "mlp"})
    assert TrainingConfig(optimizer="adam").resolved(mlp).learning_rate == 1e-3
    assert TrainingConfig(optimizer="sgd").resolved(mlp).learning_rate == 0.1
    assert TrainingConfig(optimizer="adam", learning_rate=0.02).resolved(mlp).learning_rate == 0.02


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"learning_rate": 0}, {"optimizer": "rmsprop"}, {"device": "gpu"}, {"epoch": 3}],
)
def test_values_out_of_their_limits_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingConfig.model_validate(wrong)


def test_settings_reach_the_optimizer() -> None:
    network, mlp = torch.nn.Linear(2, 2), get_decoder({"name": "mlp"})
    sgd = make_optimizer(network, TrainingConfig(momentum=0.9).resolved(mlp))
    assert isinstance(sgd, torch.optim.SGD)
    assert sgd.defaults["momentum"] == 0.9
    assert (sgd.defaults["lr"], sgd.defaults["weight_decay"]) == (0.1, 1e-4)
    adam = make_optimizer(network, TrainingConfig(optimizer="adam", learning_rate=0.5).resolved(mlp))
    assert isinstance(adam, torch.optim.Adam)
    assert adam.defaults["lr"] == 0.5


@pytest.mark.parametrize(("n", "size"), [(64, 32), (65, 32), (66, 32), (5, 0), (5, 10), (3, 2), (4, 1)])
def test_batches_hold_every_sample_and_never_one_alone(n: int, size: int) -> None:
    sizes = batch_sizes(n, size)
    assert sum(sizes) == n
    assert size == 1 or min(sizes) > 1


def test_every_fit_has_its_own_seed_and_always_the_same() -> None:
    seeds = {derive_seed(s, f, p) for s in range(5) for f in range(13) for p in range(20)}
    assert len(seeds) == 5 * 13 * 20
    assert 0 <= min(seeds)
    assert max(seeds) < 2**32
    assert derive_seed(0, 0, 0) == int(np.random.SeedSequence([0, 0, 0]).generate_state(1)[0])


def test_an_available_device_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("cpu").torch == torch.device("cpu")
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: {"cuda": 2}.get(kind, 1))
    assert choose_device("auto").torch == torch.device("cuda")
    assert choose_device("cuda:1").torch == torch.device("cuda", 1)
    assert choose_device("cuda:1").note == ""
    assert "instead of cuda:2: torch finds only 2 such devices" in choose_device("cuda:2").note
    assert choose_device("mps").torch == torch.device("mps")


def test_an_unavailable_device_falls_back_to_the_cpu_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: int(kind == "cpu"))
    monkeypatch.setattr(torch.version, "cuda", None)
    for name in ("cuda", "cuda:0", "mps"):
        device = choose_device(name)
        assert device.torch == torch.device("cpu")
        assert f"instead of {name}: " in device.note
    assert choose_device("auto").note == ""


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "cpu:1x"])
def test_a_device_of_no_such_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="must be auto, cpu, cuda"):
        choose_device(name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quality_is_scikit_learns(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4) * 0.3, size=50).astype(dtype)
    probabilities[:2] = np.eye(4)[:2]
    y = rng.integers(0, 4, 50)
    y[:2] = (1, 1)
    found = quality(probabilities, y)
    assert found.accuracy == accuracy_score(y, probabilities.argmax(axis=1))
    assert found.loss == pytest.approx(
        log_loss(y, probabilities / probabilities.sum(axis=1, keepdims=True), labels=range(4)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("built", "error", "says", "auto"),
    [
        (None, "", r"this build of torch \(.*\) has no CUDA", ""),
        ("12.8", "Found no NVIDIA driver on your system. Please check", "Found no NVIDIA driver", ""),
        ("12.8", "No CUDA GPUs are available", "No CUDA GPUs are available", ""),
        (
            "12.8",
            "The NVIDIA driver on your system is too old (found version 11040). Please update",
            r"driver on your system is too old \(found version 11040\)\.$",
            "too old",
        ),
    ],
)
def test_the_note_gives_the_reason_for_a_missing_gpu(
    built: str | None, error: str, says: str, auto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Always if CUDA was requested; with "auto" only if there is a GPU that cannot be used."""

    def init() -> None:
        raise RuntimeError(error)

    monkeypatch.setattr(DEVICE_COUNT, lambda kind: int(kind == "cpu"))
    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "init", init)
    asked = choose_device("cuda")
    assert asked.torch == torch.device("cpu")
    assert re.search(rf"Trained on the CPU instead of cuda: .*{says}", asked.note)
    by_itself = choose_device("auto")
    assert by_itself.torch == torch.device("cpu")
    assert bool(by_itself.note) == bool(auto)
    assert auto in by_itself.note
