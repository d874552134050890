"""The self-test passes here, and fails where something moves voxels that must not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.pipeline import selftest as module
from napari_fmri_decoder.pipeline.selftest import selftest
from napari_fmri_decoder.volumes import nifti, slabs
from napari_fmri_decoder.volumes.frames import Frame
from napari_fmri_decoder.volumes.read import read


def failed(folder: Any) -> set[str]:
    return {check.name for check in selftest(folder) if not check.passed}


def test_all_checks_pass(tmp_path):
    assert failed(tmp_path) == set()


def mirrored_on_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_broken(path: Any) -> Any:
        volume = read(path)
        return replace(volume, data=np.asarray(volume.data[...])[:, :, ::-1])

    monkeypatch.setattr(module, "read", read_broken)


def affine_mirrored_on_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(volume: Any, path: Any) -> Any:
        return nifti.write(replace(volume, affine=np.diag([-1.0, 1, 1, 1]) @ volume.affine), path)

    monkeypatch.setattr(module, "write", write)


def oblique_part_dropped_on_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_broken(path: Any) -> Any:
        volume = read(path)
        affine = np.array(volume.affine)
        largest = np.abs(affine[:3, :3]).max(axis=0)
        affine[:3, :3] = np.where(np.abs(affine[:3, :3]) == largest, affine[:3, :3], 0)
        return replace(volume, affine=affine)

    monkeypatch.setattr(module, "read", read_broken)


def turned_the_wrong_way(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Frame.from_angles
    monkeypatch.setattr(slabs.Frame, "from_angles", lambda x, y, z, pivot=None: right(-x, -y, -z, pivot))


def half_a_voxel_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    right = slabs.resample
    shift = np.eye(4)
    shift[:3, 3] = 0.5

    def resample(data: Any, affine: Any, *rest: Any) -> Any:
        return right(data, affine @ shift, *rest)

    monkeypatch.setattr(slabs, "resample", resample)


BREAKS = {
    mirrored_on_reading: {"left is left", "the region is at its position", ".nii is read as it was written"},
    affine_mirrored_on_writing: {"left is left", "orientation codes", ".nii.gz keeps its position"},
    oblique_part_dropped_on_reading: {"the region is at its position", ".nii keeps its position"},
    turned_the_wrong_way: {"it rotates with the head", "the slab's axes are the rotated axes"},
    half_a_voxel_aside: {"the slab's values match the formula", "the region is at its position in the slab"},
}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda f: f.__name__)
def test_errors_that_move_voxels_are_found(broken, monkeypatch, tmp_path):
    broken(monkeypatch)
    assert failed(tmp_path) >= BREAKS[broken]


def test_the_command_reports_failed_checks_and_exits_with_1(monkeypatch):
    right = CliRunner().invoke(app, ["selftest"])
    assert right.exit_code == 0
    assert "passed  left is left: x = -2" in right.output
    affine_mirrored_on_writing(monkeypatch)
    wrong = CliRunner().invoke(app, ["selftest", "--json"])
    assert wrong.exit_code == 1
    rows = {row["name"]: row for row in json.loads(wrong.output)}
    assert not rows["left is left"]["passed"]
    assert "on the right" in rows["left is left"]["found"]
