"""The phantom is decoded on chunks left out, and not under labels exchanged between blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.cli.progress import follow
from napari_fmri_decoder.evaluation.label_permutation import permute_labels
from napari_fmri_decoder.pipeline import RunResult, run
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.recipe import make_recipe
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.example_data.phantom import write_phantom

pytestmark = pytest.mark.slow
BESIDE = [{"decoder": {"name": "mlp"}, "training": {"epochs": 200}}]


def _run(folder: Path) -> RunResult:
    content = demo_recipe().model_dump(mode="json", exclude_none=True) | {"compare": BESIDE}
    return follow(run(make_recipe(content), folder, folder / "run"))


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder / "data")
    return _run(folder)


def test_cnn2d_decodes_chunks_left_out(decoded):
    assert decoded.scores.accuracy >= 0.85
    assert len(decoded.scores.folds) == 6


def test_mlp_and_the_baselines_stand_beside_it(decoded):
    (mlp,) = decoded.scores.compared
    assert mlp.accuracy >= 0.75
    assert decoded.scores.baseline["linear"] >= 0.80
    assert decoded.scores.baseline["dummy"] == pytest.approx(0.5, abs=0.01)


def test_nothing_is_decoded_under_labels_exchanged_between_blocks(tmp_path):
    paths = write_phantom(tmp_path / "data")
    table = pd.read_csv(paths.table, sep="\t", dtype={"run": str}).assign(subject="", session="")
    table["block"] = number_blocks(table)
    table["label"] = permute_labels(table, np.random.default_rng(7))
    table[["volume", "label", "run"]].to_csv(paths.table, sep="\t", index=False)
    scores = _run(tmp_path).scores
    for accuracy in (scores.accuracy, scores.compared[0].accuracy, scores.baseline["linear"]):
        assert 0.42 <= accuracy <= 0.58
