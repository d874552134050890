"""Checkpoints: the state of a fit on disk, so that a run that is killed loses seconds, not the whole fold.

A checkpoint contains only arrays: weights and statistics, the state of the optimizer, torch's random states,
the epochs so far, the weights of the best one, and the position within the epoch. The learning rate is a
function of the epoch, and is not stored. On the CPU a fit that resumes from a checkpoint ends with the same
weights, bit for bit, as one that was never stopped.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.events import Quality
from napari_fmri_decoder.training.tasks.tasks import pack_history, unpack_history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from napari_fmri_decoder.training.events import EpochDone
    from napari_fmri_decoder.training.tasks.store import Arrays, TaskStore
    from napari_fmri_decoder.training.torch.environment import Environment
    from napari_fmri_decoder.training.validation import BestEpoch

FORMAT = 2
"""Of the arrays; a fit does not resume from a checkpoint of another format."""
EVERY_S = 2.0
"""Shortest time in seconds between two checkpoints of a fit, so that fast networks stay fast."""
SHARE = 0.02
"""Largest fraction of the time of a fit for writing checkpoints, if a state is large or a disk slow."""


@dataclass(slots=True, eq=False)
class FitState:
    """Everything that the rest of a fit depends on.

    Attributes
    ----------
    network, optimizer, environment, best
        The objects of the fit, in their current state.
    history : list of EpochDone
        One for each completed epoch.
    batch : int
        Number of completed batches of the next epoch.
    samples, loss, right : int, float, int
        In those batches: number of samples, sum of their losses, number of correct samples.
    order : (n,) int64 Tensor or None
        Order of the samples in that epoch, if there are several batches.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    environment: Environment
    best: BestEpoch
    history: list[EpochDone] = field(default_factory=list)
    batch: int = 0
    samples: int = 0
    loss: float = 0.0
    right: int = 0
    order: torch.Tensor | None = None

    @property
    def epoch(self) -> int:
        """Number of completed epochs."""
        return len(self.history)

    def add(self, samples: int, loss: float, right: int) -> None:
        """Add a completed batch with its number of samples, mean loss and number of correct samples."""
        self.batch += 1
        self.samples += samples
        self.loss += samples * loss
        self.right += right

    def quality_so_far(self) -> Quality:
        """Quality on the batches of this epoch, each before its step and with dropout."""
        return Quality(self.loss / self.samples, self.right / self.samples)

    def start_next_epoch(self, done: EpochDone) -> None:
        """Add a completed epoch, and start the next."""
        self.history.append(done)
        self.batch, self.samples, self.loss, self.right, self.order = 0, 0, 0.0, 0, None

    def is_finite(self) -> bool:
        """Whether all weights and statistics are finite: a fit cannot resume from other states."""
        return all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values())

    def pack(self) -> Arrays:
        """Copy the state to arrays; see `restore`."""
        with torch.no_grad():
            optimizer = {
                f"optimizer.{i}.{key}": value.detach().cpu().numpy().copy()
                for i, values in self.optimizer.state_dict()["state"].items()
                for key, value in values.items()
                if value is not None  # the momentum buffer of sgd without momentum
            }
        return {
            "about": np.array(self._about()),
            "position": np.array([self.batch, self.samples, self.right, self.best.epoch], dtype=np.int64),
            "losses": np.array([self.loss, self.best.loss]),
            **({} if self.order is None else {"order": self.order.cpu().numpy().copy()}),
            **_arrays("network", self.network.state_dict()),
            **_arrays("best", self.best.state),
            **optimizer,
            **{f"random.{place}": state for place, state in self.environment.random_states().items()},
            **pack_history(self.history),
        }

    def restore(self, arrays: Arrays) -> bool:
        """Set a packed state; return False, without changes, if it belongs to another fit."""
        live = self.network.state_dict()
        weights, random = _tensors("network", arrays), _part("random", arrays)
        shapes = {name: value.shape for name, value in live.items()}
        if str(arrays.get("about")) != self._about() or not arrays.keys() >= {"position", "history"}:
            return False
        if shapes != {name: value.shape for name, value in weights.items()}:
            return False
        if random.keys() != self.environment.random_states().keys():
            return False
        self.history = unpack_history(arrays)
        self.batch, self.samples, self.right, self.best.epoch = (int(n) for n in arrays["position"])
        self.loss, self.best.loss = (float(loss) for loss in arrays["losses"])
        device = self.environment.device
        self.best.state = {name: value.to(device) for name, value in _tensors("best", arrays).items()}
        self.order = torch.tensor(arrays["order"], device=device) if "order" in arrays else None
        with torch.no_grad():
            for name, value in live.items():
                value.copy_(weights[name])  # in place, to preserve the strides
        self._restore_optimizer(_part("optimizer", arrays))
        self.environment.set_random_states(random)
        return True

    def _restore_optimizer(self, arrays: Arrays) -> None:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, array in arrays.items():
            number, _, key = name.partition(".")
            of, value = parameters[int(number)], torch.tensor(array)
            if value.shape == of.shape and value.ndim:
                # With the strides of its weights: fused optimizers give wrong updates if they differ.
                value = torch.empty_like(of, memory_format=torch.preserve_format).detach().copy_(value)
            state.setdefault(int(number), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _about(self) -> str:
        """Properties that must be equal to give equal numbers: the optimizer and the kind of device."""
        return json.dumps([FORMAT, type(self.optimizer).__name__, self.environment.device.type])


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A state as arrays, and its number of completed epochs."""

    epoch: int
    arrays: Arrays


class Checkpoint:
    """The checkpoint of one fit in a store.

    Parameters
    ----------
    store : TaskStore
    name : str
        Of the fit; see `task_name`.

    Attributes
    ----------
    epoch : int
        Its number of completed epochs; 0 while there is none.
    """

    def __init__(self, store: TaskStore, name: str) -> None:
        self.store, self.name = store, name
        self.epoch = 0
        self._next = -math.inf

    def restore(self, state: FitState) -> bool:
        """Restore the stored state; return False, without changes, if there is none or it does not fit."""
        arrays = self.store.read(self.name)
        if arrays is None or not state.restore(arrays):
            return False
        self.epoch = state.epoch
        return True

    def save_if_due(self, state: FitState) -> None:
        """Write the state at the end of an epoch, if it is finite and the last checkpoint is old enough.

        That is `EVERY_S` seconds, or longer if writing would take more than `SHARE` of the time. The first
        epoch is always written.
        """
        started = time.monotonic()
        if started >= self._next and self._write(state):
            ended = time.monotonic()
            self._next = ended + max(EVERY_S, (ended - started) / SHARE)

    def save_on_stop(self, state: FitState) -> None:
        """Write the state of a fit that is stopped, also within an epoch; ignore failures to write."""
        if state.epoch or state.batch:
            with suppress(InputError):
                self._write(state)

    def _write(self, state: FitState) -> bool:
        packed = self.packed(state)
        if packed is not None:
            self.save(packed)
        return packed is not None

    def packed(self, state: FitState) -> Packed | None:
        """Copy a state, if it is finite."""
        with state.environment.step():
            return Packed(state.epoch, state.pack()) if state.is_finite() else None

    def save(self, packed: Packed) -> None:
        """Write a packed state."""
        self.store.write(self.name, packed.arrays)
        self.epoch = packed.epoch

    def location(self) -> str:
        """Sentence on where it is, for a message."""
        return (
            f" The state after epoch {self.epoch}, the last finite one, is in {self.store.path(self.name)}."
        )

    def drop(self) -> None:
        """Delete it: the result of the fit is stored."""
        self.store.drop(self.name)


def _arrays(part: str, tensors: Mapping[str, torch.Tensor]) -> Arrays:
    return {f"{part}.{name}": value.detach().cpu().numpy().copy() for name, value in tensors.items()}


def _tensors(part: str, arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in _part(part, arrays).items()}


def _part(part: str, arrays: Arrays) -> Arrays:
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
