"""fmri-decoder zmaps: events found beside each file, one line of error, a folder that is decoded."""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel
from small import series
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app, main
from napari_fmri_decoder.volumes.nifti import write


@pytest.fixture
def func(tmp_path: Path) -> Path:
    """Two BOLD files of 16 volumes under BIDS names, their events beside them."""
    for run in (1, 2):
        write(series(1, seed=run)[0], tmp_path / f"sub-7_task-eyes_run-{run}_bold.nii.gz")
        events = pd.DataFrame(
            {"onset": [6.0, 22.0], "duration": [6.0, 4.0], "trial_type": ["open", "closed"]}
        )
        events.to_csv(tmp_path / f"sub-7_task-eyes_run-{run}_events.tsv", sep="\t", index=False)
    return tmp_path


def test_maps_equal_nilearns(func, monkeypatch):
    monkeypatch.chdir(func)
    bold = [str(p.name) for p in sorted(func.glob("*_bold.nii.gz"))]
    words = ["zmaps", *bold, "--hrf", "spm", "--drift", "polynomial", "--noise", "ols", "-o", "maps"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "maps: 4 maps" in result.output
    table = pd.read_csv(func / "maps" / "volumes.tsv", sep="\t", dtype=str)
    assert table[["label", "subject", "run"]].to_numpy().tolist() == [
        ["closed", "7", "1"], ["open", "7", "1"], ["closed", "7", "2"], ["open", "7", "2"],
    ]  # fmt: skip
    image = nib.load(bold[1])
    inside = image.get_fdata().std(axis=-1) > 0
    mask = nib.Nifti1Image(inside.astype(np.uint8), image.affine)
    model = FirstLevelModel(
        2.0, hrf_model="spm", drift_model="polynomial", noise_model="ols", mask_img=mask, signal_scaling=False
    )
    with pytest.warns(RuntimeWarning, match="mask"):  # nilearn's, about the mask that it was given
        model.fit(image, str(func / "sub-7_task-eyes_run-2_events.tsv"))
    theirs = model.compute_contrast("open", output_type="z_score")
    ours = nib.load(func / "maps" / "sub-7_run-02_open_zmap.nii.gz")
    np.testing.assert_allclose(ours.get_fdata(), theirs.get_fdata(), atol=1e-4)
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-5)
    assert ours.header.get_intent()[0] == "z score"


def test_bad_input_is_one_line_and_status_2(func, capsys, monkeypatch):
    (func / "sub-7_task-eyes_run-2_events.tsv").unlink()
    bold = sorted(map(str, func.glob("*_bold.nii.gz")))
    monkeypatch.setattr(sys, "argv", ["fmri-decoder", "zmaps", *bold, "-o", str(func / "maps")])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1, printed.err
    assert "must have an events file" in printed.err
    for words, message in (
        (["--lag", "2"], "lag requires a boxcar"),
        (["--table", "a.tsv", "--events", "b.tsv"], "got both"),
    ):
        result = CliRunner().invoke(app, ["zmaps", bold[0], "-o", str(func / "maps"), *words])
        assert message in str(result.exception)
    assert not (func / "maps").exists()
