"""A recipe that scrubs: volumes with motion are neither samples of the run nor used for predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small import write_small

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.preparing import prepare_run
from napari_fmri_decoder.recipe import load_recipe, make_recipe

MOVED = [5, 40]


@pytest.fixture
def recipe(tmp_path: Path):
    """The small data, with motion in two volumes."""
    path = write_small(tmp_path)
    table = pd.DataFrame({"csf": np.random.default_rng(0).normal(size=64), "framewise_displacement": 0.1})
    table.loc[MOVED, "framewise_displacement"] = 3.0
    for i, volume in enumerate(MOVED):
        table[f"motion_outlier{i:02d}"] = (np.arange(64) == volume).astype(int)
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    return load_recipe(path).model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("options", [{"confounds": ["csf", "outliers"]}, {"scrub_mm": 0.5}])
def test_scrubbed_volumes_are_excluded_and_counted(recipe, tmp_path, options):
    recipe["prepare"] |= {"confounds_files": ["c.tsv"]} | options
    prepared = prepare_run(make_recipe(recipe), tmp_path)
    assert set(range(64)) - set(prepared.samples.table["volume"]) == set(MOVED)
    assert any(note.startswith("2 of 64 volumes are scrubbed") for note in prepared.notes)
    assert np.abs(prepared.samples.X).max(axis=1).min() > 0.1


def test_confounds_of_volumes_are_an_error_for_z_maps(recipe, tmp_path):
    recipe["prepare"] |= {"confounds_files": ["c.tsv"], "scrub_mm": 0.5}
    recipe["zmaps"] = {"hrf": "none"}
    with pytest.raises(InputError, match=r"scrub_mm in \[prepare\] apply to volumes"):
        prepare_run(make_recipe(recipe), tmp_path)
