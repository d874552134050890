"""The command that measures the scores in the docs again: what it reads, compares and writes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def results() -> Any:
    """The module tools/results.py."""
    spec = importlib.util.spec_from_file_location("fmri_results", ROOT / "tools" / "results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_docs_have_every_score_and_its_recipe_exists(results: Any) -> None:
    page = results.PAGE.read_text(encoding="utf-8")
    for name, rows in results.TABLES.items():
        text = results.block(page, name)
        assert len(text.splitlines()) == 2 + len(rows)
        for row in rows:
            found = results.published(text, row)
            assert found is not None, (name, row.label)
            assert 0 <= found.accuracy <= 1
            assert (results.EXAMPLES / f"{row.recipe}.toml").exists()
            assert row.network == (row.label.split("`")[1] in ("mlp", "cnn2d"))
    assert "mean accuracy 0.1" in results.block(page, "null")


def test_what_is_written_is_read_back(results: Any) -> None:
    rows = [
        (results.Row("`lda`", "a"), results.Measured(0.9171, 0.75, 1.0)),
        (results.Row("`mlp`, 300 epochs", "a", network=True), results.Measured(0.6424, 0.4, 0.7, 0.0062, 5)),
        (results.Row("`cnn2d`", "b", network=True, reference="0.58"), results.Measured(0.55, None, None)),
    ]
    text = results.table_of([(row, measured.cells) for row, measured in rows])
    start, end = results.markers("volumes")
    page = results.replaced(f"before\n{start}\nold\n{end}\nafter\n", "volumes", text)
    assert page == f"before\n{start}\n{text}\n{end}\nafter\n"
    for row, measured in rows:
        found = results.published(results.block(page, "volumes"), row)
        assert found.accuracy == pytest.approx(measured.accuracy, abs=5e-4)
        assert (found.low, found.high, found.seeds) == (measured.low, measured.high, measured.seeds)
        assert found.error == (None if measured.error is None else pytest.approx(measured.error, abs=5e-4))
    assert results.published(text, results.Row("`lda`", "another")) is None
    with pytest.raises(ValueError, match="must have the markers"):
        results.replaced("no markers", "volumes", text)


@pytest.mark.parametrize(
    ("before", "now", "agrees"), [(0.729, 0.734, True), (0.729, 0.7351, False), (0.729, 0.7235, True)]
)
def test_a_linear_model_must_agree_to_the_third_digit(
    results: Any, before: float, now: float, agrees: bool
) -> None:
    row = results.Row("`lda`", "haxby_lda")
    found = results.problem(row, results.Measured(before, 0, 1), results.Measured(now, 0, 1))
    assert (found == "") == agrees
    assert agrees or f"within 0.005 of the published {before}" in found
    assert "must be in the docs" in results.problem(row, None, results.Measured(now, 0, 1))


def test_a_network_may_differ_by_two_standard_errors(results: Any) -> None:
    row = results.Row("`mlp`", "haxby_mlp", network=True)
    before = results.Measured(0.642, 0, 1)
    for now, agrees in ((0.651, True), (0.649, True), (0.655, False)):
        measured = results.Measured(now, 0, 1, 0.005, 5)
        assert (results.problem(row, before, measured) == "") == agrees
    assert "several seeds" in results.problem(row, before, before)


def test_a_row_is_a_run_of_its_recipe(results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the small series: a linear model once, a network with each seed."""
    from small import write_small

    write_small(tmp_path, 'name = "lda"\n[training]\nthreads = 1').rename(tmp_path / "small.toml")
    monkeypatch.setattr(results, "EXAMPLES", tmp_path)
    linear = results.measure(results.Row("`lda`", "small"), tmp_path / "linear", 3)
    assert (linear.error, linear.seeds) == (None, 1)
    assert linear.low <= linear.accuracy <= linear.high
    mlp = results.Row("`mlp`", "small", {"name": "mlp", "hidden": 2}, {"epochs": 2, "threads": 1}, True)
    network = results.measure(mlp, tmp_path / "network", 3)
    from napari_fmri_decoder.evaluation.saved_scores import read_scores

    scores = read_scores(tmp_path / "network").seeds
    assert scores is not None
    assert network.seeds == 3
    assert network.accuracy == pytest.approx(np.mean(scores.scores))
    assert network.error == pytest.approx(np.std(scores.scores, ddof=1) / np.sqrt(3))
