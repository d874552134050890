"""Descriptions of images compared with nibabel's headers, and the choice between sform and qform."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.describe import describe
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.slabs import Slab, cut

SFORM = np.array([[-3.0, 0, 0, 60], [0, 3, 0, -70], [0, 0, 4, -30], [0, 0, 0, 1]])
ANGLE = np.deg2rad(30)
QFORM = SFORM.copy()
QFORM[:3, :3] = np.array(
    [[-3.0, 0, 0], [0, 3 * np.cos(ANGLE), -4 * np.sin(ANGLE)], [0, 3 * np.sin(ANGLE), 4 * np.cos(ANGLE)]]
)


@pytest.fixture
def path(tmp_path):
    data = np.random.default_rng(0).normal(50, 9, (4, 5, 6, 3))
    image = nib.Nifti1Image(data, SFORM)
    image.set_data_dtype(np.dtype(">i2"))
    image.set_sform(SFORM, 4)
    image.set_qform(QFORM, 1)
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 2000
    image.header.set_intent("t test", (17,), name="face > house")
    image.header["descrip"] = b"FSL5.0"
    nib.save(nib.Nifti1Image(data, SFORM, image.header.as_byteswapped(">")), tmp_path / "a.nii.gz")
    return tmp_path / "a.nii.gz"


def test_description_agrees_with_nibabels_header(path):
    row = json.loads(json.dumps(describe(path)))
    theirs = nib.load(path)
    assert row["shape"] == [4, 5, 6, 3]
    assert (row["format"], row["stored_dtype"], row["byte_order"]) == ("NIfTI-1", "int16", "big")
    assert (row["slope"], row["intercept"]) == (theirs.dataobj.slope, theirs.dataobj.inter)
    assert (row["intent_code"], row["intent"], row["intent_parameters"]) == (3, "t test", [17.0])
    assert (row["intent_name"], row["description"]) == ("face > house", "FSL5.0")
    assert (row["unit_space"], row["unit_time"]) == ("mm", "msec")
    assert (row["orientation"], row["oblique"], row["space"], row["transform"]) == (
        "LAS",
        0.0,
        "mni",
        "sform",
    )
    for name, code, label in (("sform", 4, "mni"), ("qform", 1, "scanner")):
        assert (row[name]["code"], row[name]["name"]) == (code, label)
        np.testing.assert_allclose(row[name]["affine"], getattr(theirs, f"get_{name}")())
    np.testing.assert_allclose(row["centre_mm"], nib.affines.apply_affine(theirs.affine, [1.5, 2, 2.5]))
    np.testing.assert_allclose(row["voxel_mm"], [3, 3, 4])


def test_sform_and_qform_can_both_be_used(path):
    theirs = nib.load(path)
    np.testing.assert_allclose(read(path).affine, theirs.get_sform())
    by_qform = read(path, transform="qform")
    np.testing.assert_allclose(by_qform.affine, theirs.get_qform())
    row = describe(by_qform)
    assert (row["transform"], row["space"], row["oblique"]) == (
        "qform",
        "scanner",
        pytest.approx(30, abs=1e-3),
    )


def test_transform_that_is_not_set_is_rejected_with_advice(path, tmp_path):
    image = nib.load(path)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "b.nii")
    with pytest.raises(InputError, match=r'qform must be set.*code 0.*Use "sform"'):
        read(tmp_path / "b.nii", transform="qform")
    assert describe(tmp_path / "b.nii")["qform"] == {"code": 0, "name": "unknown", "affine": None}
    nib.save(nib.MGHImage(np.ones((3, 4, 5), np.float32), SFORM), tmp_path / "c.mgh")
    with pytest.raises(InputError, match="Only NIfTI images have a sform"):
        read(tmp_path / "c.mgh", transform="sform")


def test_description_of_a_volume_without_file_and_of_a_cut_volume(path):
    volume = read(path)
    slab, _ = cut(volume, Slab(rotate_x=20, start=2, stop=4))
    row = describe(slab)
    assert (row["format"], row["transform"]) == ("NIfTI-1", None)
    path.unlink()
    assert describe(volume)["format"] is None
    assert describe(volume)["sform"] is None


def test_micrometers_are_converted_to_millimeters(tmp_path):
    image = nib.Nifti1Image(np.ones((3, 4, 5), np.int16), np.diag([500.0, 500, 800, 1]))
    image.header.set_xyzt_units("micron", "sec")
    nib.save(image, tmp_path / "mouse.nii")
    row = describe(tmp_path / "mouse.nii")
    assert row["voxel_mm"] == [0.5, 0.5, 0.8]
    assert "micron" in row["notes"][0]


def test_nibabels_header_repairs_become_notes_and_nothing_is_printed(tmp_path, capfd):
    nib.save(nib.Nifti1Image(np.ones((3, 4, 5), np.int16), SFORM), tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[80:84] = np.array(-3, "<f4").tobytes()  # pixdim[1]
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    assert any("pixdim" in note for note in describe(tmp_path / "a.nii")["notes"])
    assert capfd.readouterr() == ("", "")
