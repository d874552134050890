"""A toy problem that every decoder learns in seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.volumes.frames import Grid


@pytest.fixture
def toy() -> Samples:
    """60 samples of three classes in five runs, on a slab of 10 x 9 pixels and 2 planes with a hole."""
    rng = np.random.default_rng(0)
    mask = np.ones((10, 9, 2), dtype=bool)
    mask[:2, :2] = False
    space = Space(Grid((10, 9, 2), np.diag([3.0, 3, 4, 1])), mask, axis=2)
    labels = np.tile(["cat", "dog", "owl"], 20)
    codes = np.tile([0, 1, 2], 20)
    patterns = rng.normal(size=(3, space.n_features))
    X = 100 + 10 * (patterns[codes] + 0.8 * rng.normal(size=(60, space.n_features)))
    table = pd.DataFrame(
        {
            "volume": np.arange(60),
            "label": labels,
            "subject": "",
            "session": "",
            "run": np.repeat(["1", "2", "3", "4", "5"], 12),
            "block": np.arange(60),
        }
    )
    return Samples(X.astype(np.float32), table, ("cat", "dog", "owl"), space)


@pytest.fixture
def thirds(toy: Samples) -> list[Split]:
    """Two folds that test on one run each."""
    runs = toy.groups
    return [Split(f"run {r}", np.flatnonzero(runs != r), np.flatnonzero(runs == r)) for r in ("1", "4")]


@pytest.fixture
def poisoned(toy: Samples, thirds: list[Split]) -> Samples:
    """The toy problem with huge values in the test part of its first fold."""
    X = toy.X.copy()
    X[thirds[0].test] *= 1e6
    return replace(toy, X=X)
