"""Permutations of a small MLP: one batch, against scikit-learn through joblib, and against fit by fit.

12 runs of 8 patterns, 530 voxels, 30 hidden units, 300 epochs: the slice of Haxby 2001, one pattern per
block. Each round does 24 permutations x 12 folds on either side; scikit-learn has all cores, the batch one.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.evaluation.permutation_scores import permuted_scores
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.batched import can_batch
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.volumes.frames import Grid
from timing import Row, finish, in_turn

RUNS, CLASSES, VOXELS, HIDDEN, EPOCHS, PERMUTATIONS = 12, 8, 530, 30, 300, 24
RATE, DECAY = 0.1, 1e-4


def patterns() -> Samples:
    """One pattern per run and class."""
    rng = np.random.default_rng(0)
    n = RUNS * CLASSES
    means = rng.normal(size=(CLASSES, VOXELS))
    X = np.tile(0.3 * means, (RUNS, 1)) + rng.normal(size=(n, VOXELS))
    labels = np.tile([f"class {i}" for i in range(CLASSES)], RUNS)
    table = pd.DataFrame({"volume": np.arange(n), "label": labels, "subject": "", "session": ""})
    table["run"] = np.repeat([str(i) for i in range(RUNS)], CLASSES)
    table["block"] = np.arange(n)
    space = Space(Grid((VOXELS, 1, 1), np.eye(4)), np.ones((VOXELS, 1, 1), dtype=bool))
    return Samples(X.astype(np.float32), table, tuple(sorted(set(labels))), space)


def their_fit(X: Any, y: Any, train: Any, test: Any, seed: int) -> float:
    """Fit scikit-learn's network as ours is, less what it has no name for (dropout)."""
    scaler = StandardScaler().fit(X[train])
    model = MLPClassifier(
        (HIDDEN,),
        solver="sgd",
        batch_size=len(train),
        learning_rate_init=RATE,
        alpha=DECAY * len(train),  # theirs is divided by the number of samples
        momentum=0.0,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0.0,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(X[train]), y[train])
    assert model.n_iter_ == EPOCHS
    return float(model.score(scaler.transform(X[test]), y[test]))


def main() -> None:
    """Time the sides in turn."""
    samples = patterns()
    splits = make_splits(SplitConfig(), samples.table)
    decoder = get_decoder({"name": "mlp", "hidden": HIDDEN, "dropout": 0.0})
    config = TrainingConfig(
        epochs=EPOCHS, learning_rate=RATE, weight_decay=DECAY, batch_size=0, threads=1, device="cpu"
    )
    assert can_batch(decoder, samples, splits, config.resolved(decoder))
    numbers = list(range(1, PERMUTATIONS + 1))
    labels = [permuted(samples, 0, number).y for number in numbers]
    scores: dict[str, float] = {}

    def ours() -> None:
        steps = permuted_scores(decoder, samples, splits, config.resolved(decoder), numbers)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                scores["ours"] = float(end.value.mean())
                return

    def theirs() -> None:
        found = Parallel(n_jobs=-1)(
            delayed(their_fit)(samples.X, y, split.train, split.test, number)
            for number, y in zip(numbers, labels, strict=True)
            for split in splits
        )
        scores["theirs"] = float(np.mean(found))

    def one() -> None:
        for _ in cross_validate(
            decoder, permuted(samples, 0, 1), splits, config.resolved(decoder), permutation=1
        ):
            pass

    seconds = in_turn({"ours": ours, "theirs": theirs, "one": one}, 4)
    fits = len(numbers) * len(splits)
    batch, alone = seconds["ours"] / fits, seconds["one"] / len(splits)
    what = f"{fits} fits of an MLP, {VOXELS}-{HIDDEN}-{CLASSES}, {EPOCHS} epochs"
    rows = [
        Row(
            what,
            f"scikit-learn, joblib on {cpu_count()} cores",
            f"{seconds['ours']:.2f} s",
            f"{seconds['theirs']:.2f} s",
            seconds["theirs"] / seconds["ours"],
            ">= 4",
        ),
        Row(
            "one of these fits",
            "fitted alone",
            f"{1e3 * batch:.1f} ms",
            f"{1e3 * alone:.0f} ms",
            alone / batch,
        ),
    ]
    finish(
        rows,
        [
            f"Mean accuracy with permuted labels: ours {scores['ours']:.3f}, "
            f"theirs {scores['theirs']:.3f}; chance {1 / CLASSES:.3f}."
        ],
    )


if __name__ == "__main__":
    main()
