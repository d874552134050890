"""Opening files: each with its position and kind; each bad file gives one message."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from napari.layers import Image, Labels
from nibabel.testing import data_path
from npe2 import PluginManager, PluginManifest

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.reader import get_reader, read_layers
from napari_fmri_decoder.errors import InputError

PLUGIN = "napari-fmri-decoder"


@pytest.fixture
def plugin(npe2pm: Any) -> Any:
    """Only the manifest of this plugin."""
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    return npe2pm


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """One file of each kind, some of them bad."""
    rng = np.random.default_rng(0)
    affine = np.array([[-2.0, 0, 0, 30], [0, 2, 0, -40], [0, 0, 2, -20], [0, 0, 0, 1]])

    def save(name: str, data: Any, tr: float | None = None) -> Path:
        image = nib.Nifti1Image(data, affine)
        if tr is not None:
            image.header.set_xyzt_units("mm", "sec")
            image.header.set_zooms((2, 2, 2, tr))
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        nib.save(image, path)
        return path

    shape = (8, 9, 10)
    bold = rng.integers(1, 1000, (*shape, 6)).astype(np.int16)
    made = {
        "T1": save("T1.nii", rng.gamma(2, 50, shape).astype(np.float32)),
        "bold": save("sub-1_bold.nii.gz", bold, 2.0),
        "mask": save("brain_mask.nii.gz", (rng.random(shape) > 0.5).astype(np.uint8)),
    }
    for i in (1, 2, 10):
        made[f"map {i}"] = save(f"maps/face_{i}_zmap.nii.gz", rng.normal(size=shape).astype(np.float32))
    made["text"] = tmp_path / "text.nii"
    made["text"].write_text("this is not an image")
    made["cut"] = tmp_path / "cut.nii.gz"
    made["cut"].write_bytes(made["bold"].read_bytes()[:-2000])
    made["folder"] = tmp_path / "maps"
    return made


def test_manifest_opens_files_with_their_kinds(plugin: PluginManager, files: dict[str, Path]):
    from npe2 import io_utils

    kinds = {}
    for name in ("T1", "bold", "mask", "map 1"):
        ((_, meta, kind),) = io_utils.read([str(files[name])], stack=False)
        kinds[name] = kind
        assert meta["metadata"][KEY].parts[0].path == str(files[name])
    assert kinds == {"T1": "image", "bold": "image", "mask": "labels", "map 1": "image"}


def test_manifest_opens_other_formats_with_notes_on_uncertain_properties(
    plugin: PluginManager, tmp_path: Path, viewer: Any, notified: list[Any]
):
    values = np.random.default_rng(0).gamma(2, 50, (5, 6, 7)).astype(np.float32)
    nib.save(nib.MGHImage(values, np.eye(4)), tmp_path / "mgh.mgz")
    nib.save(nib.Nifti2Image(values, np.eye(4)), tmp_path / "two.nii.gz")
    nib.save(nib.Nifti1Pair(values, np.eye(4)), tmp_path / "pair.img")
    afni = Path(data_path) / "example4d+orig.HEAD"
    paths = [tmp_path / name for name in ("mgh.mgz", "two.nii.gz", "pair.img")] + [afni]
    viewer.open(paths, plugin=PLUGIN)
    assert [layer.name for layer in viewer.layers] == ["mgh", "two", "pair", "example4d+orig"]
    assert notified == []
    nib.save(nib.AnalyzeImage(values, None), tmp_path / "analyze.img")
    viewer.open(tmp_path / "analyze.img", plugin=PLUGIN)
    (note,) = notified
    assert "Left and right are not certain" in note.message


def test_a_folder_of_maps_opens_as_one_stack_in_natural_order(plugin: PluginManager, files: dict[str, Path]):
    from npe2 import io_utils

    ((data, meta, _),) = io_utils.read([str(files["folder"])], stack=False)
    assert data.shape == (3, 10, 9, 8)
    assert meta["metadata"][KEY].names == ("face_1_zmap", "face_2_zmap", "face_10_zmap")
    assert meta["name"] == "maps"


def test_a_list_of_files_is_stacked_in_its_order_with_a_note(files: dict[str, Path]):
    ((_, meta, _),) = read_layers([files["map 2"], files["map 10"], files["map 1"]])
    assert meta["metadata"][KEY].names == ("face_2_zmap", "face_10_zmap", "face_1_zmap")
    assert "concatenated in this order: face_2_zmap.nii.gz, face_10" in meta["metadata"][KEY].notes[-1]
    ((_, meta, _),) = read_layers([files["map 1"], files["map 2"], files["map 10"]])
    assert not meta["metadata"][KEY].notes


def test_several_files_are_separate_layers_unless_stacked(
    plugin: PluginManager, files: dict[str, Path], viewer: Any
):
    paths = [str(files["map 1"]), str(files["map 2"])]
    viewer.open(paths, plugin=PLUGIN)
    assert [layer.name for layer in viewer.layers] == ["face_1_zmap", "face_2_zmap"]
    assert [layer.ndim for layer in viewer.layers] == [3, 3]
    viewer.open(paths, plugin=PLUGIN, stack=True)
    assert viewer.layers[-1].data.shape == (2, 10, 9, 8)


def test_cursor_shows_the_value_and_millimeters_of_nibabel(
    plugin: PluginManager, files: dict[str, Path], viewer: Any
):
    for name in ("T1", "mask", "bold"):
        viewer.open(files[name], plugin=PLUGIN)
    image = nib.load(files["bold"])
    mm = nib.affines.apply_affine(image.affine, [3, 5, 7])
    viewer.dims.point = (4.0, *mm[::-1])
    viewer.mouse_over_canvas = True
    viewer.cursor.position = (4.0, *mm[::-1])
    status, _ = viewer._calc_status_from_cursor()
    z, y, x = mm[::-1]
    assert status["coordinates"].startswith(f"[4.00, {z:.2f}, {y:.2f}, {x:.2f}]") or (
        f"{z:.2f}, {y:.2f}, {x:.2f}" in status["coords"]
    )
    for name, layer in zip(("T1", "mask", "bold"), viewer.layers, strict=True):
        true = np.asarray(nib.load(files[name]).dataobj)[3, 5, 7]
        true = true[2] if name == "bold" else true
        position = (4.0, *mm[::-1])[-layer.ndim :]
        assert layer.get_value(position, world=True) == true
        assert isinstance(layer, Labels if name == "mask" else Image)


@pytest.mark.parametrize(
    ("name", "message"),
    [("text", "must be a NIfTI image"), ("cut", "ends early"), ("gone", "must be a file that exists")],
)
def test_a_bad_file_gives_one_notification_and_keeps_open_layers(
    plugin: PluginManager, files: dict[str, Path], viewer: Any, notified: list[Any], name: str, message: str
):
    viewer.open(files["T1"], plugin=PLUGIN)
    if name == "gone":
        with pytest.raises(InputError, match=message):
            read_layers("/nowhere/gone.nii")
        return
    opened = viewer.open(files[name], plugin=PLUGIN)
    assert opened == []
    assert len(viewer.layers) == 1
    assert len(notified) == 1
    assert message in notified[0].message
    assert "Traceback" not in notified[0].message
    assert files[name].name in notified[0].message


def test_a_bad_file_among_good_ones_keeps_the_good_ones(
    plugin: PluginManager, files: dict[str, Path], viewer: Any, notified: list[Any]
):
    viewer.open([files["T1"], files["text"], files["mask"]], plugin=PLUGIN)
    assert [layer.name for layer in viewer.layers] == ["T1", "brain_mask"]
    assert len(notified) == 1


def test_without_a_window_a_bad_file_raises(files: dict[str, Path]):
    with pytest.raises(InputError, match="must be a NIfTI image"):
        get_reader(str(files["text"]))(str(files["text"]))


def test_a_stack_of_maps_and_a_time_series_cannot_be_mixed(
    plugin: PluginManager, files: dict[str, Path], viewer: Any, notified: list[Any]
):
    viewer.open(files["bold"], plugin=PLUGIN)
    viewer.open(files["folder"], plugin=PLUGIN)
    assert [layer.name for layer in viewer.layers] == ["sub-1_bold"]
    (note,) = notified
    assert "maps" in note.message
    assert "sub-1_bold" in note.message
    assert "seconds" in note.message
    viewer.open(files["map 1"], plugin=PLUGIN)  # a single map has no such axis
    assert len(viewer.layers) == 2


def test_other_paths_are_left_to_other_readers(tmp_path: Path, files: dict[str, Path]):
    assert get_reader(str(tmp_path / "image.tif")) is None
    (tmp_path / "empty").mkdir()
    assert get_reader(str(tmp_path / "empty")) is None
    assert get_reader([str(files["T1"]), str(tmp_path / "image.tif")]) is None


def test_the_first_scan_is_upright(plugin: PluginManager, files: dict[str, Path], viewer: Any):
    viewer.open(files["T1"], plugin=PLUGIN)
    assert tuple(str(o) for o in viewer.scene.camera.orientation) == ("towards", "up", "right")
    assert viewer.dims.order == (0, 1, 2)


def test_a_scan_opened_in_a_rotated_view_is_rotated(
    plugin: PluginManager, files: dict[str, Path], viewer: Any
):
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.frames import Frame

    frame = Frame.from_angles(x=20)
    Session.of(viewer).update(frame=frame)
    (layer,) = viewer.open(files["T1"], plugin=PLUGIN)
    image = nib.load(files["T1"])
    middle = nib.affines.apply_affine(image.affine, (np.array(image.shape) - 1) / 2)
    shown = np.asarray(layer.data_to_world((np.array(layer.data.shape) - 1) / 2))[::-1]
    np.testing.assert_allclose(shown, frame.to_frame(middle), atol=1e-6)


def test_a_gz_file_without_its_magic_number_gives_a_message(tmp_path: Path, viewer: Any, notified: list[Any]):
    path = tmp_path / "fake.nii.gz"
    path.write_bytes(gzip.compress(b"nothing of the kind"))
    assert get_reader(str(path))(str(path)) == [(None,)]
    assert len(notified) == 1
