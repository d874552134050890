"""Saving layers: the original voxels and positions are saved, independent of the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from napari.layers import Image, Labels
from npe2 import PluginManifest
from qtpy.QtWidgets import QFileDialog

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


FILES = {
    "NIfTI": "napari-fmri-decoder NIfTI (*.nii.gz *.nii)",
    "All files": "napari-fmri-decoder All files (*.*)",
}


def ctrl_s(viewer: Any, monkeypatch: pytest.MonkeyPatch, path: Path, selected: str) -> None:
    """What Ctrl+S does, with a name typed and a file type selected in napari's dialog."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(path), selected))
    viewer.window._qt_viewer._save_layers_dialog(selected=True)


@pytest.mark.parametrize(("kind", "n"), [("atlas", 0), ("bold", 4)])
def test_ctrl_s_saves_a_brain_layer(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, n: int
):
    volume = scan(kind, n)
    viewer.layers.selection = {Session.of(viewer).add(volume)}
    names = {"x.nii.gz": "x.nii.gz", "y": "y.nii.gz", "z.NII": "z.NII"}
    for files, selected in FILES.items():
        for typed, found in names.items():
            folder = tmp_path / files / typed
            folder.mkdir(parents=True)
            ctrl_s(viewer, monkeypatch, folder / typed, selected)
            assert [path.name for path in folder.iterdir()] == [found]
            image = nib.load(folder / found)
            np.testing.assert_array_equal(np.asarray(image.dataobj), volume.data)
            np.testing.assert_allclose(image.affine, volume.affine, atol=1e-5)


def test_ctrl_s_on_several_layers_makes_a_file_of_each(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    session = Session.of(viewer)
    volumes = {"T1 of sub-1": scan(), "regions": scan("atlas"), "a/b": scan("stat")}
    viewer.layers.selection = {session.add(volume, name=name) for name, volume in volumes.items()}
    ctrl_s(viewer, monkeypatch, tmp_path / "x.nii.gz", FILES["NIfTI"])
    names = {"T1 of sub-1": "x_T1_of_sub-1", "regions": "x_regions", "a/b": "x_a_b"}
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{name}.nii.gz" for name in names.values())
    for name, volume in volumes.items():
        image = nib.load(tmp_path / f"{names[name]}.nii.gz")
        np.testing.assert_array_equal(np.asarray(image.dataobj), volume.data)
    with pytest.raises(OSError, match=r"already exists in .* Choose another name"):
        ctrl_s(viewer, monkeypatch, tmp_path / "x.nii.gz", FILES["NIfTI"])


REFUSED = {
    "x.img": r"must be saved as \.nii or \.nii\.gz, got x\.img\. Change its ending\.$",
    "file/x.nii.gz": r"must be writable, but .*file is not",
    "folder.nii": r"folder\.nii is a folder\. Add a file name\.$",
    "there": r"there\.nii\.gz already exists\. Choose another name, or type the whole name\.$",
}


@pytest.mark.parametrize(("kind", "n"), [("anatomy", 0), ("bold", 4)])
def test_what_ctrl_s_cannot_save_gives_one_sentence(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, n: int
):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.nii").mkdir()
    (tmp_path / "there.nii.gz").write_text("mine")
    viewer.layers.selection = {Session.of(viewer).add(scan(kind, n))}
    for selected in FILES.values():
        for name, sentence in REFUSED.items():
            with pytest.raises(OSError, match=sentence):
                ctrl_s(viewer, monkeypatch, tmp_path / name, selected)
    assert (tmp_path / "there.nii.gz").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "folder.nii", "there.nii.gz"]


def test_saving_a_series_fails_once_on_a_full_disk(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notified: list[Any]
):
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_fmri_decoder.volumes.nifti.ImageOpener", full)
    viewer.layers.selection = {Session.of(viewer).add(scan("bold", 4))}
    with pytest.raises(OSError, match=r"No space left on device\. Free some space"):
        ctrl_s(viewer, monkeypatch, tmp_path / "x.nii.gz", FILES["NIfTI"])
    assert notified == []  # napari shows the error that is raised
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("default:Plugin 'napari' tried to save:UserWarning")
def test_the_wrong_file_type_in_naparis_dialog_says_which_to_select(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npe2pm: Any, notified: list[Any]
):
    from napari.utils.notifications import ErrorNotification, notification_manager

    from napari_fmri_decoder._napari.qt.save_advice import replace_failure

    npe2pm.register(PluginManifest.from_distribution("napari"))
    for dock in ("View", "Labels"):
        viewer.window.add_plugin_dock_widget(PLUGIN, dock)
    viewer.layers.selection = {Session.of(viewer).add(scan())}
    with pytest.raises(OSError, match="save failed") as error:
        ctrl_s(viewer, monkeypatch, tmp_path / "x.nii.gz", "napari builtins lossless (*.tif")
    listeners = list(notification_manager.notification_ready.callbacks)
    assert listeners.count(replace_failure) == 1
    replace_failure(ErrorNotification(error.value))
    replace_failure(ErrorNotification(OSError("File a.tif save failed.")))
    advice = "x.nii.gz was not saved. Select 'napari-fmri-decoder NIfTI' as the file type"
    assert [note.message[: len(advice)] for note in notified] == [advice]
    assert list(tmp_path.iterdir()) == []


def test_saving_several_layers_to_a_folder_is_still_naparis(npe2pm: Any):
    npe2pm.register(PluginManifest.from_distribution("napari"))
    for path, types in (("folder", ["image", "labels"]), ("x.tif", ["image"]), ("x", ["image"])):
        assert npe2pm.get_writer(path, types)[0].command.startswith("napari.")
    for types in (["image"], ["labels"], ["image", "labels"], ["labels"] * 3):
        assert npe2pm.get_writer("x.nii.gz", types)[0].command == f"{PLUGIN}.write_layers"
