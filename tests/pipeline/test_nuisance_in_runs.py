"""Runs decode the labels from motion and time as well: table, finding, report and window text."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from napari_fmri_decoder.evaluation.saved_scores import read_scores
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

MOTION = "sub-1_task-objectviewing_run-*_desc-confounds_timeseries.tsv"


@pytest.fixture
def recipe(haxby: Path) -> Recipe:
    """The real runs with their motion; nothing is regressed out."""
    motion = haxby.parent / "haxby_motion"
    if not motion.exists():
        pytest.skip(f"real data not found at {motion}; set FMRI_DECODER_DATA to its parent folder")
    bold = "sub-1/func/*_bold.nii.gz"
    content = {
        "data": {"images": [str(haxby / bold)], "mask": str(haxby / "mask.nii.gz")},
        "labels": {"source": "events", "exclude": ["rest"]},
        "prepare": {"confounds_files": [str(motion / MOTION)]},
        "decoder": {"name": "lda"},
        "baseline": {"models": []},
        "report": {"figures": "none"},
    }
    return Recipe.model_validate(content)


def test_motion_and_position_decode_the_real_runs(recipe: Recipe, tmp_path: Path) -> None:
    done = finish(run(recipe, tmp_path, tmp_path / "run"))
    test = done.scores.nuisance
    assert test is not None
    rows = {row.name: row for row in test.rows}
    assert rows["motion"].score == pytest.approx(0.171, abs=0.01)  # LDA of scikit-learn, in the README
    assert rows["position in the run"].score == pytest.approx(0.22, abs=0.02)
    for name in ("motion", "position in the run"):
        assert rows[name].p is not None
        assert rows[name].p < 0.03
    (finding,) = [f for f in done.scores.audit if f.code == "confounds-decode-labels"]
    assert finding.severity == "warning"
    assert "motion 0.171" in finding.message
    assert "position in the run 0.2" in finding.message
    content = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in content["nuisance"]["rows"]] == list(rows)
    assert read_scores(tmp_path / "run").nuisance == test
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Decoded from anything but the pattern of voxels" in report
    assert "<td>0.171</td>" in report
    assert test.sentence.startswith("Decoded without the pattern of voxels: motion 0.171 (p = ")


def test_a_table_that_does_not_fit_gives_a_note(recipe: Recipe, tmp_path: Path) -> None:
    for i in range(1, 13):
        name = MOTION.replace("*", f"{i:02d}")
        (tmp_path / name).write_text("trans_x\n1\n2\n", encoding="utf-8")
    short = recipe.model_copy(
        update={
            "prepare": recipe.prepare.model_copy(update={"confounds_files": (os.fspath(tmp_path / MOTION),)})
        }
    )
    prepared = prepare_run(short, tmp_path)
    assert not prepared.nuisance
    assert any("were not compared with confounds" in note and "2 rows" in note for note in prepared.notes)
