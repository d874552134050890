"""Save mask…, Save slab… and Save series…, compared with nibabel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import rotation
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

NAME = "sub-1_task-x_bold"


def write_bold(folder: Path) -> Path:
    """An oblique series of signed integers with TR, codes of an aligned scan, and a bright box."""
    data = np.random.default_rng(0).integers(0, 9, (10, 11, 8, 6)).astype(np.int16)
    data[2:8, 3:9, 1:7] += 500
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=12, y=-7, z=3) @ [[0, -2.5, 0], [3, 0, 0], [0, 0, 3.5]]
    affine[:3, 3] = [11, -22, 33]
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code=2)
    image.set_qform(affine, code=2)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((*image.header.get_zooms()[:3], 1.75))
    nib.save(image, folder / f"{NAME}.nii.gz")
    return folder / f"{NAME}.nii.gz"


def same_place(image: Any, affine: np.ndarray) -> None:
    np.testing.assert_allclose(image.affine, affine, atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), affine, atol=1e-3)
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 2


def test_series_mask_and_rotated_slab_keep_position_and_time(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notified: list[Any]
):
    path = write_bold(tmp_path)
    before = nib.load(path)
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock, name="Prepare (napari-fmri-decoder)")
    session = Session.of(viewer)
    parts = {"series": dock.images, "mask": dock.mask, "slab": dock.slab}
    for part in parts.values():
        assert not part.save.button.enabled
        with pytest.raises(InputError, match=r"first|Open a series"):
            part.save(tmp_path / "x.nii")
    session.add(read(path))
    assert dock.images.save.button.enabled
    assert "Apply a mask first." in dock.mask.save.button.tooltip
    dock.mask.update({"strategy": "threshold", "above": 100})
    dock.mask.apply()
    dock.rotation.rotate_x.value = 25
    dock.slab.update(start=2, stop=5, crop=False)
    dock.slab.cut()

    asked: list[str] = []

    def answer(parent: Any, title: str, suggestion: str, *_: Any) -> tuple[str, str]:
        asked.append(Path(suggestion).name)
        return suggestion, ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    for part in parts.values():
        part.save.button.native.click()
        assert dock.jobs.job is not None
        dock.jobs.job.wait()
    names = [f"sub-1_task-x_{rest}.nii.gz" for rest in ("desc-series_bold", "mask", "desc-slab_bold")]
    assert asked == names
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, path.name])
    series, mask, slab = (nib.load(tmp_path / name) for name in names)

    same_place(series, before.affine)
    np.testing.assert_array_equal(np.asarray(series.dataobj), np.asarray(before.dataobj))
    assert series.get_data_dtype() == np.int16
    np.testing.assert_allclose(series.header.get_zooms(), before.header.get_zooms(), rtol=1e-6)
    assert series.header.get_xyzt_units() == ("mm", "sec")

    same_place(mask, before.affine)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), np.asarray(before.dataobj).mean(-1) > 100)
    assert mask.get_data_dtype() == np.uint8

    placement = session.state.preparation.slab_placement
    assert placement is not None
    same_place(slab, placement.scanner.affine)
    assert slab.shape == (*placement.grid.shape, 6)
    assert slab.header.get_zooms()[3] == pytest.approx(1.75)
    shown = session.volume(session.state.preparation.slab_layer)
    assert shown is not None
    np.testing.assert_array_equal(np.asarray(slab.dataobj), np.asarray(shown.data))
    from nilearn.image import resample_img

    floats = nib.Nifti1Image(before.get_fdata(dtype=np.float32), before.affine)
    expected = resample_img(
        floats, slab.affine, slab.shape[:3], interpolation="continuous", force_resample=True, copy_header=True
    )
    np.testing.assert_allclose(slab.get_fdata(), expected.get_fdata(), atol=0.05)
    assert [read(tmp_path / name).kind for name in names] == ["bold", "mask", "bold"]

    with pytest.raises(InputError, match="A file from which a series is read"):
        dock.images.save(path)
    with pytest.raises(InputError, match=r"saved as \.nii or \.nii\.gz, got x\.img"):
        dock.mask.save(tmp_path / "x.img")


def test_saving_can_be_stopped_and_blocks_other_jobs(viewer: Any, tmp_path: Path, endless_writing: None):
    dock = PrepareDock(viewer)
    Session.of(viewer).add(read(write_bold(tmp_path)))
    dock.images.save(tmp_path / "again", wait=False)
    assert "again.nii.gz" in dock.images.save.button.tooltip
    with pytest.raises(InputError, match=r"'Saving again\.nii\.gz' is running"):
        dock.images.save(tmp_path / "other.nii.gz")
    job = dock.jobs.job
    assert job is not None
    dock.jobs.stop()
    with pytest.raises(InputError, match="was stopped"):
        job.wait()
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.nii.gz"]
    assert dock.images.save.button.enabled


def test_a_stack_of_maps_keeps_its_names(viewer: Any, tmp_path: Path):
    dock = PrepareDock(viewer)
    affine = np.diag([3.0, 3, 3, 1])
    maps = np.random.default_rng(0).normal(size=(5, 6, 7, 3)).astype(np.float32)
    stack = Volume(maps, affine, "stat", names=("a", "b", "c"), name="maps", intent="z score", space="mni")
    Session.of(viewer).add(stack)
    dock.images.save(tmp_path / "zmaps.nii")
    back = read(tmp_path / "zmaps.nii")
    assert (back.kind, back.names, back.intent, back.space) == ("stat", ("a", "b", "c"), "z score", "mni")
    np.testing.assert_array_equal(back.data[...], maps)
