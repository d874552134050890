"""A fit that is stopped anywhere, and goes on, ends as one that never was; to the bit."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate, fold_task
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FitDone, FitStarted, FoldDone
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.training.tasks import checkpoint as module
from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint, FitState
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.training.tasks.tasks import Tasks
from napari_fmri_decoder.training.torch.environment import Environment
from napari_fmri_decoder.training.validation import BestEpoch

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

MLP = {"name": "mlp", "hidden": 6}
CNN = {"name": "cnn2d", "filters": [3], "dense": [6], "dropout": 0.3}
FITS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "all at once": (MLP, {"momentum": 0.9, "learning_rate": 0.02}),
    "batches, Adam, batch-norm, dropout": (CNN, {"batch_size": 20}),
    "early stopping": (
        CNN,
        {
            "batch_size": 16,
            "validation": "runs",
            "patience": 3,
            "schedule": "cosine",
            "balance": "oversample",
        },
    ),
    "augmented": (
        CNN,
        {
            "batch_size": 16,
            "augment": {"shift_mm": 4, "rotation_deg": 10, "noise": 0.5, "mixup": 0.4},
            "whiten": True,
        },
    ),
    "a choice of options": (MLP, {"select": {"hidden": [4, 6]}, "validation": "last"}),
}


@pytest.fixture(autouse=True)
def _each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    monkeypatch.setattr(module, "SHARE", np.inf)


def config(**values: Any) -> TrainingConfig:
    return TrainingConfig.model_validate({"threads": 1, "device": "cpu", "epochs": 8} | values)


def checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint*"))


def same_state(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name])


@pytest.mark.parametrize("fit", FITS)
def test_however_often_it_is_stopped_the_end_is_the_same(
    fit: str, toy: Samples, thirds: list[Split], tmp_path: Path
) -> None:
    decoder, settings = get_decoder(FITS[fit][0]), config(**FITS[fit][1])
    whole = list(cross_validate(decoder, toy, thirds[:1], settings.resolved(decoder)))
    expected = next(e.result for e in whole if isinstance(e, FoldDone))
    rng, stops, done = np.random.default_rng(0), 0, None
    n_steps = sum(isinstance(e, (BatchDone, EpochDone)) for e in whole)
    while done is None:
        left = int(rng.integers(1, 5))
        told: list[EpochDone] = []
        with closing(
            cross_validate(
                decoder, toy, thirds[:1], settings.resolved(decoder), tasks=Tasks(TaskStore(tmp_path))
            )
        ) as events:
            for event in events:
                if isinstance(event, EpochDone):
                    told.append(event)
                if isinstance(event, FoldDone):
                    done = event.result
                left -= isinstance(event, BatchDone)
                if not left:
                    break
        stops += done is None
        assert [e.epoch for e in told] == list(range(1, len(told) + 1)), "earlier epochs are told again"
    assert stops > 1
    assert stops < n_steps, "each time some of it is done"
    assert (done.history, done.train, done.test) == (expected.history, expected.train, expected.test)
    same_state(done.model.state, expected.model.state)
    np.testing.assert_array_equal(done.probabilities, expected.probabilities)
    assert not checkpoints(tmp_path)


def stopped(decoder: Any, toy: Samples, thirds: list[Split], folder: Path, epoch: int = 3) -> Path:
    """Break a fold off after an epoch; return its checkpoint."""
    tasks = Tasks(TaskStore(folder))
    with closing(cross_validate(decoder, toy, thirds[:1], config().resolved(decoder), tasks=tasks)) as events:
        next(e for e in events if isinstance(e, EpochDone) and e.epoch == epoch)
    (path,) = checkpoints(folder)
    return path


def test_a_worker_resumes_within_a_fold(toy: Samples, thirds: list[Split], tmp_path: Path) -> None:
    decoder = get_decoder(MLP)
    stopped(decoder, toy, thirds, tmp_path)
    store, seen = TaskStore(tmp_path), []
    store.write_samples(toy, thirds[:1])
    step = nn.Linear.forward

    def counted(self: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        seen.append(self.training)
        return step(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Linear, "forward", counted)
        fold_task(tmp_path, decoder, config().resolved(decoder), 0)
    assert sum(seen) == 2 * 5, "two layers, five epochs of eight were left"
    (read,) = (
        e.result
        for e in cross_validate(decoder, toy, thirds[:1], config().resolved(decoder), tasks=Tasks(store))
        if isinstance(e, FoldDone)
    )
    (alone,) = (
        e.result
        for e in cross_validate(decoder, toy, thirds[:1], config().resolved(decoder))
        if isinstance(e, FoldDone)
    )
    same_state(read.model.state, alone.model.state)
    assert not checkpoints(tmp_path)


def test_the_refit_resumes_too(toy: Samples, tmp_path: Path) -> None:
    decoder, tasks = get_decoder(CNN), Tasks(TaskStore(tmp_path))
    with closing(refit(decoder, toy, config().resolved(decoder), n_folds=2, tasks=tasks)) as events:
        next(e for e in events if isinstance(e, BatchDone) and (e.epoch, e.batch) == (4, 1))
    assert len(checkpoints(tmp_path)) == 1
    again = list(refit(decoder, toy, config().resolved(decoder), n_folds=2, tasks=tasks))
    batches = [(e.epoch, e.batch) for e in again if isinstance(e, BatchDone)]
    assert batches == [(4, 2), *((e, b) for e in range(5, 9) for b in (1, 2))]
    *_, alone = refit(decoder, toy, config().resolved(decoder), n_folds=2)
    assert isinstance(alone, FitDone)
    assert isinstance(again[-1], FitDone)
    same_state(again[-1].model.state, alone.model.state)
    assert not checkpoints(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "flipped", "another's", "empty"])
def test_a_fold_with_a_damaged_checkpoint_restarts(
    damage: str, toy: Samples, thirds: list[Split], tmp_path: Path
) -> None:
    decoder = get_decoder(MLP)
    path = stopped(decoder, toy, thirds, tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": path.read_bytes()[:-50], "flipped": bytes(content)}.get(damage, b""))
    if damage == "another's":
        other = stopped(get_decoder(MLP | {"hidden": 5}), toy, thirds, tmp_path / "other")
        path.write_bytes(other.read_bytes())
    events = list(
        cross_validate(decoder, toy, thirds[:1], config().resolved(decoder), tasks=Tasks(TaskStore(tmp_path)))
    )
    assert next(e.epoch for e in events if isinstance(e, BatchDone)) == 1
    assert sum(isinstance(e, BatchDone) for e in events) == 8
    alone = [
        e.result
        for e in cross_validate(decoder, toy, thirds[:1], config().resolved(decoder))
        if isinstance(e, FoldDone)
    ]
    same_state(next(e.result for e in events if isinstance(e, FoldDone)).model.state, alone[0].model.state)


def test_checkpoints_are_written_for_true_labels_only_and_not_too_often(
    toy: Samples, thirds: list[Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, tasks, written = get_decoder(MLP), Tasks(TaskStore(tmp_path)), []
    write = TaskStore.write

    def counted(self: TaskStore, name: str, arrays: Any) -> None:
        written.append(name.split("-")[0])
        write(self, name, arrays)

    monkeypatch.setattr(TaskStore, "write", counted)
    list(cross_validate(decoder, toy, thirds[:1], config().resolved(decoder), permutation=1, tasks=tasks))
    assert written == []
    list(cross_validate(decoder, toy, thirds[:1], config().resolved(decoder), tasks=tasks))
    assert written == ["checkpoint"] * 8 + ["fold"]
    written.clear()
    monkeypatch.setattr(module, "EVERY_S", 60.0)
    list(cross_validate(decoder, toy, thirds[:1], config(seed=1).resolved(decoder), tasks=tasks))
    assert written == ["checkpoint", "fold"]


def test_a_disk_that_is_full_at_the_stop_is_no_error(
    toy: Samples, thirds: list[Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise InputError("No space left")

    with closing(
        cross_validate(
            get_decoder(MLP),
            toy,
            thirds,
            config().resolved(get_decoder(MLP)),
            tasks=Tasks(TaskStore(tmp_path)),
        )
    ) as events:
        next(e for e in events if isinstance(e, EpochDone) and e.epoch == 2)
        monkeypatch.setattr(TaskStore, "write", full)


def test_a_loss_that_explodes_leaves_the_last_finite_state(
    toy: Samples, thirds: list[Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 1e9)  # the first epoch alone is kept on the way

    def steep(epochs: int, **kept: Tasks) -> list[FoldDone]:
        settings = config(learning_rate=0.5, momentum=0.1, weight_decay=6.0, batch_size=10, epochs=epochs)
        events = cross_validate(
            get_decoder(MLP), toy, thirds[:1], settings.resolved(get_decoder(MLP)), **kept
        )
        return [event for event in events if isinstance(event, FoldDone)]

    with pytest.raises(TrainingError, match=r"epoch \d+, batch \d+\..*momentum = 0\.1") as caught:
        steep(50, tasks=Tasks(TaskStore(tmp_path)))
    (path,) = checkpoints(tmp_path)
    assert str(path) in str(caught.value)
    arrays = TaskStore(tmp_path).read(path.stem)
    assert arrays is not None
    kept = len(arrays["epochs"])
    assert kept > 1
    assert f"after epoch {kept}, the last finite" in str(caught.value)
    with pytest.raises(TrainingError, match="must stay finite"):
        steep(kept + 1)
    (done,) = steep(kept)
    for name, value in done.result.model.state.items():
        np.testing.assert_array_equal(arrays[f"network.{name}"], value)


def channels_last(seed: int) -> FitState:
    environment = Environment(seed, 1, torch.device("cpu"))
    with environment.step():
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.Flatten())
        network.append(nn.Linear(4 * 6 * 6, 2))
        network = network.to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(network.parameters(), fused=True)
    return FitState(network, optimizer, environment, BestEpoch())


def steps(state: FitState, n: int) -> None:
    X = torch.arange(8 * 3 * 8 * 8, dtype=torch.float32).reshape(8, 3, 8, 8).sin()
    X = X.contiguous(memory_format=torch.channels_last)
    for _ in range(n):
        with state.environment.step():
            state.optimizer.zero_grad()
            nn.functional.cross_entropy(state.network(X), torch.arange(8) % 2).backward()
            state.optimizer.step()


def test_channels_last_weights_and_fused_adam_go_on_rightly(tmp_path: Path) -> None:
    """Where weights and optimizer state differ in their strides, fused Adam silently gives wrong updates."""
    never, first, second = channels_last(0), channels_last(0), channels_last(7)
    steps(never, 6)
    steps(first, 3)
    Checkpoint(TaskStore(tmp_path), "one").save_on_stop(first)
    assert not (tmp_path / "one.task").exists(), "nothing was done yet, as far as the state says"
    first.batch = 3
    Checkpoint(TaskStore(tmp_path), "one").save_on_stop(first)
    assert Checkpoint(TaskStore(tmp_path), "one").restore(second)
    assert second.batch == 3
    weight = next(second.network.parameters())
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert second.optimizer.state[weight]["exp_avg"].stride() == weight.stride()
    steps(second, 3)
    same_state(second.network.state_dict(), never.network.state_dict())


def test_events_of_a_resumed_fit_start_like_those_of_a_new_one(
    toy: Samples, thirds: list[Split], tmp_path: Path
) -> None:
    decoder = get_decoder(MLP)
    stopped(decoder, toy, thirds, tmp_path)
    tasks = Tasks(TaskStore(tmp_path))
    again = list(cross_validate(decoder, toy, thirds[:1], config().resolved(decoder), tasks=tasks))
    alone = list(cross_validate(decoder, toy, thirds[:1], config().resolved(decoder)))
    kinds = (FitStarted, EpochDone)
    assert [e for e in again if isinstance(e, kinds)] == [e for e in alone if isinstance(e, kinds)]
