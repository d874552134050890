"""The page "Script the window": its programs run as they are, and give the scores of the same recipe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fmriprep_tree import write_tree

import napari_fmri_decoder as fd
from napari_fmri_decoder.evaluation.group import summarize_group
from napari_fmri_decoder.samples.example_data import write_phantom

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "scripting.md"
ALL = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
PROGRAMS = [program for program in ALL if "bids" not in program]
STUDIES = [program for program in ALL if "bids" in program]


def test_the_programs_of_the_page_run_and_give_the_scores_of_the_recipe(
    viewer: Any,
    npe2pm: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    notified: list[Any],
    capsys: Any,
) -> None:
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("napari-fmri-decoder"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("napari.Viewer", lambda: viewer)
    names: dict[str, Any] = {}
    for program in PROGRAMS:
        exec(compile(program, str(PAGE), "exec", dont_inherit=True), names)
    assert not notified, [str(n.message) for n in notified]
    result, train = names["result"], names["train"]
    assert f"{result.scores.accuracy:.3f}" in capsys.readouterr().out
    assert viewer.layers["cnn2d conv1"].data.shape[:2] == (4, 384)
    assert names["slab"].config().start == 18

    write_phantom(tmp_path / "data")
    mask = {"strategy": "threshold", "above": 0}
    recipe = fd.make_recipe(
        {
            "data": {"images": "data/bold.nii.gz", "mask": mask},
            "labels": {"source": "table", "table": "data/volumes.tsv"},
            "slab": {"rotate_x": 20.05, "axis": "z", "start": 18, "stop": 21, "interpolation": "linear"},
            **train.settings(),
        },
        "the recipe of this test",
    )
    again = fd.finish(fd.run(recipe, tmp_path, tmp_path / "again"))
    assert again.scores.accuracy == result.scores.accuracy
    for one, other in zip(again.folds, result.folds, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_the_program_for_all_subjects_gives_the_group_of_its_run_folders(
    viewer: Any, npe2pm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("napari-fmri-decoder"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("napari.Viewer", lambda: viewer)
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})
    write_tree(tmp_path / "study")
    (program,) = STUDIES
    names: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec", dont_inherit=True), names)
    group, subjects = names["group"], names["train"].subjects
    assert group.mean == summarize_group([subjects.folder / "sub-01"]).mean
    told = capsys.readouterr().out
    assert f"Mean of 1 subjects: {group.mean:.3f}" in told
    assert "sub-02 skipped None Every run must have events" in told
