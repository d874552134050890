"""Formats other than NIfTI-1 compared with nibabel, and every image of nibabel's test data."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.testing import data_path

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.describe import describe
from napari_fmri_decoder.volumes.files import deduplicate_pairs, ending, images_in, is_image, stem
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read, read_series

DATA = Path(data_path)
REFUSED = {
    "analyze.hdr": "analyze.img in the same folder",  # only the header
    "nifti1.hdr": "nifti1.img in the same folder",
    "nifti2.hdr": "nifti2.img in the same folder",
    "bad_attribute+orig.HEAD": "improper type casting",  # intentionally damaged
    "bad_datatype+orig.HEAD": "multiple data types",
    "row_major.dconn.nii": "CIFTI-2",  # a matrix of connections: nothing in space
}
AFFINE = np.array([[-3.0, 0.2, 0, 60], [0, 3, 0.1, -70], [0.3, 0, 4, -30], [0, 0, 0, 1]])


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 999, (4, 5, 6, 3)).astype(np.int16)


@pytest.mark.parametrize("name", sorted(p.name for p in DATA.iterdir() if is_image(p)))
@pytest.mark.filterwarnings("ignore:.*unclosed file:pytest.PytestUnraisableExceptionWarning")  # nibabel's
def test_nibabels_test_images_round_trip_or_are_rejected_with_a_reason(tmp_path, name):
    if name in REFUSED:
        with pytest.raises(InputError, match=REFUSED[name]) as caught:
            read(DATA / name)
        assert "\n" not in str(caught.value)
        return
    volume, theirs = read(DATA / name), nib.load(DATA / name)
    np.testing.assert_allclose(volume.affine, theirs.affine, rtol=1e-6)
    expected = np.asarray(theirs.dataobj, dtype=np.float32).reshape(volume.shape, order="F")
    np.testing.assert_allclose(np.asarray(volume.data[...]), expected, rtol=1e-6)
    assert volume.at(0).shape == volume.shape[:3]
    back = read(write(volume, tmp_path / f"{stem(name)}.nii.gz"))
    np.testing.assert_array_equal(np.asarray(back.data[...]), np.asarray(volume.data[...]))
    np.testing.assert_allclose(back.affine, volume.affine, rtol=1e-6, atol=1e-5)
    kept = ("kind", "step", "names", "space", "intent")
    assert [getattr(back, k) for k in kept] == [getattr(volume, k) for k in kept]


def test_nifti_2_and_pairs_open_by_either_file(tmp_path, values):
    for kind, name in (
        (nib.Nifti2Image, "two.nii.gz"),
        (nib.Nifti1Pair, "pair.img"),
        (nib.Nifti2Pair, "p2.hdr"),
    ):
        nib.save(kind(values, AFFINE), tmp_path / name)
        volume = read(tmp_path / name)
        np.testing.assert_array_equal(volume.data[...], values)
        np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-5)
        assert not [note for note in volume.notes if "TR" not in note]
    np.testing.assert_array_equal(read(tmp_path / "pair.hdr").at(2), values[..., 2])


@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
def test_mgh_tr_is_in_milliseconds(tmp_path, values, name):
    image = nib.MGHImage(values.astype(np.float32), AFFINE)
    image.header.set_zooms((*image.header.get_zooms()[:3], 2500.0))
    nib.save(image, tmp_path / name)
    volume = read(tmp_path / name)
    assert (volume.step, volume.space, volume.name) == (2.5, "scanner", "a")
    np.testing.assert_array_equal(volume.at(1), values[..., 1])
    np.testing.assert_allclose(volume.affine, image.affine, atol=1e-5)


def test_analyze_notes_uncertain_orientation_unless_spm_stores_it(tmp_path, values):
    nib.save(nib.AnalyzeImage(values, None), tmp_path / "plain.img")
    plain = read(tmp_path / "plain.hdr")
    assert any("Left and right are not certain" in note for note in plain.notes)
    assert plain.space == "unknown"
    np.testing.assert_array_equal(plain.data[...], values)
    np.testing.assert_allclose(plain.affine, nib.load(tmp_path / "plain.img").affine)
    nib.save(nib.Spm99AnalyzeImage(values, AFFINE), tmp_path / "spm.img")
    spm = read(tmp_path / "spm.img")
    assert not [note for note in spm.notes if "TR" not in note]
    np.testing.assert_allclose(spm.affine, AFFINE, atol=1e-6)


def test_afni_opens_by_either_file_with_tr_in_seconds(values):
    head, brik = (read(DATA / f"example4d+orig.{e}") for e in ("HEAD", "BRIK.gz"))
    assert (head.kind, head.step, head.space) == ("bold", 3.0, "scanner")
    np.testing.assert_array_equal(head.at(2), brik.at(2))


def test_nifti_without_sform_and_qform_has_a_note(tmp_path, values):
    image = nib.Nifti1Image(values, None)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "a.nii")
    assert any("neither sform nor qform" in note for note in read(tmp_path / "a.nii").notes)


def test_a_folder_may_mix_formats_and_lists_a_pair_once(tmp_path, values):
    nib.save(nib.Nifti1Image(values[..., 0], AFFINE), tmp_path / "map_1.nii.gz")
    nib.save(nib.Nifti1Pair(values[..., 1], AFFINE), tmp_path / "map_2.img")
    nib.save(nib.Nifti2Image(values[..., 2], AFFINE), tmp_path / "map_10.nii")
    (tmp_path / "notes.txt").write_text("no image")
    assert [p.name for p in images_in(tmp_path)] == ["map_1.nii.gz", "map_2.img", "map_10.nii"]
    stack = read(tmp_path)
    assert stack.names == ("map_1", "map_2", "map_10")
    np.testing.assert_array_equal(stack.data[...], values)
    assert read_series(tmp_path.glob("map_2.*")).shape == (4, 5, 6)


def test_uppercase_and_double_endings():
    assert (ending("A.NII.GZ"), stem("A.NII.GZ"), stem("x+tlrc.BRIK.gz")) == (".NII.GZ", "A", "x+tlrc")
    assert not is_image("a.tif")
    assert deduplicate_pairs([Path("b/a.HEAD"), Path("b/a.BRIK.gz")]) == [Path("b/a.HEAD")]


def test_eight_byte_labels_are_not_rounded(tmp_path):
    labels = np.zeros((4, 5, 6), np.int64)
    labels[1:3], labels[3] = 2**24 + 1, 7
    nib.save(nib.Nifti1Image(labels, AFFINE, dtype=np.int64), tmp_path / "atlas.nii.gz")
    volume = read(tmp_path / "atlas.nii.gz")
    np.testing.assert_array_equal(volume.data, labels)
    assert volume.kind == "atlas"


def test_voxels_with_unsupported_compression_are_named(tmp_path):
    (tmp_path / "a.HEAD").write_bytes((DATA / "example4d+orig.HEAD").read_bytes())
    (tmp_path / "a.BRIK.bz2").write_bytes(b"BZh91AY&SY")
    with pytest.raises(InputError, match=r"a\.HEAD"):
        read(tmp_path / "a.HEAD")


def _afni(folder: Path, stem: str, factor: float, name: str = "scaled+tlrc") -> Path:
    """Copy nibabel's dataset of one sub-brick, with another scale factor."""
    head = (DATA / f"{name}.HEAD").read_text()
    changed = head.replace("3.883363e-08", f"{factor:g}")
    assert changed != head
    (folder / f"{stem}.HEAD").write_text(changed)
    (folder / f"{stem}.BRIK").write_bytes((DATA / f"{name}.BRIK").read_bytes())
    return folder / f"{stem}.HEAD"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("factor", [0.0, 1.0, 0.5])
