"""A table of runs, and two of them side by side: what differs in their recipes, where they disagree."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import write_small

from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.pipeline.comparing_runs import COLUMNS, compare_runs, read_rows, runs_table
from napari_fmri_decoder.pipeline.recipe_differences import (
    SECTIONS,
    plain_options,
    recipe_differences,
    varying_options,
)
from napari_fmri_decoder.recipe import Recipe, load_recipe, make_recipe

LEAKS = ["run-in-both-parts", "neighbours-across-split"]
CONTENT: dict[str, Any] = {
    "data": {"images": "/study/bold.nii"},
    "labels": {"source": "table", "table": "/study/volumes.tsv"},
    "decoder": {"name": "mlp"},
}


def recipe(**sections: Any) -> Recipe:
    return make_recipe({**CONTENT, **sections})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of two values of C with a permutation test, and one with random folds, on the same images."""
    folder = tmp_path_factory.mktemp("study")
    content = load_recipe(write_small(folder)).model_dump(mode="json", exclude_none=True)
    content["report"] = {"figures": "none"}
    random = {"split": {"scheme": "random", "test_size": 0.25}, "audit": {"allow": LEAKS}}
    sections: dict[str, dict[str, Any]] = {
        "weak": {"decoder": {"name": "linear", "C": 1e-6}, "null": {"permutations": 3}},
        "strong": {"decoder": {"name": "linear", "C": 1.0}},
        "random": {"decoder": {"name": "linear", "C": 1.0}, **random},
    }
    for name, own in sections.items():
        finish(run(make_recipe({**content, **own}), folder, folder / "runs" / name))
    return {name: folder / "runs" / name for name in sections}


def test_options_have_the_names_of_the_forms() -> None:
    options = plain_options(recipe(training={"learning_rate": 0.25}, null={"permutations": 9}))
    assert options["Network"] == "mlp"
    assert options["Training: Learning rate"] == "0.25"
    assert options["Permutation test: Permutations"] == "9"
    assert options["Data: Images"] == "/study/bold.nii"
    assert not [name for name in options if "_" in name], "no names of keys"


def test_only_what_differs_is_listed_in_the_order_of_the_recipe() -> None:
    one = recipe(training={"epochs": 10}, data={"images": "/study/bold.nii", "mask": {"strategy": "epi"}})
    two = recipe(training={"epochs": 20}, decoder={"name": "mlp", "hidden": 4})
    assert [(d.option, d.first, d.second) for d in recipe_differences(one, two)] == [
        *((d.option, d.first, "not set") for d in recipe_differences(one, recipe(training={"epochs": 10}))),
        ("Network: Hidden", "not set", "4"),
        ("Training: Epochs", "10", "20"),
    ]
    assert recipe_differences(one, one) == []


def test_baselines_that_differ_are_listed() -> None:
    one, two = recipe(), recipe(baseline={"models": ["lda"]})
    (found,) = recipe_differences(one, two)
    assert (found.option, found.first, found.second) == ("Baselines: Models", "lda, linear", "lda")


def test_every_section_that_affects_results_has_a_title() -> None:
    assert set(SECTIONS) == set(Recipe.model_fields) - {"report"}


def test_options_that_a_decoder_never_reads_do_not_differ() -> None:
    linear = {"name": "linear"}
    one, two = (recipe(decoder=linear, training={"epochs": n, "seed": 1}) for n in (10, 20))
    assert recipe_differences(one, two) == []


def test_varying_options_are_those_that_are_not_the_same_in_all() -> None:
    three = [recipe(training={"epochs": n}) for n in (10, 10, 20)]
    assert varying_options(three) == [{"Training: Epochs": str(n)} for n in (10, 10, 20)]
    assert varying_options(three[:2]) == [{}, {}]


def test_the_table_has_a_row_per_run(runs: dict[str, Path], tmp_path: Path) -> None:
    broken = Path(shutil.copytree(runs["weak"], tmp_path / "broken"))
    (broken / "scores.json").write_text("[]")
    rows, messages = read_rows([*runs.values(), broken])
    assert [row.folder for row in rows] == list(runs.values())
    assert len(messages) == 1
    assert messages[0].startswith("broken: scores.json must contain the scores of a run")
    table = runs_table(rows).set_index("run")
    assert (*["run"], *table.columns) == COLUMNS
    assert table.loc["weak", "p"] == rows[0].scores.permutation.p  # type: ignore[union-attr]
    assert pd.isna(table.loc["strong", "p"])
    assert table.loc["strong", "score"] == rows[1].scores.accuracy
    assert table.loc["strong", ["lda", "linear", "dummy"]].to_dict() == rows[1].scores.baseline
    assert "Network: C 1e-06" in str(table.loc["weak", "differs in"])
    assert rows[2].headline.severity == "error"
    assert rows[1].headline.severity is None


def test_two_runs_side_by_side(runs: dict[str, Path]) -> None:
    found = compare_runs(runs["weak"], runs["strong"])
    ours, theirs = (pd.read_csv(runs[name] / "predictions.tsv", sep="\t") for name in ("weak", "strong"))
    assert found.paired is not None
    assert found.paired.n == len(ours)
    assert found.paired.disagree == int((ours["predicted"] != theirs["predicted"]).sum())
    by_hand = (ours["true"] == ours["predicted"]).groupby(ours["run"]).mean()
    assert found.by_run["first"].tolist() == pytest.approx(by_hand.tolist())
    options = {d.option: (d.first, d.second) for d in found.differences}
    assert options["Network: C"] == ("1e-06", "1")
    assert options["Permutation test: Permutations"] == ("3", "0")
    assert len(options) == 2


def test_other_samples_or_other_images_are_not_paired(runs: dict[str, Path], tmp_path: Path) -> None:
    assert compare_runs(runs["weak"], runs["random"]).paired is None, "it held out fewer samples"
    other = tmp_path / "other"
    other.mkdir()
    content = load_recipe(write_small(other, seed=3)).model_dump(mode="json", exclude_none=True)
    content["report"] = {"figures": "none"}
    finish(run(make_recipe(content), other, other / "run"))
    found = compare_runs(runs["strong"], other / "run")
    assert found.paired is None, "volumes have the same numbers and labels, but the images differ"
    assert len(found.by_run) == 4
