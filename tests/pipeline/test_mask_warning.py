"""A mask that excludes much of the signal is reported by Check, dry run and report with one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small import AFFINE, SHAPE, series, write_small
from typer.testing import CliRunner

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.pipeline.preparing import prepare_run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

SLAB = "[slab]\nrotate_x = 10.0\nstart = 2\nstop = 6\n"


@pytest.mark.parametrize("zmaps", [False, True])
@pytest.mark.parametrize("slab", ["", SLAB])
def test_small_masks_are_reported_with_the_number_of_features(tmp_path: Path, slab: str, zmaps: bool) -> None:
    path = write_small(tmp_path)
    mask = np.zeros(SHAPE, np.uint8)
    mask[4:9, 5:11, 1:7] = 1
    write(Volume(mask, AFFINE, "mask"), tmp_path / "small_mask.nii.gz")
    text = path.read_text().replace("[data]\n", '[data]\nmask = "small_mask.nii.gz"\n') + f"\n{slab}"
    if zmaps:
        text = text.replace("[prepare]\ndetrend = true\nstandardize_runs = true", '[zmaps]\nestimate = "lsa"')
    path.write_text(text)
    prepared = prepare_run(load_recipe(path), tmp_path)
    (finding,) = [found for found in prepared.findings if found.code == "mask-excludes-signal"]
    assert finding.severity == "warning"
    part = "slab" if slab else "images"
    signal = int((np.asarray(series()[0].data) != 0).any(axis=-1).sum())
    if not slab:
        assert f"excludes {signal - mask.sum():,} of the {signal:,} voxels of the {part}" in finding.message
    assert f"voxels of the {part}" in finding.message
    said = CliRunner().invoke(app, ["train", str(path), "--dry-run"])
    assert finding.message in said.output
    assert f"samples of {prepared.samples.X.shape[1]} voxels" in said.output


def test_a_mask_of_the_whole_head_is_not(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    path.write_text(
        path.read_text().replace("[data]\n", '[data]\nmask = {strategy = "threshold", above = 10.0}\n')
    )
    codes = [found.code for found in prepare_run(load_recipe(path), tmp_path).findings]
    assert "mask-excludes-signal" not in codes
