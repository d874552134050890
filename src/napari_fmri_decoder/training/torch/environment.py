"""Threads and random numbers of one fit, independent of other fits in the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING

import torch

from napari_fmri_decoder.errors import TrainingError
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.training.torch.memory import free_bytes, is_out_of_memory, requested_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

Advice = Callable[[int], str]

_one_step_at_a_time = threading.RLock()


class Environment:
    """Global state of torch, stored per fit.

    Torch draws initial weights and dropout from one global generator, and has one global number of threads.
    A fit that yields between steps would share both with other code that runs in between. So each step swaps
    its own state in and out, and two fits in one process take turns.

    Parameters
    ----------
    seed : int
    threads : int
        Of torch. Another number changes the order of sums, and so the last digits.
    device : torch.device
    """

    def __init__(self, seed: int, threads: int, device: torch.device) -> None:
        self.device = device
        self._threads = threads
        self._states = {
            place: torch.Generator(place).manual_seed(seed).get_state()
            for place in {torch.device("cpu"), device}
        }

    @contextmanager
    def step(self, advise: Advice | None = None) -> Iterator[None]:
        """Run torch inside this block; never yield inside it.

        Parameters
        ----------
        advise : callable, optional
            Returns advice for a full memory, given the number of free bytes.

        Raises
        ------
        TrainingError
            Instead of any RuntimeError of torch, or MemoryError.
        """
        with _one_step_at_a_time:
            threads, outside = torch.get_num_threads(), self._read()
            try:
                if threads != self._threads:
                    torch.set_num_threads(self._threads)
                self._write(self._states)
                yield
            except (RuntimeError, MemoryError) as error:
                raise TrainingError(_explain(error, self.device, advise)) from error
            finally:
                self._states = self._read()
                self._write(outside)
                if threads != self._threads:
                    torch.set_num_threads(threads)

    def random_states(self) -> dict[str, NDArray[np.uint8]]:
        """Copy torch's random state on each device of this fit."""
        return {str(place): state.numpy().copy() for place, state in self._states.items()}

    def set_random_states(self, states: Mapping[str, NDArray[np.uint8]]) -> None:
        """Set random states that were copied."""
        self._states = {place: torch.tensor(states[str(place)]) for place in self._states}

    def _read(self) -> dict[torch.device, torch.Tensor]:
        return {place: _random_state(place) for place in self._states}

    def _write(self, states: dict[torch.device, torch.Tensor]) -> None:
        for place, state in states.items():
            if place.type == "cuda":
                torch.cuda.set_rng_state(state, place)
            elif place.type == "mps":
                torch.mps.set_rng_state(state)
            else:
                torch.set_rng_state(state)


def _random_state(place: torch.device) -> torch.Tensor:
    if place.type == "cuda":
        return torch.cuda.get_rng_state(place)
    return torch.mps.get_rng_state() if place.type == "mps" else torch.get_rng_state()


def _explain(error: BaseException, device: torch.device, advise: Advice | None) -> str:
    """Message with the first line of torch's error; if memory is full, with its size and advice."""
    message = (str(error).strip() or type(error).__name__).splitlines()[0]
    if not is_out_of_memory(error):
        return f"Training failed in torch on {device}: {message}"
    clear_frames(error.__traceback__)  # frees the tensors of the step
    free, requested = free_bytes(device), requested_bytes(str(error))
    found = f"{format_bytes(requested)} more were requested, and " if requested else ""
    todo = advise(free) if advise else "Choose a smaller batch_size, a smaller network or a smaller mask."
    return (
        f"A batch and the network must fit into the memory of {device}, but it is full: {found}"
        f"{format_bytes(free)} are free. {todo} (torch: {message})"
    )
