"""Positions of nilearn's images in space; opening of Haxby 2001, and its error messages."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import nibabel as nib
import numpy as np
import pytest
import requests

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.example_data.open_data import haxby_2001, mni_anatomy, motor_map
from napari_fmri_decoder.volumes.frames import apply_affine
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty folder that is nilearn's only data folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.delenv("NILEARN_SHARED_DATA", raising=False)
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path / "nilearn"))
    return tmp_path / "nilearn"


def _send(monkeypatch, answer):
    monkeypatch.setattr(requests.Session, "send", answer)


def _no_network(*_args, **_kwargs):
    raise requests.ConnectionError("Name or service not known")


def _write_subject(folder, n_labels=6):
    rng = np.random.default_rng(0)
    affine = np.diag([3.5, 3.75, 3.75, 1.0])
    bold = Volume(rng.integers(100, 900, (4, 5, 6, 6)).astype(np.int16), affine, "bold", 2.5)
    mask = Volume(np.ones((4, 5, 6), np.uint8), affine, "mask")
    subject = folder / "haxby2001" / "subj1"
    write(mask, folder / "haxby2001" / "mask.nii.gz")
    (folder / "haxby2001" / "MD5SUMS").write_text("")
    write(bold, subject / "bold.nii.gz")
    write(replace(bold, data=bold.at(0), kind="anatomy", step=None), subject / "anat.nii.gz")
    for name in ("mask4_vt", "mask8_face_vt", "mask8_house_vt", "mask8b_face_vt", "mask8b_house_vt"):
        write(mask, subject / f"{name}.nii.gz")
    rows = ["labels chunks", *["rest 0", "face 0", "face 0", "rest 1", "house 1", "house 1"][:n_labels]]
    (subject / "labels.txt").write_text("\n".join(rows) + "\n")
    return bold


def test_the_template_is_nilearns_and_in_mni_space():
    from nilearn.datasets import load_mni152_template

    template, known = mni_anatomy(), load_mni152_template(resolution=1)
    np.testing.assert_array_equal(template.data, np.asarray(known.dataobj, dtype=np.float32))
    np.testing.assert_array_equal(template.affine, known.affine)
    assert (template.kind, template.shape) == ("anatomy", (197, 233, 189))
    inverse = np.linalg.inv(template.affine)
    for mm, inside in (((0, -20, 20), True), ((-40, -20, 50), True), ((0, 95, -60), False)):
        value = template.data[tuple(apply_affine(inverse, mm).round().astype(int))]
        assert (value > 0.2) == inside, mm


def test_the_motor_map_equals_nilearns_and_peaks_in_motor_cortex():
    from nilearn.datasets import load_sample_motor_activation_image

    found = motor_map()
    own = nib.load(load_sample_motor_activation_image())
    assert found.kind == "stat"
    np.testing.assert_allclose(found.data, own.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(found.affine, own.affine)
    peak = apply_affine(found.affine, np.unravel_index(np.argmax(found.data), found.shape))
    assert peak[0] > 25, "left minus right button presses: hand area of the right hemisphere"
    assert -45 < peak[1] < 5
    assert peak[2] > 35


def test_haxby_opens_from_a_folder_without_a_network(data, monkeypatch):
    bold = _write_subject(data)
    _send(monkeypatch, _no_network)
    haxby = haxby_2001(1)
    np.testing.assert_array_equal(haxby.bold.at(3), bold.at(3))
    assert (haxby.bold.kind, haxby.bold.step, haxby.mask.kind) == ("bold", 2.5, "mask")
    assert haxby.anatomy is not None
    assert haxby.table["volume"].tolist() == list(range(6))
    assert haxby.table["label"].tolist() == ["rest", "face", "face", "rest", "house", "house"]
    assert haxby.table["run"].tolist() == ["0", "0", "0", "1", "1", "1"]


def test_error_without_a_network_is_helpful_and_leaves_no_files(data, monkeypatch):
    _send(monkeypatch, _no_network)
    with pytest.raises(InputError, match="needs a network") as caught:
        haxby_2001()
    for part in ("Name or service not known", "NILEARN_DATA", str(data / "haxby2001")):
        assert part in str(caught.value)
    assert not (data / "haxby2001").exists()


def test_a_failed_download_leaves_existing_files_and_no_broken_file(data, monkeypatch):
    _write_subject(data)
    before = sorted(p.relative_to(data) for p in data.rglob("*") if p.is_file())

    def wrong_bytes(*_args, **_kwargs):
        response = requests.Response()
        response.status_code = 200
        response.raw = BytesIO(b"no archive")
        return response

    (data / "haxby2001" / "MD5SUMS").write_text("0" * 32 + "  subj2-2010.01.14.tar.gz\n")
    _send(monkeypatch, wrong_bytes)
    with pytest.raises(InputError, match="download failed"):
        haxby_2001(2)
    after = sorted(p.relative_to(data) for p in data.rglob("*") if p.is_file() and p.name != "README.md")
    assert after == before


def test_a_wrong_number_of_labels_is_an_error(data, monkeypatch):
    _write_subject(data, n_labels=5)
    _send(monkeypatch, _no_network)
    with pytest.raises(InputError, match="5 labels for 6 volumes"):
        haxby_2001(1)


def test_an_unknown_subject_is_an_error_before_any_download(data):
    with pytest.raises(InputError, match="1 to 6, got subject 7"):
        haxby_2001(7)
    assert not data.exists()
