"""A run reads each volume of its series once; twice only if its mask is computed from the series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from counting import CountingVoxels, counted
from small import AFFINE, SHAPE, write_small

from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.recipe import load_recipe, make_recipe
from napari_fmri_decoder.volumes.moments import moments
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.pipeline import RunResult

GIVEN = {"mask": "mask.nii.gz"}
SLAB = {"rotate_x": 20.0, "rotate_z": 5.0, "start": 2, "stop": 5}
FRACTIONS = {"strategy": "floors", "unit": "fraction", "mean_floor": 0.3, "std_floor": 0.1}
COMBINED = {"strategy": "combine", "masks": [{"strategy": "epi", "opening": 0}, FRACTIONS]}
NO_FIGURES = {"figures": "none"}
ZMAPS = {"zmaps": {"hrf": "spm", "noise": "ols", "drift": "none"}, "prepare": {}}


def run_counted(folder: Path, data: dict[str, Any], **sections: Any) -> tuple[RunResult, CountingVoxels]:
    content = load_recipe(write_small(folder, n_runs=2)).model_dump(mode="json", exclude_none=True)
    inside = np.zeros(SHAPE, np.uint8)
    inside[2:12, 3:13, 2:7] = 1
    write(Volume(inside, AFFINE, "mask"), folder / "mask.nii.gz")
    counters = []

    def watch(series: Volume) -> Volume:
        series, counter = counted(series)
        counters.append(counter)
        return series

    recipe = make_recipe(content | sections | {"data": content["data"] | data})
    result = finish(run(recipe, folder, folder / "run", watch))
    (counter,) = counters
    return result, counter


@pytest.mark.parametrize(
    ("data", "sections"),
    [
        ({}, {}),
        (GIVEN, {}),
        (GIVEN, {"report": NO_FIGURES}),
        ({}, {"slab": SLAB}),
        (GIVEN, {"slab": SLAB, "prepare": {"smooth_mm": 6.0}}),
        (GIVEN, {"slab": SLAB | {"interpolation": "linear"}, "report": NO_FIGURES}),
        (GIVEN, {"slab": SLAB | {"crop": False}}),
    ],
    ids=["all", "mask", "no figures", "slab", "mask and slab", "linear, no figures", "uncropped"],
)
def test_a_plain_run_reads_each_volume_once(tmp_path, data, sections):
    result, counter = run_counted(tmp_path, data, **sections)
    assert counter.passes() == {1}
    assert "report" in sections or result.prepared.moments is not None


@pytest.mark.parametrize(
    ("mask", "sections"),
    [
        ({"strategy": "epi", "opening": 0}, {}),
        (FRACTIONS, {"slab": SLAB}),
        ({"strategy": "threshold", "above": 100}, {"report": NO_FIGURES}),
        (COMBINED, {"slab": SLAB}),
    ],
    ids=["epi", "floors and slab", "threshold", "combined and slab"],
)
def test_a_mask_computed_from_the_series_costs_one_more_pass(tmp_path, mask, sections):
    result, counter = run_counted(tmp_path, {"mask": mask}, **sections)
    assert counter.passes() == {2}
    assert result.prepared.moments is not None


@pytest.mark.parametrize(("data", "passes"), [(GIVEN, 1), ({"mask": {"strategy": "epi", "opening": 0}}, 2)])
def test_z_maps_are_made_in_one_pass_over_the_series(tmp_path, data, passes):
    _, counter = run_counted(tmp_path, data, **ZMAPS)
    assert counter.passes() == {passes}


def test_the_figures_show_the_moments_of_the_images_as_read(tmp_path):
    result, _ = run_counted(tmp_path, GIVEN, slab=SLAB)
    expected = moments(read(tmp_path / "small_bold.nii.gz"))
    assert result.prepared.moments is not None
    for measured, alone in zip(result.prepared.moments, expected, strict=True):
        np.testing.assert_array_equal(measured, alone)
