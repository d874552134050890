"""The state of a fit within a fold, kept on disk so that a run that is killed loses seconds, not the fold.

A checkpoint holds arrays alone: weights and statistics, the optimiser's state, torch's random states, the
epochs so far, the best one's weights, and where within an epoch the fit stands. The learning rate needs
none: it is a function of the epoch. On the processor a fit that goes on from one ends with the same
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
from napari_fmri_decoder.training.tasks import pack_history, unpack_history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from napari_fmri_decoder.training.environment import Environment
    from napari_fmri_decoder.training.events import EpochDone
    from napari_fmri_decoder.training.store import Arrays, TaskStore
    from napari_fmri_decoder.training.validation import BestEpoch

FORMAT = 2
"""Of the arrays; another one's checkpoint is not gone on from."""
EVERY_S = 2.0
"""Seconds of training at least between two checkpoints of a fit, so that fast networks stay fast."""
SHARE = 0.02
"""Part of the time of a fit at most that writing them may take, where a state is large or a disk slow."""


@dataclass(slots=True, eq=False)
class FitState:
    """All that the rest of a fit depends on.

    Attributes
    ----------
    network, optimizer, environment, best
        What the fit works with, in their present state.
    history : list of EpochDone
        One for each epoch that is done.
    batch : int
        Batches that are done of the epoch after those.
    samples, loss, right : int, float, int
        In those batches: samples, the sum of their losses, and how many were right.
    order : (n,) int64 Tensor or None
        Of that epoch's samples, where there are several batches.
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
        """Epochs that are done."""
        return len(self.history)

    def add(self, samples: int, loss: float, right: int) -> None:
        """Count a batch that is done, of so many samples, by its mean loss."""
        self.batch += 1
        self.samples += samples
        self.loss += samples * loss
        self.right += right

    def quality_so_far(self) -> Quality:
        """Of the batches of this epoch, each before its step and with dropout."""
        return Quality(self.loss / self.samples, self.right / self.samples)

    def turn_over(self, done: EpochDone) -> None:
        """An epoch is done: begin the next."""
        self.history.append(done)
        self.batch, self.samples, self.loss, self.right, self.order = 0, 0, 0.0, 0, None

    def is_finite(self) -> bool:
        """Whether all weights and statistics are: a state with others is no place to go on from."""
        return all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values())

    def pack(self) -> Arrays:
        """Lay the state out as arrays, copied; see `restore`."""
        with torch.no_grad():
            optimizer = {
                f"optimizer.{i}.{key}": value.detach().cpu().numpy().copy()
                for i, kept in self.optimizer.state_dict()["state"].items()
                for key, value in kept.items()
                if value is not None  # the momentum of sgd without momentum
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
        """Take on a packed state; False, and nothing changed, if it is that of another fit."""
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
                value.copy_(weights[name])  # in place, so that each keeps its strides
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
                # With the strides of its weights: fused steps update wrongly where they differ.
                value = torch.empty_like(of, memory_format=torch.preserve_format).detach().copy_(value)
            state.setdefault(int(number), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _about(self) -> str:
        """What must be alike for the numbers to be: the optimiser, and where it computes."""
        return json.dumps([FORMAT, type(self.optimizer).__name__, self.environment.device.type])


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A state laid out as arrays, and the epochs that are done in it."""

    epoch: int
    arrays: Arrays


class Checkpoint:
    """The place of one fit's checkpoint.

    Parameters
    ----------
    store : TaskStore
    name : str
        Of the fit; see `task_name`.

    Attributes
    ----------
    epoch : int
        The last that is in it; 0 while there is none.
    """

    def __init__(self, store: TaskStore, name: str) -> None:
        self.store, self.name = store, name
        self.epoch = 0
        self._next = -math.inf

    def restore(self, state: FitState) -> bool:
        """Go on from what is kept; False, and nothing changed, if that is nothing, damaged or another's."""
        arrays = self.store.read(self.name)
        if arrays is None or not state.restore(arrays):
            return False
        self.epoch = state.epoch
        return True

    def offer(self, state: FitState) -> None:
        """Write the state at the end of an epoch, if it is finite and the last time is long enough ago.

        That is `EVERY_S` seconds, and longer where writing would take more than `SHARE` of the time.
        The first epoch is always kept.
        """
        started = time.monotonic()
        if started >= self._next and self._write(state):
            ended = time.monotonic()
            self._next = ended + max(EVERY_S, (ended - started) / SHARE)

    def leave(self, state: FitState) -> None:
        """Write the state of a fit that is stopped, within an epoch too; where it cannot be, so be it."""
        if state.epoch or state.batch:
            with suppress(InputError):
                self._write(state)

    def _write(self, state: FitState) -> bool:
        packed = self.packed(state)
        if packed is not None:
            self.keep(packed)
        return packed is not None

    def packed(self, state: FitState) -> Packed | None:
        """Copy a state, if it is finite."""
        with state.environment.step():
            return Packed(state.epoch, state.pack()) if state.is_finite() else None

    def keep(self, packed: Packed) -> None:
        """Write a state that was copied."""
        self.store.write(self.name, packed.arrays)
        self.epoch = packed.epoch

    def words(self) -> str:
        """Say where it is, for a message."""
        return f" The state after epoch {self.epoch}, the last finite, is in {self.store.path(self.name)}."

    def drop(self) -> None:
        """Delete it: what the fit came to is kept."""
        self.store.drop(self.name)


def _arrays(part: str, tensors: Mapping[str, torch.Tensor]) -> Arrays:
    return {f"{part}.{name}": value.detach().cpu().numpy().copy() for name, value in tensors.items()}


def _tensors(part: str, arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in _part(part, arrays).items()}


def _part(part: str, arrays: Arrays) -> Arrays:
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
