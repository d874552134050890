"""Family-wise p values over many places hold without an effect, and planted regions are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.center_scores import ScoredCenters, score_centers
from napari_fmri_decoder.evaluation.familywise import LEVEL, familywise_p
from napari_fmri_decoder.samples.centers.spheres import spheres
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.volumes.frames import Grid

pytestmark = pytest.mark.slow
SHAPE, RUNS, CLASSES = (8, 8, 6), 6, 4
PLANTED = np.zeros(SHAPE, dtype=bool)
PLANTED[1:5, 2:6, 1:5] = True


def samples_of(seed: int, effect: float = 0.0) -> Samples:
    """Two maps of each class in each run, with smooth noise; an effect only in the planted region."""
    rng = np.random.default_rng([18, seed])
    n = RUNS * CLASSES * 2
    noise = rng.normal(size=(n, *SHAPE))
    for axis in (1, 2, 3):
        noise = noise + 0.5 * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    noise /= noise.std()
    y = np.concatenate([rng.permutation(np.repeat(np.arange(CLASSES), 2)) for _ in range(RUNS)])
    noise[:, PLANTED] += effect * rng.normal(size=(CLASSES, PLANTED.sum()))[y]
    table = pd.DataFrame(
        {"volume": np.arange(n), "label": [f"c{k}" for k in y], "subject": "", "session": ""}
    )
    table["run"] = np.repeat([str(i) for i in range(RUNS)], CLASSES * 2)
    table["block"] = np.arange(n)
    space = Space(Grid(SHAPE, np.diag([3.0, 3, 3, 1])), np.ones(SHAPE, dtype=bool))
    return Samples(
        noise.reshape(n, -1).astype(np.float32), table, tuple(f"c{k}" for k in range(CLASSES)), space
    )


def p_values(samples: Samples, permutations: int, stride: int) -> np.ndarray:
    """Family-wise p of each center of a searchlight."""
    sets, decoder = spheres(samples.space, 4.5, stride), get_decoder({"name": "lda"})
    scores, null = np.full(len(sets), np.nan), np.full((permutations, len(sets)), np.nan)
    splits = make_splits(SplitConfig(), samples.table)
    config = TrainingConfig(threads=1).resolved(decoder)
    centers = np.arange(len(sets))
    for event in score_centers(decoder, samples, splits, config, sets, centers, permutations=permutations):
        if isinstance(event, ScoredCenters):
            if event.numbers[0]:
                null[event.numbers[:, None] - 1, event.centers] = event.scores
            else:
                scores[event.centers] = event.scores[0]
    return familywise_p(scores, null.max(axis=1))


def test_without_an_effect_few_data_sets_have_a_significant_center() -> None:
    found = sum((p_values(samples_of(seed), 39, 2) <= LEVEL).any() for seed in range(100))
    assert found <= 10


def test_a_planted_region_is_found() -> None:
    samples = samples_of(0, effect=1.0)
    found = (p_values(samples, 99, 1) <= LEVEL).reshape(SHAPE)
    dice = 2 * (found & PLANTED).sum() / (found.sum() + PLANTED.sum())
    assert dice >= 0.5
