"""The examples on real fMRI meet the scores that their data come with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_fmri_decoder.cli.progress import follow
from napari_fmri_decoder.pipeline import run
from napari_fmri_decoder.recipe import load_recipe, make_recipe

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"


def _scores(name: str, haxby: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.setenv("FMRI_DECODER_DATA", str(haxby.parent))
    follow(run(load_recipe(EXAMPLES / name), EXAMPLES, out))
    return json.loads((out / "scores.json").read_text())


def test_haxby_slice_by_mlp_cnn2d_linear_and_dummy_in_one_file(haxby, tmp_path, monkeypatch):
    scores = _scores("haxby_mlp.toml", haxby, tmp_path / "run", monkeypatch)
    assert scores["accuracy"] >= 0.60
    (cnn,) = scores["compared"]
    assert cnn["decoder"]["name"] == "cnn2d"
    assert cnn["accuracy"] >= 0.50  # the data's README has 0.581 of another small CNN
    assert scores["baseline"]["linear"] >= 0.64
    assert scores["baseline"]["dummy"] == pytest.approx(0.125, abs=0.01)
    assert len(scores["accuracy_per_fold"]) == 12
    assert not scores["audit"]


def test_haxby_slice_by_the_linear_model_itself(haxby, tmp_path, monkeypatch):
    scores = _scores("haxby_linear.toml", haxby, tmp_path / "run", monkeypatch)
    assert scores["accuracy"] == pytest.approx(0.667, abs=0.02)


@pytest.mark.parametrize(
    ("example", "least"), [("haxby_lda", 0.72), ("haxby_means_lda", 0.90), ("haxby_zmaps_lda", 0.92)]
)
def test_haxby_slice_by_lda(haxby, tmp_path, monkeypatch, example, least):
    scores = _scores(f"{example}.toml", haxby, tmp_path / "run", monkeypatch)
    assert scores["accuracy"] >= least
    assert not scores["audit"]


@pytest.mark.parametrize(("example", "lda"), [("haxby_mlp_means", 0.729), ("haxby_zmaps_mlp_means", 0.938)])
def test_a_network_from_the_class_means_reaches_lda(haxby, tmp_path, monkeypatch, example, lda):
    scores = _scores(f"{example}.toml", haxby, tmp_path / "run", monkeypatch)
    error = 0.021  # of lda over folds, on the volumes
    assert scores["baseline"]["lda"] == pytest.approx(lda, abs=0.005)
    assert min(scores["seeds"]["scores"]) >= scores["baseline"]["lda"] - error
    assert not scores["audit"]


def test_permuted_labels_of_real_data_give_chance(haxby, tmp_path, monkeypatch):
    """100 permutations within runs: the mean is 1/8, and no permutation reaches the score."""
    monkeypatch.setenv("FMRI_DECODER_DATA", str(haxby.parent))
    content = load_recipe(EXAMPLES / "haxby_means_lda.toml").model_dump(mode="json", exclude_none=True)
    content |= {"null": {"permutations": 100}, "report": {"figures": "none"}, "baseline": {"models": []}}
    permutation = follow(run(make_recipe(content), EXAMPLES, tmp_path / "run")).scores.permutation
    assert permutation.mean == pytest.approx(0.125, abs=0.02)
    assert permutation.p == pytest.approx(1 / 101)


def test_a_slice_too_thin_for_three_blocks_says_so(haxby, tmp_path, monkeypatch):
    monkeypatch.setenv("FMRI_DECODER_DATA", str(haxby.parent))
    recipe = load_recipe(EXAMPLES / "haxby_cnn2d.toml").model_copy(update={"split": _one_fold()})
    result = follow(run(recipe, EXAMPLES, tmp_path / "run"))
    assert any("cnn2d has 2 here" in note for note in result.prepared.notes), result.prepared.notes


def _one_fold():
    from napari_fmri_decoder.samples.split_config import SplitConfig

    return SplitConfig(scheme="explicit", test=("12",))
