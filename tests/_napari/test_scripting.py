"""The page "Script the window": its programs run as they are, and give the scores of the same recipe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_fmri_decoder as fd
from napari_fmri_decoder.samples.example_data import write_phantom

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "scripting.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)


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
