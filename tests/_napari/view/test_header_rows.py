"""A header in two columns: every key is shown under a readable name."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from napari_fmri_decoder._napari.view.header_rows import as_text, header_rows
from napari_fmri_decoder.volumes.describe import describe


def test_writes_all_known_keys(tmp_path: Path):
    image = nib.Nifti1Image(np.zeros((4, 5, 6, 2), np.int16), np.diag([-2.0, 2.0, 3.0, 1.0]))
    image.set_sform(image.affine, code=4)
    rotated = image.affine @ nib.affines.from_matvec(nib.eulerangles.euler2mat(0.2, 0, 0))
    image.set_qform(rotated, code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 2.5
    nib.save(image, tmp_path / "bold.nii.gz")
    described = describe(tmp_path / "bold.nii.gz")
    rows = dict(header_rows(described))
    assert rows["shape"] == "4 x 5 x 6 x 2"
    assert rows["voxel size"] == "2 x 2 x 3 mm"
    assert rows["TR"] == "2.5 s"
    assert rows["orientation"] == "LAS"
    assert rows["placed by"] == "sform"
    assert rows["stored as"] == "int16"
    assert rows["sform"].startswith("mni (code 4)\n")
    assert rows["qform"].startswith("scanner (code 1)\n")
    assert rows["sform"].split("\n")[3].split() == ["0", "0", "3", "0"]
    lines = as_text(header_rows(described)).split("\n")
    assert ["TR", "2.5", "s"] in [line.split() for line in lines]
    assert len(lines) == sum(text.count("\n") + 1 for _, text in header_rows(described))


def test_equal_transforms_are_written_once_and_unknown_keys_under_their_own_name():
    affine = np.eye(4).tolist()
    form = {"code": 1, "name": "scanner", "affine": affine}
    rounded = {**form, "affine": (np.eye(4) + 1e-5).tolist()}
    described = {"sform": form, "qform": rounded, "transform": "sform", "affine": affine, "slice_order": "up"}
    rows = dict(header_rows({**described, "empty": None}))
    assert rows["qform"] == "scanner (code 1), the same as the sform"
    assert rows["slice order"] == "up"
    assert "affine" not in rows
    assert "empty" not in rows
    unset = {"code": 0, "name": "unknown", "affine": None}
    assert dict(header_rows({"sform": unset}))["sform"] == "not set (code 0)"
