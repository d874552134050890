"""Artificial samples and fold results, so that scores can be compared with plain sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.scaling import identity
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.training.events import EpochDone, FittedModel, FoldResult, Quality
from napari_fmri_decoder.training.quality import quality
from napari_fmri_decoder.volumes.frames import Grid


def make_samples(
    classes: Sequence[str] = ("cat", "dog", "owl"),
    *,
    runs: int = 4,
    blocks: int = 1,
    length: int = 3,
    features: int = 12,
    signal: float = 0.0,
    noise_of_blocks: float = 0.0,
    extra: int = 0,
    seed: int = 0,
) -> Samples:
    """Each run has `blocks` blocks of `length` volumes per class; `extra` more in each of the first class."""
    rng = np.random.default_rng(seed)
    patterns = rng.normal(size=(len(classes), features))
    rows, X = [], []
    for run in range(runs):
        order = rng.permutation(np.repeat(np.arange(len(classes)), blocks))
        for block, code in enumerate(order):
            shared = noise_of_blocks * rng.normal(size=features)
            for _ in range(length + (extra if code == 0 else 0)):
                rows.append(
                    {
                        "volume": 10 + 2 * len(rows),
                        "label": classes[code],
                        "subject": "",
                        "session": "",
                        "run": str(run + 1),
                        "block": run * 100 + block,
                    }
                )
                X.append(signal * patterns[code] + shared + rng.normal(size=features))
    space = Space(Grid((features, 1, 1), np.eye(4)), np.ones((features, 1, 1), dtype=bool))
    return Samples(np.asarray(X, dtype=np.float32), pd.DataFrame(rows), tuple(sorted(classes)), space)


def leave_one_run_out(samples: Samples) -> list[Split]:
    return make_splits(SplitConfig(), samples.table)


def random_results(
    samples: Samples, splits: Sequence[Split], *, epochs: int = 3, right: float = 2.0, seed: int = 1
) -> list[FoldResult]:
    """Fold results with random probabilities; `right` is added to the logit of the true class."""
    rng = np.random.default_rng(seed)
    n = len(samples.classes)

    def draw(rows: np.ndarray) -> np.ndarray:
        logits = rng.normal(size=(len(rows), n)) + right * np.eye(n)[samples.y[rows]]
        powers = np.exp(logits)
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    results = []
    for fold, split in enumerate(splits):
        test, train = draw(split.test), draw(split.train)
        model = FittedModel(
            get_decoder({"name": "mlp"}), (len(samples.X[0]),), n, {}, identity(samples.space.n_features)
        )
        of_test, of_train = quality(test, samples.y[split.test]), quality(train, samples.y[split.train])
        untrained = Quality(float(np.log(n)), 1 / n)
        history = tuple(
            EpochDone(
                epoch,
                Quality(
                    of_train.loss + 2 / epoch, min(1.0, of_train.accuracy * (0.5 + 0.5 * epoch / epochs))
                ),
                Quality(of_test.loss + 3 / epoch, of_test.accuracy * (0.5 + 0.5 * epoch / epochs)),
            )
            for epoch in range(1, epochs + 1)
        )
        results.append(
            FoldResult(fold, split, test, train, of_train, of_test, untrained, untrained, model, history)
        )
    return results