@pytest.mark.filterwarnings("ignore:.*unclosed file:pytest.PytestUnraisableExceptionWarning")  # nibabel's
def test_afni_dataset_with_one_sub_brick_opens_with_and_without_scale_factor(tmp_path, factor, packed):
    head = _afni(tmp_path, "one+tlrc", factor)
    theirs = np.asarray(nib.load(head).dataobj, dtype=np.float32)
    if packed:
        brik = tmp_path / "one+tlrc.BRIK"
        (tmp_path / "one+tlrc.BRIK.gz").write_bytes(gzip.compress(brik.read_bytes()))
        brik.unlink()
    volume = read(head)
    assert volume.shape == (47, 54, 43)
    np.testing.assert_allclose(np.asarray(volume.data), theirs.reshape(volume.shape))
    np.testing.assert_array_equal(volume.at(0), np.asarray(volume.data, dtype=np.float32))
    assert describe(volume)["format"] == "AFNI"


@pytest.mark.parametrize(
    ("name", "content", "what", "advice"),
    [
        ("0.dcm", None, "a DICOM file", "dcm2niix"),
        ("IM0001", b"\0" * 128 + b"DICM" + b"\0" * 40, "a DICOM file", "dcm2niix"),
        ("scan.nii", b"\0" * 128 + b"DICM" + b"\0" * 400, "a DICOM file", "dcm2niix"),
        ("tiny.mnc", None, "a MINC image", "mnc2nii"),
        ("small.mnc", None, "a MINC image", "mnc2nii"),
        ("T1.PAR", None, "a Philips PAR/REC image", "dcm2niix"),
        ("phantom_EPI_asc_CLEAR_2_1.REC", None, "a Philips PAR/REC image", "dcm2niix"),
        ("row_major.dconn.nii", None, "a CIFTI-2 file", "wb_command"),
        ("lh.pial.gii", b'<?xml version="1.0"?><GIFTI Version="1.0">', "a GIFTI surface", "vertices"),
        ("surface.nii", b'<?xml version="1.0"?><GIFTI Version="1.0">', "a GIFTI surface", "vertices"),
        ("standard.trk", None, "a file of streamlines", "no voxels"),
        ("tinypet.v", None, "an ECAT image", "Convert"),
        ("README.md", b"# Read me", "a text file", "Open an image"),
        ("sub-1_events.tsv", b"onset\tduration", "a table", "Open the image"),
        ("bold.nii.gz", b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page", "Download"),
        ("a.nrrd", b"NRRD0004", "an NRRD image", "Convert"),
        ("a.xyz", b"what", "of an unknown format", "Convert"),
    ],
)
def test_unsupported_format_is_identified(tmp_path, name, content, what, advice):
    path = DATA / name
    if content is not None:
        path = tmp_path / name
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert f"{name} is {what}" in message
    assert advice in message
    assert "an AFNI image" not in message
    assert "\n" not in message


def test_misnamed_gzip_gives_the_correct_name(tmp_path, values):
    nib.save(nib.Nifti1Image(values, AFFINE), tmp_path / "a.nii")
    plain = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(plain)
    (tmp_path / "c.nii").write_bytes(gzip.compress(plain))
    for name, rename in (("b.nii.gz", "b.nii"), ("c.nii", "c.nii.gz")):
        with pytest.raises(InputError, match=f"Rename it to {rename}"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("kept", "lost"),
    [("a.img", "a.hdr"), ("a.hdr", "a.img"), ("a.img.gz", "a.hdr"), ("a+orig.BRIK", "a+orig.HEAD")],
)
def test_missing_file_of_a_pair_is_named(tmp_path, kept, lost):
    (tmp_path / kept).write_bytes(b"\0" * 400)
    with pytest.raises(InputError, match=f"must have {re.escape(lost)}"):
        read(tmp_path / kept)


def test_missing_header_field_is_named(tmp_path):
    head = (DATA / "example4d+orig.HEAD").read_text()
    blocks = [block for block in head.split("\n\n") if "DATASET_DIMENSIONS" not in block]
    (tmp_path / "a+orig.HEAD").write_text("\n\n".join(blocks))
    (tmp_path / "a+orig.BRIK.gz").write_bytes((DATA / "example4d+orig.BRIK.gz").read_bytes())
    with pytest.raises(InputError, match="its header has no DATASET_DIMENSIONS"):
        read(tmp_path / "a+orig.HEAD")


def test_link_to_missing_content_suggests_datalad_get(tmp_path):
    (tmp_path / "a.nii.gz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="datalad get"):
        read(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("step", [0.8, 2.0])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.nii", nib.Nifti1Image),
        ("a.nii.gz", nib.Nifti2Image),
        ("a.img", nib.Nifti1Pair),
        ("b.img", nib.AnalyzeImage),
        ("c.img", nib.Spm2AnalyzeImage),
        ("a.mgz", nib.MGHImage),
    ],
)
def test_every_format_gives_the_same_series(tmp_path, values, name, kind, step):
    image = kind(values.astype(np.float32) + 500, None if kind is nib.AnalyzeImage else AFFINE)
    factor = 1000 if kind is nib.MGHImage else 1
    image.header.set_zooms((*image.header.get_zooms()[:3], step * factor))
    if hasattr(image.header, "set_xyzt_units"):
        image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / name)
    volume = read(tmp_path / name)
    assert (volume.kind, volume.step) == ("bold", pytest.approx(step))
    np.testing.assert_array_equal(volume.at(2), values[..., 2] + 500)
