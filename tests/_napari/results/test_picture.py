"""Save picture…: the dialog draws what the viewer shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from qtpy.compat import isalive
from qtpy.QtWidgets import QFileDialog
from small_result import small_result

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder._napari.results.picture import PictureDialog, open_picture_dialog
from napari_fmri_decoder._napari.results.roles import show_only
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.view.dock import ViewDock
from napari_fmri_decoder._napari.view.map_tab import MapTab
from napari_fmri_decoder._napari.viewer.dims import filter_shown, show_filter, show_volume
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.figures import mosaic, save_picture
from napari_fmri_decoder.volumes.frames import Frame
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.array([[-3.0, 0, 0, 20], [0, 3, 0, -25], [0, 0, 3, -15], [0, 0, 0, 1]])


def volumes() -> tuple[Volume, Volume]:
    rng = np.random.default_rng(0)
    anatomy = Volume(rng.random((14, 16, 10)).astype(np.float32) * 900, AFFINE, "anatomy", name="T1")
    maps = rng.normal(size=(14, 16, 10, 3)).astype(np.float32) * 2
    return anatomy, Volume(maps, AFFINE, "stat", names=("a", "b", "c"), name="maps")


def test_the_map_tab_saves_the_shown_map_with_its_threshold(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
):
    anatomy, maps = volumes()
    session = Session.of(viewer)
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View (napari-fmri-decoder)")
    (tab,) = dock.native.findChildren(MapTab)
    assert not tab.picture.enabled
    assert tab.open_picture() is None
    session.add(anatomy)
    layer = session.add(maps)
    session.update(frame=Frame.from_angles(x=15))
    viewer.dims.set_current_step(0, 1)
    tab.layer.value = layer
    tab.threshold.value = 1.25
    dialog = tab.open_picture()
    assert isinstance(dialog, PictureDialog)
    assert (dialog.image.value, dialog.anatomy.value.name) == (layer, "T1")
    assert dialog.form.threshold.value == 1.25
    assert dialog.form.volume.value == 1
    assert dialog.rotated.value
    dialog.form.update(positions=(0.0, 6.0), background="dark", title="b")
    dialog.save(tmp_path / "picture")
    expected = mosaic(maps, anatomy, dialog.form.config(), session.state.scene.frame)
    save_picture(expected, tmp_path / "expected.png")
    found, wanted = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("picture", "expected"))
    np.testing.assert_array_equal(found, wanted)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "p.svg"), ""))
    qtbot.waitUntil(lambda: dialog.isVisible())
    dialog.findChild(object, "picture_save").click()
    qtbot.waitUntil(lambda: (tmp_path / "p.svg").exists())
    assert ElementTree.parse(tmp_path / "p.svg").getroot().tag.endswith("svg")

    dialog.form.update(positions=(900.0,))
    with pytest.raises(InputError, match="Slices must be within"):
        dialog.save(tmp_path / "never.png")
    assert "got 900" in dialog.message.text
    assert not (tmp_path / "never.png").exists()
    dialog.image.value = None
    with pytest.raises(InputError, match="Choose the image to show"):
        dialog.save(tmp_path / "never.png")
    dialog.close()


def test_prepare_offers_the_slab_then_the_mask_then_the_series(viewer: Any):
    anatomy, maps = volumes()
    session, dock = Session.of(viewer), PrepareDock(viewer)
    series = Volume(np.abs(np.asarray(maps.data)), AFFINE, "bold", 2.0, name="run")
    session.add(anatomy)
    session.add(series)
    first = dock.look.open_picture()
    assert (first.image.value.name, first.anatomy.value.name) == ("run", "T1")
    dock.mask.update({"strategy": "threshold", "above": 0.5})
    dock.mask.apply()
    second = dock.look.open_picture()
    assert second.image.value.name == "threshold mask"
    dock.slab.update(start=2, stop=5, crop=False)
    dock.slab.cut()
    third = dock.look.open_picture()
    assert third.image.value is session.state.preparation.slab_layer
    for dialog in (first, second, third):
        dialog.close()


def test_activations_are_drawn_as_the_viewer_shows_them_and_cancel_saves_nothing(
    viewer: Any, tmp_path: Path, qtbot: Any
):
    session, result = Session.of(viewer), small_result(tmp_path)
    session.add(result.prepared.series)
    conv1, conv2, predictions = show_result(session, result)
    show_only(viewer, "conv2")
    show_filter(viewer, 3)
    show_volume(viewer, 5, result.prepared.series.step)
    dialog = open_picture_dialog(session, conv2)
    assert dialog.image.value is conv2
    assert conv1 in dialog.image.choices
    assert predictions not in dialog.image.choices
    dialog.anatomy.value = None
    dialog.save(tmp_path / "conv2.png")
    shown = Volume(np.asarray(conv2.data[3, 5]).T, conv2.metadata[KEY].affine, "stat")
    drawn = mosaic(replace(shown, name="cnn2d conv2, filter 3, volume 5"), None, dialog.form.config())
    save_picture(drawn, tmp_path / "expected.png")
    found, wanted = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("conv2", "expected"))
    np.testing.assert_array_equal(found, wanted)
    dialog.image.value = conv1
    with pytest.raises(InputError, match="cnn2d conv1 has filters 0 to 2, but the slider is at 3"):
        dialog.save(tmp_path / "never.png")
    show_only(viewer, "conv1")
    assert filter_shown(viewer) == 0, "a filter that this layer has"
    dialog.findChild(object, "picture_cancel").click()
    qtbot.waitUntil(lambda: not isalive(dialog))
    assert not (tmp_path / "never.png").exists()
