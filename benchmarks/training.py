"""Epochs of the three networks, against Keras on the same numbers and, for the MLP, against scikit-learn.

Every side trains in a process of its own with all cores, a few epochs at a time, in turn with the others.
``FMRI_DECODER_BENCH_PEER`` names the interpreter that has Keras and TensorFlow.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.torch.malloc import freed_memory_reused
from napari_fmri_decoder.training.torch.precision import make_optimizer, prepare
from timing import Row, finish, spread
from turns import Side

OURS, KERAS = (Path(__file__).with_name(name) for name in ("side_ours.py", "side_keras.py"))
ROUNDS, PRODUCTS, PAUSE_S = 7, 20, 0.3
"""The pause lets the threads of the side before fall asleep."""


def in_turns(
    sides: dict[str, Side], epochs: int, between: Callable[[], None] = lambda: None
) -> dict[str, dict[str, float]]:
    """Let each side train some epochs per round; medians over the rounds, with their spread."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    memory: dict[str, float] = {}
    for round_ in range(ROUNDS + 1):
        for name, side in sides.items():
            told = side.turn(epochs)
            if round_:
                seconds[name].append(told["epoch_s"])
            memory[name] = told["mib"]
            time.sleep(PAUSE_S)
        between()
    for side in sides.values():
        side.end()
    return {
        name: {"s": median(values), "least": min(values), "most": max(values), "mib": memory[name]}
        for name, values in seconds.items()
    }


def ours(*arguments: str) -> Side:
    """A training of this package."""
    return Side(sys.executable, OURS, *arguments)


def keras(name: str) -> Side:
    """The same by Keras."""
    return Side(os.environ["FMRI_DECODER_BENCH_PEER"], KERAS, name)


def row(what: str, peer: str, a: dict[str, float], b: dict[str, float], limit: str = "") -> Row:
    """How many times as fast `a` is as `b`."""
    words = [spread(1e3 * s["s"], (1e3 * s["least"], 1e3 * s["most"]), " ms") for s in (a, b)]
    return Row(what, peer, *words, b["s"] / a["s"], limit)


def step_of(name: str, shape: Sequence[int], batch: int, classes: int) -> tuple[float, str]:
    """Floating-point operations of one step of training, and which operators its time goes to."""
    inputs, targets = torch.randn(batch, *shape), torch.randint(0, classes, (batch,))
    decoder = get_decoder({"name": name})
    network = decoder.build(tuple(shape), classes)
    inputs = inputs.contiguous(memory_format=prepare(network, torch.device("cpu")))
    optimizer = make_optimizer(network, TrainingConfig().resolved(decoder))

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), targets).backward()
        optimizer.step()

    step()
    with FlopCounterMode(display=False) as counter:
        step()
    with freed_memory_reused(), profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(5):
            step()
    parts = sorted(profiled.key_averages(), key=lambda part: -part.self_cpu_time_total)
    total = sum(part.self_cpu_time_total for part in parts)
    named = [
        f"{part.key.removeprefix('aten::')} {part.self_cpu_time_total / total:.0%}" for part in parts[:8]
    ]
    return float(counter.get_total_flops()), ", ".join(named)


class Products:
    """Float32 products of 2048 x 2048, some between two rounds; the best is the machine's rate."""

    def __init__(self) -> None:
        self._a, self._b = torch.rand(2048, 2048), torch.rand(2048, 2048)
        self.rate = 0.0

    def __call__(self) -> None:
        """Time some."""
        for _ in range(PRODUCTS // ROUNDS + 1):
            start = time.perf_counter()
            torch.mm(self._a, self._b)
            self.rate = max(self.rate, 2 * 2048**3 / (time.perf_counter() - start))
            time.sleep(0.02)


def main() -> None:
    """Time the sides in turn, network by network."""
    if not os.environ.get("FMRI_DECODER_BENCH_PEER"):
        finish([], ["training.py needs an interpreter with tensorflow in FMRI_DECODER_BENCH_PEER."])
    torch.set_num_threads(os.cpu_count() or 1)
    products = Products()
    flat = in_turns(
        {
            "ours": ours("cnn2d"),
            "keras": keras("cnn2d"),
            "bfloat16": ours("cnn2d", "bfloat16"),
            "kept": ours("cnn2d", "checkpoint"),
        },
        4,
        products,
    )
    dense = in_turns({"ours": ours("mlp"), "keras": keras("mlp"), "sklearn": ours("sklearn")}, 40)
    deep = in_turns(
        {"ours": ours("cnn3d"), "keras": keras("cnn3d"), "bfloat16": ours("cnn3d", "bfloat16")}, 1
    )
    cnn2d = "epoch of cnn2d, 307 x 40 x 56 x 3, batch 32, a fifth validates"
    mlp = "epoch of mlp, 416 x 992, 509 units, 26 classes, full batch"
    cnn3d = "epoch of cnn3d, 64 x 40 x 56 x 40, batch 16"
    most = {name: deep[name]["mib"] for name in ("ours", "keras")}
    rows = [
        row(cnn2d, "Keras", flat["ours"], flat["keras"], ">= 2"),
        row(cnn2d + ", bfloat16", "Keras, float32", flat["bfloat16"], flat["keras"]),
        row(cnn2d + ", with checkpoints", "without", flat["kept"], flat["ours"]),
        row(mlp, "Keras", dense["ours"], dense["keras"], ">= 3"),
        row(mlp, "scikit-learn, no dropout", dense["ours"], dense["sklearn"], ">= 1"),
        row(cnn3d, "Keras", deep["ours"], deep["keras"], ">= 1"),
        row(cnn3d + ", bfloat16", "Keras, float32", deep["bfloat16"], deep["keras"]),
        Row(
            "memory of that process at its peak", "Keras", *(f"{m:.0f} MiB" for m in most.values()),
            most["ours"] / most["keras"], "<= 1.2",
        ),
    ]  # fmt: skip
    flops, named = step_of("cnn2d", (3, 40, 56), 32, 2)
    trained, validated = 245, 62
    used = flops / 32 * (trained + validated / 3) / flat["ours"]["s"]
    finish(
        rows,
        [
            f"cnn2d computes at {used / 1e9:.0f} GFLOP/s, {used / products.rate:.0%} of the best of over "
            f"{PRODUCTS} float32 products of 2048 x 2048 in turn ({products.rate / 1e9:.0f} GFLOP/s). "
            f"Where a step's time goes: {named}.",
        ],
    )


if __name__ == "__main__":
    main()
