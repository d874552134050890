"""Saving layers: the original voxels and positions are saved, independent of the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from napari.layers import Image, Labels
from npe2 import PluginManifest

from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.volumes.frames import Frame, rotation
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

PLUGIN = "napari-fmri-decoder"


@pytest.fixture(autouse=True)
def _plugin(npe2pm: Any) -> None:
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))


def scan(kind: Any = "anatomy", n: int = 0) -> Volume:
    rng = np.random.default_rng(0)
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=11, z=4) @ [[0, -2.0, 0], [0, 0, 3], [1.5, 0, 0]]
    affine[:3, 3] = [10, -20, 30]
    shape = (6, 7, 8, n) if n else (6, 7, 8)
    if kind in ("mask", "atlas"):
        regions = np.repeat(rng.integers(0, 9, (2, *shape[1:])), 3, axis=0)
        return Volume((regions > 4 if kind == "mask" else regions).astype(np.uint8), affine, kind)
    data = rng.normal(size=shape).astype(np.float32)
    if kind != "stat":
        data = np.abs(data)
    return Volume(data, affine, kind, 2.5 if kind == "bold" else None, name=f"my {kind}")


@pytest.mark.parametrize("rotated", [False, True])
def test_saved_layers_are_read_back_unchanged(viewer: Any, tmp_path: Path, rotated: bool):
    session = Session.of(viewer)
    if rotated:
        session.update(frame=Frame.from_angles(x=20, y=3))
    for kind, n in (("anatomy", 0), ("stat", 0), ("bold", 4), ("mask", 0), ("atlas", 0)):
        volume = scan(kind, n)
        viewer.layers.selection = {session.add(volume)}
        for ending in (".nii", ".nii.gz"):
            path = tmp_path / f"{kind}{ending}"
            assert viewer.layers.save(path, selected=True, plugin=PLUGIN) == [str(path)]
            image = nib.load(path)
            np.testing.assert_array_equal(np.asarray(image.dataobj), volume.data)
            np.testing.assert_allclose(image.affine, volume.affine, atol=1e-5)
            again = read(path)
            assert again.kind == kind
            assert again.step == volume.step


def test_painted_labels_are_saved_where_they_were_painted(viewer: Any, tmp_path: Path):
    session = Session.of(viewer)
    session.add(scan())
    frame = Frame.from_angles(x=30)
    session.update(frame=frame)
    layer = session.add(Volume(np.zeros((6, 7, 8), np.uint8), scan().affine, "mask", name="painted"))
    at = tuple(np.array(layer.data.shape) // 2)
    layer.selected_label = 1
    layer.brush_size = 1
    layer.paint(at, 1)
    layer._commit_staged_history()
    viewer.layers.selection = {layer}
    path = tmp_path / "painted.nii.gz"
    viewer.layers.save(path, selected=True, plugin=PLUGIN)
    image = nib.load(path)
    found = np.argwhere(np.asarray(image.dataobj))
    assert len(found) == np.count_nonzero(layer.data) > 0
    placed = frame.to_frame(nib.affines.apply_affine(image.affine, found)).mean(axis=0)
    shown = np.mean([layer.data_to_world(v) for v in np.argwhere(layer.data)], axis=0)[::-1]
    np.testing.assert_allclose(placed, shown, atol=1e-4)


def test_layers_of_other_plugins_are_saved_by_their_world_coordinates(viewer: Any, tmp_path: Path):
    viewer.add_image(np.random.default_rng(0).random((4, 5, 6)), scale=(3, 2, 1), translate=(1, 2, 3))
    viewer.layers.save(tmp_path / "other.nii", plugin=PLUGIN)
    image = nib.load(tmp_path / "other.nii")
    assert image.shape == (6, 5, 4)
    np.testing.assert_allclose(image.affine, [[1, 0, 0, 3], [0, 2, 0, 2], [0, 0, 3, 1], [0, 0, 0, 1]])


def test_a_2d_image_is_refused_with_a_message(viewer: Any, tmp_path: Path):
    viewer.add_image(np.zeros((4, 5)), name="flat")
    with pytest.raises(OSError, match=r"'flat' has shape \(4, 5\)"):
        viewer.layers.save(tmp_path / "flat.nii", plugin=PLUGIN)


def test_a_series_is_not_saved_over_its_own_file(viewer: Any, tmp_path: Path):
    volume = scan("bold", 5)
    path = tmp_path / "bold.nii.gz"
    nib.save(nib.Nifti1Image(np.asarray(volume.data), volume.affine), path)
    viewer.open(path, plugin=PLUGIN)
    before = path.read_bytes()
    with pytest.raises(OSError, match="must not be overwritten"):
        viewer.layers.save(path, plugin=PLUGIN)
    assert path.read_bytes() == before


def test_layers_can_be_saved_without_a_window(tmp_path: Path):
    from napari_fmri_decoder._napari.writer import write_image, write_labels

    data, meta, _ = Image(np.zeros((3, 4, 5)), name="plain").as_layer_data_tuple()
    assert write_image(str(tmp_path / "a.nii"), data, meta)
    data, meta, _ = Labels(
        np.eye(5, dtype=int)[:, None] + np.zeros((5, 5, 5), int), name="plain"
    ).as_layer_data_tuple()
    assert write_labels(str(tmp_path / "b.nii"), data, meta)
    assert read(tmp_path / "b.nii").kind == "mask"
