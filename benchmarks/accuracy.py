"""How well networks train: from torch's first weights and constants or Keras's, in float32 or bfloat16.

Accuracy, not time: each network as its defaults say, on the phantom of the demo and, where
FMRI_DECODER_DATA names its folder, on the slice of Haxby 2001; whole runs left out, several seeds.
Run alone: ``python benchmarks/accuracy.py [SEEDS] [phantom | Haxby]``; an hour on one core.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.pipeline.preparing import prepare_run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.samples.example_data.phantom import write_phantom
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.bundle.bundle import versions
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import EpochDone, FoldDone, FoldStarted
from napari_fmri_decoder.training.torch.precision import why_not

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import Prepared
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

EXAMPLES = Path(__file__).parents[1] / "examples"
LEARNED = 0.95
"""Accuracy on the training part; the epochs until then tell how fast a network learns."""


@dataclass(frozen=True)
class Case:
    """One network on one set of samples; `options` and `training` are what departs from its defaults.

    `folds` is into how many parts of whole runs the samples are cut; 0 leaves each run out alone. Of the
    presets, the first is the default.
    """

    data: str
    decoder: str
    options: dict[str, Any]
    training: dict[str, Any]
    folds: int = 0
    presets: Sequence[str] = ("torch", "keras")

    @property
    def name(self) -> str:
        """What the table calls it."""
        changed = {**self.options, **self.training}
        return ", ".join([f"`{self.decoder}`", *(f"{k} = {v}" for k, v in changed.items())])


CASES = (
    Case("phantom", "cnn2d", {}, {"epochs": 25}, folds=3),
    Case("phantom", "cnn2d", {}, {"epochs": 25, "precision": "bfloat16"}, folds=3, presets=["torch"]),
    Case("phantom", "mlp", {"hidden": 128}, {"epochs": 200}),
    Case("phantom", "cnn2d", {}, {"epochs": 125}, folds=3),
    Case("Haxby", "cnn2d", {}, {"epochs": 25}, folds=2),
    Case("Haxby", "mlp", {}, {"epochs": 300}),
    Case("Haxby", "cnn2d", {}, {"epochs": 125}, folds=2),
)


@dataclass(frozen=True)
class Told:
    """What the folds of one seed gave: means over the folds, and the median epoch at which they learned."""

    accuracy: float
    loss: float
    lowest: float
    learned: float


def fitted(case: Case, samples: Samples, splits: list[Split], preset: str, seed: int) -> Told:
    """Fit and test each fold."""
    decoder = get_decoder({"name": case.decoder, "preset": preset, **case.options})
    config = TrainingConfig(seed=seed, threads=1, device="cpu", **case.training).resolved(decoder)
    tests, learned = [], []
    for event in cross_validate(decoder, samples, splits, config):
        match event:
            case FoldStarted():
                learned.append(float("inf"))
            case EpochDone(epoch, train) if train.accuracy >= LEARNED:
                learned[-1] = min(learned[-1], epoch)
            case FoldDone(result):
                tests.append(result.test)
    accuracies = [test.accuracy for test in tests]
    return Told(
        statistics.mean(accuracies),
        statistics.mean(test.loss for test in tests),
        min(accuracies),
        statistics.median(learned),
    )


def phantom(folder: Path) -> Prepared:
    """Prepare the samples of the demo."""
    write_phantom(folder / "data")
    return prepare_run(demo_recipe(), folder)


def haxby(folder: Path) -> Prepared:
    """Prepare the samples of the examples."""
    return prepare_run(load_recipe(EXAMPLES / "haxby_cnn2d.toml"), EXAMPLES)


def row(case: Case, n_folds: int, preset: str, told: list[Told]) -> str:
    """Mean over the seeds, and their standard deviation."""
    accuracy, loss = [t.accuracy for t in told], [t.loss for t in told]
    learned = statistics.median(t.learned for t in told)
    cells = (
        f"{case.data}, {n_folds} folds",
        case.name,
        f"`{preset}`",
        f"{statistics.mean(accuracy):.3f} ± {statistics.stdev(accuracy):.3f}",
        f"{min(t.lowest for t in told):.3f}",
        f"{statistics.mean(loss):.2f} ± {statistics.stdev(loss):.2f}",
        f"{learned:.0f}" if learned < float("inf") else "not reached",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a table of Markdown, row by row."""
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    if len(seeds) < 2:
        raise SystemExit(f"A spread needs at least two seeds, got {len(seeds)}.")
    known, began = versions(), time.monotonic()
    said = ", ".join(f"{name} {known[name]}" for name in ("torch", "numpy") if name in known)
    print(f"Seeds 0 to {seeds[-1]}; {platform.processor() or platform.machine()}, one thread; {said}")
    print("| data | network | preset | accuracy | lowest fold | loss | epochs to 0.95 of the training part |")
    print("|---|---|---|---|---|---|---|")
    make: dict[str, Callable[[Path], Prepared]] = {"phantom": phantom, "Haxby": haxby}
    if len(sys.argv) > 2:
        make = {name: made for name, made in make.items() if name == sys.argv[2]}
    if "Haxby" in make and not (Path(os.environ.get("FMRI_DECODER_DATA", "")) / "haxby_slice").is_dir():
        print("Note: without the slice of Haxby 2001; set FMRI_DECODER_DATA to the folder that holds it.")
        del make["Haxby"]
    lacking = why_not("bfloat16", torch.device("cpu"))
    if lacking:
        print(f"Note: {lacking}")
    prepared: dict[str, Prepared] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            if case.data not in make or (lacking and "precision" in case.training):
                continue
            if case.data not in prepared:
                prepared[case.data] = make[case.data](Path(folder))
            samples = prepared[case.data].samples
            split = SplitConfig(scheme="group-k-fold", n_splits=case.folds) if case.folds else SplitConfig()
            splits = make_splits(split, samples.table)
            for preset in case.presets:
                told = [fitted(case, samples, splits, preset, seed) for seed in seeds]
                print(row(case, len(splits), preset, told), flush=True)
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
