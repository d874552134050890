"""The header of the selected layer, and the choice between its transforms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels
from qtpy.QtWidgets import QApplication

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.train.recipe_from_session import Choices, plan_run
from napari_fmri_decoder._napari.view.dock import ViewDock
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import NullConfig
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.volumes.kind_and_tr import stated_kind
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.view.header_tab import HeaderTab


def _tab(viewer: Any) -> HeaderTab:
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View", area="right")
    dock.tabs.setCurrentIndex(next(i for i in range(dock.tabs.count()) if dock.tabs.tabText(i) == "Header"))
    return dock.header


def _two_forms(path: Path) -> tuple[np.ndarray, np.ndarray]:
    sform, qform = np.diag([2.0, 2.0, 2.0, 1.0]), np.diag([2.0, 2.0, 2.0, 1.0])
    sform[:3, 3], qform[:3, 3] = (10, 20, 30), (-40, 0, 7)
    values = np.random.default_rng(0).integers(100, 1000, (6, 7, 8, 3)).astype(np.int16)
    image = nib.Nifti1Image(values, sform)
    image.set_sform(sform, code=4)
    image.set_qform(qform, code=1)
    image.header["pixdim"][4] = 2.0
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    return sform, qform


def test_the_chosen_transform_positions_the_scan(viewer: Any, qtbot: Any, tmp_path: Path):
    sform, qform = _two_forms(tmp_path / "bold.nii.gz")
    session, tab = Session.of(viewer), _tab(viewer)
    layer = session.add(read(tmp_path / "bold.nii.gz"))
    session.update(series=layer)
    slab = Volume(np.zeros((3, 3, 3), np.float32) + 0.5, np.eye(4), "anatomy", name="slab")
    other = session.add(slab)
    viewer.layers.selection.active = layer
    qtbot.waitUntil(lambda: "bold" in tab.title.text())
    assert "6 x 7 x 8 x 3" in tab.table.text()
    assert tab.forms["sform"].value
    changes: list[str] = []
    session.changed.connect(changes.append)

    def origin() -> np.ndarray:
        return np.asarray(layer.data_to_world((0, 0, 0, 0)))[1:][::-1]

    np.testing.assert_allclose(origin(), sform[:3, 3])
    tab.forms["qform"].native.click()
    np.testing.assert_allclose(origin(), qform[:3, 3])
    volume = layer.metadata[KEY]
    assert (volume.name, volume.kind, volume.step, volume.space) == ("bold", "bold", 2.0, "scanner")
    assert volume.parts == read(tmp_path / "bold.nii.gz").parts
    np.testing.assert_allclose(volume.affine, read(tmp_path / "bold.nii.gz", transform="qform").affine)
    assert tab.forms["qform"].value
    assert "series" in changes
    tab.use("sform")
    assert tab.forms["sform"].value
    np.testing.assert_allclose(origin(), sform[:3, 3])

    tab.copy.native.click()
    copied = QApplication.clipboard().text()
    assert "voxel size" in copied
    assert "2 x 2 x 2 mm" in copied

    layer.name = "run 1"
    qtbot.waitUntil(lambda: "run 1" in tab.title.text())

    # Without a file the volume itself is described.
    viewer.layers.selection.active = other
    qtbot.waitUntil(lambda: "slab" in tab.title.text())
    assert "3 x 3 x 3" in tab.table.text()
    for button in tab.forms.values():
        assert not button.enabled
        assert "no header" in button.tooltip


def test_a_missing_transform_is_disabled_with_a_reason(
    viewer: Any, qtbot: Any, tmp_path: Path, notified: list[Any]
):
    image = nib.Nifti1Image(np.random.default_rng(0).random((5, 5, 5), np.float32), np.eye(4))
    image.set_sform(np.eye(4), code=1)
    image.set_qform(np.eye(4), code=0)
    nib.save(image, tmp_path / "T1.nii")
    session, tab = Session.of(viewer), _tab(viewer)
    viewer.layers.selection.active = session.add(read(tmp_path / "T1.nii"))
    qtbot.waitUntil(lambda: "T1" in tab.title.text())
    assert tab.forms["sform"].enabled
    assert not tab.forms["qform"].enabled
    assert "not set" in tab.forms["qform"].tooltip
    with pytest.raises(InputError, match="not set"):
        tab.use("qform")
    tab.forms["qform"].value = True  # from a script, although it is disabled
    assert "not set" in notified[-1].message
    assert (tab.forms["sform"].value, tab.forms["qform"].value) == (True, False)
    assert tab.minimumSizeHint().width() <= 400


def test_a_stated_kind_changes_the_layer_and_the_recipe(viewer: Any, qtbot: Any, tmp_path: Path):
    _two_forms(tmp_path / "trials.nii.gz")
    session, tab = Session.of(viewer), _tab(viewer)
    layer = session.add(read(tmp_path / "trials.nii.gz"))
    session.update(series=layer)
    viewer.layers.selection.active = layer
    qtbot.waitUntil(lambda: "trials" in tab.title.text())
    assert (session.series.kind, tab.kind.value) == ("bold", None)

    tab.kind.value = "stat"
    assert session.state.preparation.series is layer
    assert (session.series.kind, session.series.step) == ("stat", None)
    assert layer.axis_labels[0] == "volume"
    assert tab.kind.value == "stat"
    assert stated_kind(session.series) == "stat"
    table = pd.DataFrame({"volume": range(3), "label": list("aba"), "subject": "", "session": "", "run": "1"})
    session.update(table=table.assign(block=range(3)))
    decoder = get_decoder({"name": "linear"})
    choices = Choices(decoder, TrainingConfig(), SplitConfig(), PrepareConfig(), NullConfig())
    plan = plan_run(session.state, session.series, None, choices, tmp_path / "run")
    assert (plan.recipe.data.kind, plan.recipe.data.tr, plan.volumes) == ("stat", None, ())
    tab.kind.value = None
    assert (session.series.kind, session.series.step) == ("bold", 2.0)


def test_an_image_stated_as_an_atlas_becomes_labels(viewer: Any, qtbot: Any, tmp_path: Path):
    values = np.random.default_rng(0).permutation(120).reshape(4, 5, 6).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "numbers.nii.gz")
    session, tab = Session.of(viewer), _tab(viewer)
    layer = session.add(read(tmp_path / "numbers.nii.gz"))
    viewer.layers.selection.active = layer
    qtbot.waitUntil(lambda: "numbers" in tab.title.text())
    tab.kind.value = "atlas"
    made = viewer.layers.selection.active
    assert isinstance(made, Labels)
    assert session.volume(made).kind == "atlas"
