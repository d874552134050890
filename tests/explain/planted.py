"""Samples with a planted region in smooth noise, and the folds of a decoder, for tests of proofs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.training.config import ResolvedTraining

SHAPE = (9, 10, 4)
N_RUNS, BLOCKS, EACH = 4, 6, 2
MLP = {"name": "mlp", "hidden": 12, "dropout": 0.0}


def truth() -> np.ndarray:
    """The voxels that differ, (x, y, z) bool; about 4% of all."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:4, 6:9, 1:3] = True
    return mask


@cache
def planted_samples(seed: int = 0, strength: float = 1.5) -> Samples:
    """Two classes in blocks; the second is higher in half of the region, and lower in the other."""
    rng = np.random.default_rng(seed)
    n = N_RUNS * BLOCKS * EACH
    labels = np.concatenate(
        [np.repeat(rng.permutation(["a", "b"] * (BLOCKS // 2)), EACH) for _ in range(N_RUNS)]
    )
    noise = np.stack([gaussian_filter(rng.normal(size=SHAPE), 0.7) for _ in range(n)])
    signal = truth() * np.where(np.arange(SHAPE[2]) < 2, 1, -1)
    data = noise / noise.std() + strength * signal * (labels == "b")[:, None, None, None]
    table = pd.DataFrame({"volume": np.arange(n), "label": labels, "subject": "", "session": ""})
    table["run"] = np.repeat([str(i + 1) for i in range(N_RUNS)], BLOCKS * EACH)
    table["block"] = np.repeat(np.arange(n // EACH), EACH)
    space = Space(Grid(SHAPE, np.diag([3.0, 3, 4, 1])), np.ones(SHAPE, dtype=bool))
    return Samples(data.reshape(n, -1).astype(np.float32), table, ("a", "b"), space)


def cross_validated(
    samples: Samples, options: dict[str, Any] = MLP, epochs: int = 40
) -> tuple[tuple[FoldResult, ...], Decoder, ResolvedTraining]:
    """Folds of a decoder, each run held out once."""
    decoder = get_decoder(options)
    training = TrainingConfig(epochs=epochs, threads=1, device="cpu").resolved(decoder)
    splits = make_splits(SplitConfig(), samples.table)
    events = list(cross_validate(decoder, samples, splits, training))
    return tuple(e.result for e in events if isinstance(e, FoldDone)), decoder, training
