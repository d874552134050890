"""Save as NIfTI… in the context menu of the layer list and in napari's File menu."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_model import Application
from npe2 import PluginManifest
from qtpy.QtWidgets import QFileDialog

from napari_fmri_decoder._napari.qt.saving import Saving
from napari_fmri_decoder._napari.save_as_nifti import save_layers, save_selected
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

MENU = "napari/layers/context"
COMMAND = "napari-fmri-decoder.save_as_nifti"


@pytest.fixture(autouse=True)
def _plugin(npe2pm: Any) -> None:
    npe2pm.register(PluginManifest.from_distribution("napari-fmri-decoder"))


def volume(n: int = 0, kind: Any = "anatomy") -> Volume:
    shape = (5, 6, 7, n) if n else (5, 6, 7)
    affine = np.array([[0, -2.0, 0.3, 9], [3, 0, 0, -8], [0, 0.2, 1.5, 7], [0, 0, 0, 1]])
    data = np.random.default_rng(0).integers(1, 900, shape).astype(np.int16)
    return Volume(data, affine, kind, 1.5 if kind == "bold" else None, name=f"sub-1_{kind}", space="aligned")


def asked(monkeypatch: pytest.MonkeyPatch, answer: Path | None) -> list[str]:
    """Answer the dialogs for a file or a folder; returns what they suggested."""
    suggested: list[str] = []

    def file(parent: Any, title: str, path: str, *_: Any) -> tuple[str, str]:
        suggested.append(path)
        return "" if answer is None else str(answer), ""

    def folder(parent: Any, title: str, path: str) -> str:
        suggested.append(path)
        return "" if answer is None else str(answer)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", file)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", folder)
    return suggested


def test_the_context_menu_has_it_once(viewer: Any, monkeypatch: pytest.MonkeyPatch):
    app = Application.get_app("test_app")  # napari's fixture for tests
    assert app is not None
    monkeypatch.setattr(Application, "get_app", lambda _: app)
    for dock in ("View", "Labels"):
        viewer.window.add_plugin_dock_widget("napari-fmri-decoder", dock)
    commands = [getattr(item, "command", None) for item in app.menus.get_menu(MENU)]
    assert [command.title for command in commands if command is not None].count("Save as NIfTI…") == 1


@pytest.mark.parametrize(("kind", "n"), [("anatomy", 0), ("atlas", 0), ("bold", 5)])
def test_a_layer_is_saved_where_it_is_in_the_scanner(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, n: int, notified: list[Any]
):
    session = Session.of(viewer)
    session.update(frame=Frame.from_angles(x=20))
    layer = session.add(volume(n, kind))
    viewer.layers.selection = {layer}
    suggested = asked(monkeypatch, tmp_path / "saved")
    job = save_layers(viewer)
    assert job is not None
    job.wait()
    assert Path(suggested[0]).name == f"sub-1_{kind}.nii.gz"
    image = nib.load(tmp_path / "saved.nii.gz")
    np.testing.assert_allclose(image.affine, volume().affine, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume(n, kind).data)
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 2
    back = read(tmp_path / "saved.nii.gz")
    assert (back.kind, back.step) == (kind, 1.5 if kind == "bold" else None)
    assert notified[-1].message == f"Saved saved.nii.gz in {tmp_path}."
    asked(monkeypatch, None)
    assert save_layers(viewer) is None


def test_several_layers_get_a_file_each_and_none_is_replaced(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    session = Session.of(viewer)
    layers = [session.add(volume(), name="T1"), session.add(volume(kind="atlas"), name="T1 regions")]
    viewer.layers.selection = set(layers)
    (tmp_path / "T1.nii.gz").write_text("mine")
    asked(monkeypatch, tmp_path)
    job = save_layers(viewer)
    assert job is not None
    job.wait()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["T1.nii.gz", "T1_2.nii.gz", "T1_regions.nii.gz"]
    assert (tmp_path / "T1.nii.gz").read_text() == "mine"
    assert read(tmp_path / "T1_regions.nii.gz").kind == "atlas"
    suggested = asked(monkeypatch, None)
    assert save_layers(viewer) is None
    assert Path(suggested[0]) == tmp_path  # the folder that was used last


def test_what_cannot_be_saved_gives_one_sentence_and_asks_nothing(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notified: list[Any]
):
    suggested = asked(monkeypatch, tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match="Select one or more layers"):
        save_layers(viewer)
    viewer.add_points(np.zeros((3, 3)), name="spots")
    with pytest.raises(InputError, match=r"with axes .* but 'spots' has shape \(3, 3\)\. Save it in another"):
        save_layers(viewer)
    monkeypatch.setattr("napari_fmri_decoder._napari.save_as_nifti.current_viewer", lambda: viewer)
    save_selected()
    assert [note.message.startswith("A layer must be an image or labels") for note in notified] == [True]
    assert suggested == []
    assert list(tmp_path.iterdir()) == []


def test_stopping_leaves_no_file_and_a_second_job_waits(viewer: Any, tmp_path: Path, endless_writing: None):
    session = Session.of(viewer)
    saving = session.part(Saving)
    job = saving.save({tmp_path / "a.nii.gz": volume(4, "bold")})
    with pytest.raises(InputError, match=r"'Saving a\.nii\.gz' is not done yet"):
        saving.save({tmp_path / "b.nii.gz": volume()})
    saving.stop()
    with pytest.raises(InputError, match="was stopped"):
        job.wait()
    assert list(tmp_path.iterdir()) == []
    assert saving.job is None
