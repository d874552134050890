"""125 epochs of `cnn2d` on a GPU, a fifth of the samples validates: ``python gpu.py [cuda:1]``.

The samples must lie on the device from the start: a profile of the epochs counts what is copied to it.
"""

from __future__ import annotations

import sys
import time
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from napari_fmri_decoder.training.events import EpochDone
from side_ours import training
from timing import Row, finish, spread

EPOCHS, ROUNDS = 125, 5


def main() -> None:
    """Time whole fits, then look at what one copies."""
    device = sys.argv[1] if sys.argv[1:] else "cuda"
    if not torch.cuda.is_available():
        finish([], [f"gpu: torch {torch.__version__} finds no CUDA device here; nothing was timed."])
    seconds = []
    for round_ in range(ROUNDS + 1):
        start = time.perf_counter()
        list(training("cnn2d", EPOCHS, device))
        torch.cuda.synchronize()
        if round_:
            seconds.append(time.perf_counter() - start)
    card = torch.cuda.get_device_name(device)
    whole = f"{EPOCHS} epochs of cnn2d, 307 x 40 x 56 x 3, batch 32, a fifth validates, s"
    copied = copies_of_an_epoch(device)
    finish(
        [Row(whole, card, spread(median(seconds), seconds, " s"), "", median(seconds), "<= 2")],
        [f"{card}, CUDA {torch.version.cuda}. Copied in each epoch: {copied}."],
    )


def copies_of_an_epoch(device: str) -> str:
    """Name what is copied between the processor and the device in the second of three epochs."""
    fitting = training("cnn2d", 3, device)
    next(event for event in fitting if isinstance(event, EpochDone))
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        next(event for event in fitting if isinstance(event, EpochDone))
        torch.cuda.synchronize()
    fitting.close()  # type: ignore[attr-defined]  # a generator
    found = [part for part in profiled.key_averages() if part.key.startswith("Memcpy")]
    return ", ".join(f"{part.count} times {part.key}" for part in found) or "nothing"


if __name__ == "__main__":
    main()
