"""The permutation p means what it says: uniform where there is nothing, small where there is something."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.stats import kstest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.permutations import PermutationsDone, permutation_test
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.pipeline import prepare_run
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.recipe import make_recipe
from napari_fmri_decoder.samples.example_data.phantom import write_phantom
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.volumes.frames import Grid

pytestmark = pytest.mark.slow
MLP = get_decoder({"name": "mlp", "hidden": 4})
CONFIG = TrainingConfig(epochs=30, threads=1, device="cpu")
RUNS, BLOCKS, LENGTH, VOXELS, AR = 4, 6, 9, 12, 0.9


def null_samples(seed: int) -> Samples:
    """Two conditions in blocks of nine volumes, in an order drawn for each run; no effect."""
    rng = np.random.default_rng([2024, seed])
    n = BLOCKS * LENGTH
    X, labels = [], []
    for _ in range(RUNS):
        # what came before the run is drawn too, so that the noise has one variance throughout
        noise = lfilter([1], [1, -AR], rng.normal(size=(n + 100, VOXELS)), axis=0)[100:]
        X.append(noise)
        labels += np.repeat(rng.permutation(np.repeat(["a", "b"], BLOCKS // 2)), LENGTH).tolist()
    table = pd.DataFrame(
        {
            "volume": np.arange(RUNS * n),
            "label": labels,
            "subject": "",
            "session": "",
            "run": np.repeat([str(i + 1) for i in range(RUNS)], n),
            "block": np.arange(RUNS * n) // LENGTH,
        }
    )
    space = Space(Grid((VOXELS, 1, 1), np.eye(4)), np.ones((VOXELS, 1, 1), dtype=bool))
    return Samples(np.concatenate(X).astype(np.float32), table, ("a", "b"), space)


def p_value(decoder, samples, splits, config, permutations) -> float:
    events = cross_validate(decoder, samples, splits, config.resolved(decoder))
    observed = score_folds([e.result for e in events if isinstance(e, FoldDone)], samples).score
    test = permutation_test(
        decoder, samples, splits, config.resolved(decoder), permutations=permutations, observed=observed
    )
    (done,) = (event for event in test if isinstance(event, PermutationsDone))
    assert done.summary.n == permutations
    assert done.summary.p == (int((done.scores >= observed - 1e-9).sum()) + 1) / (permutations + 1)
    return done.summary.p


def test_p_is_uniform_where_there_is_no_effect():
    p = []
    for seed in range(200):
        samples = null_samples(seed)
        config = CONFIG.model_copy(update={"seed": seed})
        p.append(p_value(MLP, samples, make_splits(SplitConfig(), samples.table), config, 99))
    found, below = kstest(p, "uniform").pvalue, np.mean(np.array(p) <= 0.05)
    assert found > 0.01, (found, below)
    assert below <= 0.08, (found, below)


def test_p_is_small_on_the_phantom(tmp_path):
    write_phantom(tmp_path / "data")
    content = demo_recipe().model_dump(mode="json", exclude_none=True)
    content |= {"decoder": {"name": "mlp", "hidden": 16}, "training": {"epochs": 100, "threads": 1}}
    prepared = prepare_run(make_recipe(content), tmp_path)
    config = prepared.recipe.training
    assert p_value(prepared.recipe.decoder, prepared.samples, prepared.splits, config, 99) == 0.01
