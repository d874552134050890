"""The same networks by this package, and scikit-learn's MLP. Asked by `training.py`.

``python side_ours.py cnn2d | mlp | cnn3d | sklearn [precision] [checkpoint]``
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import EpochDone, FitEvent
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.tasks.checkpoint import Checkpoint
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.volumes.frames import Grid
from turns import Turns

GRIDS = {"cnn2d": (40, 56, 3), "cnn3d": (40, 56, 40), "mlp": (992, 1, 1)}
SAMPLES = {"cnn2d": 307, "cnn3d": 64, "mlp": 416}


def numbers(kind: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Draw the samples of a network, their classes, and how many there are."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(SAMPLES[kind], np.prod(GRIDS[kind]))).astype(np.float32)
    classes = 26 if kind == "mlp" else 2
    y = rng.integers(0, classes, len(X))
    y[:classes] = range(classes)
    return X, y, classes


def training(
    name: str, epochs: int, device: str, precision: str = "float32", checkpoint: Checkpoint | None = None
) -> Iterator[FitEvent]:
    """Fit a network to its numbers."""
    X, y, classes = numbers(name)
    config = TrainingConfig.model_validate(
        {
            "epochs": epochs,
            "threads": torch.get_num_threads(),
            "device": device,
            "validation": "last" if name == "cnn2d" else "none",
            "precision": precision,
        }
    )
    grid = Grid(GRIDS[name], np.eye(4))
    space = Space(grid, np.ones(grid.shape, dtype=bool))
    return fit(
        get_decoder({"name": name}),
        X,
        y,
        classes,
        space,
        config.resolved(get_decoder({"name": name})),
        seed=0,
        checkpoint=checkpoint,
    )


def main() -> None:
    """Train until nothing more is asked."""
    name, *how = sys.argv[1:]
    if name == "sklearn":
        theirs(*numbers("mlp")[:2])
    turns = Turns()
    precision = "bfloat16" if "bfloat16" in how else "float32"
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(TaskStore(Path(folder)), "fit") if "checkpoint" in how else None
        for event in training(name, 100_000, "cpu", precision, checkpoint):
            if isinstance(event, EpochDone):
                turns.epoch_done()


def theirs(X: np.ndarray, y: np.ndarray) -> None:
    """Train scikit-learn's network, which has no dropout."""
    model = MLPClassifier(
        (509,), solver="sgd", batch_size=len(X), learning_rate_init=0.1, momentum=0.0, alpha=1e-4 * len(X),
        max_iter=10, n_iter_no_change=10, tol=0.0, warm_start=True, random_state=0,
    )  # fmt: skip
    turns = Turns()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        while True:
            model.fit(X, y)
            for _ in range(10):
                turns.epoch_done()


if __name__ == "__main__":
    main()
