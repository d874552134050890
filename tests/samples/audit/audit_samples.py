"""Samples for tests of the audit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.volume import Volume


def samples(n_runs: int = 4, per_run: int = 48, labels: list[str] | None = None) -> Samples:
    """Blocks of four volumes, balanced within runs, in a different random order for each run."""
    n, rng = n_runs * per_run, np.random.default_rng(3)
    order = [rng.permutation(["a", "b"] * (per_run // 8)) for _ in range(n_runs)]
    labels = np.repeat(np.concatenate(order), 4).tolist() if labels is None else labels
    table = pd.DataFrame({"volume": np.arange(n), "label": labels})
    table["run"] = [str(i // per_run + 1) for i in range(n)]
    table = table.assign(subject="", session="", block=np.arange(n) // 4)
    X = rng.normal(size=(n, 40)).astype(np.float32)
    space = Space(Grid((40, 1, 1), np.eye(4)), np.ones((40, 1, 1), dtype=bool))
    return Samples(X, table, tuple(sorted(set(table["label"]))), space)


def codes(made: Samples, splits: list[Split] | None = None, **options: object) -> list[str]:
    splits = make_splits(SplitConfig(), made.table) if splits is None else splits
    return [finding.code for finding in audit(made, splits, **options)]


def averages(**how: bool) -> Samples:
    """One recording of two runs, each with four blocks of ten volumes in the order a b a b."""
    table = pd.DataFrame({"volume": np.arange(80), "label": np.tile(np.repeat(list("abab"), 10), 2)})
    table = table.assign(run=np.repeat(["1", "2"], 40), subject="", session="")
    data = np.random.default_rng(2).normal(size=(30, 1, 1, 80)).astype(np.float32)
    raw = {"detrend": False, "standardize_runs": False}
    return prepare(Volume(data, np.eye(4), "bold", 2.0), table, PrepareConfig(**raw, **how))
