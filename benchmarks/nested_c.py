"""`linear` with C chosen by runs within the training set, against one fit with a given C.

21 fits: four values of C on five inner folds, and the last. Each side is a whole fit: scaling, axes of the
samples, and the qualities of the model. The shapes are samples x voxels, in 12 runs of 8 classes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.volumes.frames import Grid
from timing import Row, finish, in_turn, short

RUNS, CLASSES = 12, 8
SHAPES = ((96, 20_000, 3), (792, 530, 3), (1500, 58_000, 1))
"""Samples, voxels, and rounds."""
LIMITS = {(96, 20_000): "<= 3", (1500, 58_000): "<= 3"}


def fitted(n: int, voxels: int, C: float | str) -> Callable[[], None]:
    """Fit `linear` to simulated samples."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % CLASSES
    runs = (np.arange(n) * RUNS // n).astype(str)
    X = rng.standard_normal((n, voxels), dtype=np.float32)
    X += 0.15 * rng.standard_normal((CLASSES, voxels), dtype=np.float32)[y]
    space = Space(Grid((voxels, 1, 1), np.eye(4)), np.ones((voxels, 1, 1), dtype=bool))
    decoder = get_decoder({"name": "linear", "C": C})
    settings = TrainingConfig(threads=1).resolved(decoder)

    def call() -> None:
        for _ in fit(decoder, X, y, CLASSES, space, settings, seed=0, groups=runs):
            pass

    return call


def main() -> None:
    """Measure each shape."""
    rows = []
    for n, voxels, rounds in SHAPES:
        sides = {"nested": fitted(n, voxels, "nested"), "given": fitted(n, voxels, 0.1)}
        seconds = in_turn(sides, rounds)
        rows.append(
            Row(
                f"linear with nested C, {n:,} x {voxels:,}",
                "one fit with a given C",
                f"{short(seconds['nested'])} s",
                f"{short(seconds['given'])} s",
                seconds["nested"] / seconds["given"],
                LIMITS.get((n, voxels), ""),
            )
        )
    finish(rows)


if __name__ == "__main__":
    main()
