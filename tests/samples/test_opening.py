"""Opening of images: their kind, their TR, and notes and errors about both."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.opening import open_images, tr_problem
from napari_fmri_decoder.volumes.read import read_series

_RNG = np.random.default_rng(0)
SCAN = (900 + 50 * _RNG.standard_normal((4, 4, 4, 6))).astype(np.float32)
SIGNED = _RNG.standard_normal((4, 4, 4, 6)).astype(np.float32)


def _save(path, values=SCAN, tr=2.0, unit="sec"):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(values, np.diag([3.0, 3, 3, 1]))
    image.header.set_xyzt_units("mm", unit)
    if values.ndim == 4:
        image.header["pixdim"][4] = tr
    nib.save(image, path)
    return path


@pytest.mark.parametrize(("tr", "unit"), [(0, "sec"), (-2, "sec"), (2, "hz"), (1, "unknown")])
@pytest.mark.parametrize("where", ["sub-1_task-x_run-1_bold.json", "sub-1_task-x_bold.json"])
def test_bold_without_a_tr_uses_the_json_file(tmp_path, tr, unit, where):
    path = _save(tmp_path / "sub-1_task-x_run-1_bold.nii.gz", tr=tr, unit=unit)
    (tmp_path / where).write_text(json.dumps({"RepetitionTime": 1.5}))
    series = open_images(path)
    assert (series.kind, series.step, series.step_from) == ("bold", 1.5, where)
    assert any(where in note for note in series.notes)
    assert not any("State it" in note for note in series.notes)


def test_any_file_uses_the_tr_of_the_json_file_with_its_name(tmp_path):
    path = _save(tmp_path / "run1.nii.gz", tr=0)
    (tmp_path / "run1.json").write_text('{"RepetitionTime": 0.8}')
    assert open_images(path).step == 0.8


@pytest.mark.parametrize("name", ["sub-1_bold.nii.gz", "run-2_bold.nii", "bold1.nii.gz"])
def test_bold_without_any_tr_is_an_error_that_names_the_option(tmp_path, name):
    path = _save(tmp_path / name, tr=0)
    with pytest.raises(InputError, match=r"data\.tr"):
        open_images(path)
    assert open_images(path, tr=2.0).step == 2.0
    maps = open_images(path, kind="stat")
    assert (maps.kind, maps.step, maps.notes) == ("stat", None, ())
    lenient = open_images(path, strict=False)
    assert lenient.step is None
    assert any("data.tr" in note for note in lenient.notes)


def test_bold_set_by_the_user_requires_a_tr(tmp_path):
    path = _save(tmp_path / "a.nii", SIGNED, tr=0)
    with pytest.raises(InputError, match="BOLD as set by the user"):
        open_images(path, kind="bold")


def test_header_and_json_file_must_agree_unless_the_tr_is_set(tmp_path):
    path = _save(tmp_path / "sub-1_bold.nii.gz", tr=2.0)
    (tmp_path / "sub-1_bold.json").write_text('{"RepetitionTime": 1.0}')
    with pytest.raises(InputError, match="must fit"):
        open_images(path)
    assert tr_problem(open_images(path, tr=2.0)) is None
    assert any("must fit" in note for note in open_images(path, strict=False).notes)
    (tmp_path / "sub-1_bold.json").write_text('{"RepetitionTime": 2.01}')
    assert open_images(path).step == 2.0


@pytest.mark.parametrize("content", ["[", "[]", '{"RepetitionTime": "2"}', '{"RepetitionTime": 0}', "\xff"])
def test_a_json_file_without_a_usable_tr_is_ignored(tmp_path, content):
    path = _save(tmp_path / "sub-1_bold.nii.gz", tr=2.0)
    (tmp_path / "sub-1_bold.json").write_text(content, encoding="latin-1")
    assert open_images(path).step == 2.0


@pytest.mark.parametrize(
    ("first", "second"), [(2.0, 2.000001), (0.72, 0.7200003), (1.35, 1.3500001), (2.0, 2.001)]
)
def test_trs_that_differ_by_rounding_are_equal(tmp_path, first, second):
    paths = [_save(tmp_path / f"run-{i}.nii.gz", tr=tr) for i, tr in enumerate((first, second))]
    series = read_series(paths)
    assert series.step == pytest.approx(first)
    assert any("differs slightly" in note for note in series.notes) == (second - first > 1e-5 * first)


def test_different_trs_are_an_error_unless_the_tr_is_set(tmp_path):
    paths = [_save(tmp_path / f"run-{i}.nii.gz", tr=tr) for i, tr in enumerate((2.0, 2.5))]
    with pytest.raises(InputError, match="same TR"):
        open_images(paths)
    assert open_images(paths, tr=2.5).step == 2.5
    mixed = [paths[0], _save(tmp_path / "run-2.nii.gz", tr=2000, unit="msec")]
    assert open_images(mixed).step == 2.0


def test_single_images_are_a_stack_of_maps_unless_the_tr_is_set(tmp_path):
    paths = [_save(tmp_path / f"f{i:04d}.nii", SCAN[..., i]) for i in range(3)]
    stack = open_images(paths)
    assert (stack.kind, stack.step) == ("stat", None)
    assert any("data.tr" in note for note in stack.notes)
    series = open_images(paths, tr=2.0)
    assert (series.kind, series.step, series.names, series.notes) == ("bold", 2.0, (), ())
    assert open_images(tmp_path, tr=2.0).step == 2.0
    names = [_save(tmp_path / "z" / f"run-{i}_zmap.nii", SIGNED[..., i]) for i in range(3)]
    assert open_images(names).notes == ()


def test_betas_with_a_step_of_1_and_no_unit_are_not_a_time_series(tmp_path):
    betas = open_images(_save(tmp_path / "trials.nii.gz", SIGNED, tr=1, unit="unknown"))
    assert (betas.kind, betas.step) == ("stat", None)
    assert any("data.kind" in note for note in betas.notes)


def test_notes_on_some_files_name_them(tmp_path):
    fine = _save(tmp_path / "run-1.nii.gz")
    odd = nib.Nifti1Image(SCAN, nib.load(fine).affine)
    odd.header.set_xyzt_units("mm", "sec")
    odd.header["pixdim"][4] = 2
    odd.set_sform(np.diag([3.0, 3, 3, 1]), 1)
    moved = np.diag([3.0, 3, 3, 1])
    moved[0, 3] = 40
    odd.set_qform(moved, 1)
    nib.save(odd, tmp_path / "run-2.nii.gz")
    notes = open_images([fine, tmp_path / "run-2.nii.gz"]).notes
    assert any(n.startswith("run-2.nii.gz: sform") and "up to 40.0 mm" in n for n in notes)


def test_sform_and_qform_of_different_spaces_may_differ_but_not_mirror(tmp_path):
    image = nib.Nifti1Image(SCAN[..., 0], np.diag([3.0, 3, 3, 1]))
    image.set_sform(np.diag([2.0, 2, 2, 1]), 4)
    image.set_qform(np.diag([3.0, 3, 3, 1]), 1)
    nib.save(image, tmp_path / "a.nii")
    assert open_images(tmp_path / "a.nii").notes == ()
    image.set_qform(np.diag([-3.0, 3, 3, 1]), 1)
    nib.save(image, tmp_path / "b.nii")
    assert any("Left and right are not certain" in n for n in open_images(tmp_path / "b.nii").notes)
