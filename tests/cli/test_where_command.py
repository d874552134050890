"""fmri-decoder where: maps and table of a recipe, its sentences, and one line of error."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from small import write_small
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app, main


def test_slabs_are_decoded_and_a_second_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = '[where]\ncenters = "slabs"\nthickness = 2\npermutations = 4'
    recipe = write_small(tmp_path, f'name = "lda"\n{where}')
    words = ["where", str(recipe), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "Best of" in result.output
    assert "(4 permutations;" in result.output
    table = pd.read_csv(tmp_path / "run/where/centers.tsv", sep="\t")
    assert table["name"][0].startswith("planes ")
    assert table["p"].min() >= 1 / 5
    monkeypatch.setattr(sys, "argv", ["fmri-decoder", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2


def test_a_recipe_without_the_section_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_small(tmp_path, 'name = "lda"')
    monkeypatch.setattr(sys, "argv", ["fmri-decoder", "where", str(recipe), "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "must have a section [where]" in line
    assert not (tmp_path / "run").exists()
