"""File > Open Sample: each sample opens at its position, or a message explains why not."""

from __future__ import annotations

import threading
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hang import HANG_S
from napari.layers import Image, Labels
from npe2 import PluginManifest

from napari_fmri_decoder._napari import sample_data
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.example_data import open_data
from napari_fmri_decoder.samples.example_data.open_data import Haxby
from napari_fmri_decoder.volumes.volume import Volume

PLUGIN = "napari-fmri-decoder"


@pytest.fixture(autouse=True)
def _plugin(npe2pm: Any) -> None:
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))


def test_manifest_lists_the_samples():
    manifest = PluginManifest.from_distribution(PLUGIN)
    keys = [sample.key for sample in manifest.contributions.sample_data]
    assert keys == ["mni_anatomy", "motor_map", "phantom", "category_maps", "haxby_2001"]


def test_the_motor_map_overlays_the_anatomy_with_the_millimeters_of_nibabel(viewer: Any):
    (anatomy,) = viewer.open_sample(PLUGIN, "mni_anatomy")
    (motor,) = viewer.open_sample(PLUGIN, "motor_map")
    assert anatomy.colormap.name == "gray-clear"
    assert motor.colormap.name == "cold-hot"
    assert motor.contrast_limits[0] == -motor.contrast_limits[1]
    session = Session.of(viewer)
    z_map = session.volume(motor)
    voxel = np.unravel_index(np.nanargmax(z_map.at(0)), z_map.shape)
    mm = nib.affines.apply_affine(z_map.affine, voxel)
    assert mm[0] > 30  # left hand, right hemisphere
    viewer.dims.point = tuple(mm[::-1])
    assert motor.get_value(tuple(mm[::-1]), world=True) == z_map.at(0).max()
    t1 = session.volume(anatomy)
    at = np.linalg.inv(t1.affine) @ [*mm, 1]
    assert anatomy.get_value(tuple(mm[::-1]), world=True) == t1.at(0)[tuple(at[:3].round().astype(int))] > 0
    viewer.cursor.position = tuple(mm[::-1])
    viewer.mouse_over_canvas = True
    status, _ = viewer._calc_status_from_cursor()
    assert f"{mm[2]:.2f}, {mm[1]:.2f}, {mm[0]:.2f}" in status["coords"]
    # Seen from above with superior and anterior up, right is on the right: the spot is right of the middle.
    viewer.layers[0].visible = False
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    yellow = (picture[..., 0] > 200) & (picture[..., 1] > 200) & (picture[..., 2] < 160)
    row, column = np.argwhere(yellow).mean(axis=0)
    camera = viewer.scene.camera
    height, width = yellow.shape
    expected = (
        (height - 1) / 2 - (mm[1] - camera.center[1]) * camera.zoom,
        (width - 1) / 2 + (mm[0] - camera.center[2]) * camera.zoom,
    )
    np.testing.assert_allclose((row, column), expected, atol=12 * camera.zoom)


def test_the_phantom_opens_as_a_series_over_its_anatomy(viewer: Any):
    anatomy, series = viewer.open_sample(PLUGIN, "phantom")
    assert isinstance(series, Image)
    assert series.data.shape == (384, 42, 51, 40)
    assert series.data_to_world((1, 0, 0, 0))[0] == 2.0
    session = Session.of(viewer)
    eye = (33.0, 60.0, -40.0)
    for layer in (anatomy, series):
        volume = session.volume(layer)
        at = (np.linalg.inv(volume.affine) @ [*eye, 1])[:3].round().astype(int)
        assert volume.at(0)[tuple(at)] > 0
    assert series.get_value((0.0, *eye[::-1]), world=True) > 0


def test_the_maps_of_26_categories_open_as_one_named_stack(viewer: Any):
    maps, mask = viewer.open_sample(PLUGIN, "category_maps")
    volume = Session.of(viewer).volume(maps)
    assert volume.n_volumes == len(volume.names) == 4 * 130
    assert volume.kind == "stat"
    assert maps.axis_labels[0] == "volume"
    assert isinstance(mask, Labels)
    assert not mask.visible
    assert Session.of(viewer).volume(mask).grid.same_as(volume.grid)


def test_samples_that_would_mix_time_and_maps_are_refused(viewer: Any, monkeypatch: pytest.MonkeyPatch):
    session = Session.of(viewer)
    session.add(Volume(np.zeros((3, 3, 3, 5), np.float32), np.eye(4), "stat", name="my maps"))
    series = Volume(np.ones((3, 3, 3, 5), np.float32), np.eye(4), "bold", 2.5, name="Haxby")
    monkeypatch.setattr(open_data, "haxby_2001", lambda: Haxby(series, None, series.mean(), None))
    with pytest.raises(InputError, match="'Haxby' counts seconds"):
        viewer.open_sample(PLUGIN, "haxby_2001")
    assert [layer.name for layer in viewer.layers] == ["my maps"]


def test_haxby_opens_with_its_anatomy_and_mask(viewer: Any, monkeypatch: pytest.MonkeyPatch):
    affine = np.diag([-3.5, 3.75, 3.75, 1])
    series = Volume(np.ones((4, 5, 6, 7), np.int16), affine, "bold", 2.5, name="Haxby 2001 subject 2")
    anatomy = Volume(np.ones((8, 8, 8), np.float32), np.diag([-1.2, 0.9, 0.9, 1]), "anatomy", name="T1")
    mask = Volume(np.eye(5, 6, dtype=np.uint8)[None].repeat(4, 0), affine, "mask", name="VT")
    monkeypatch.setattr(open_data, "haxby_2001", lambda: Haxby(series, anatomy, mask, None))
    layers = viewer.open_sample(PLUGIN, "haxby_2001")
    assert [type(layer) for layer in layers] == [Image, Image, Labels]


def test_without_internet_the_message_suggests_what_to_do(viewer: Any, monkeypatch: pytest.MonkeyPatch):
    def unreachable() -> Haxby:
        raise InputError(
            "Haxby 2001 must be downloaded, which needs a network. Connect to the network and open it again."
        )

    monkeypatch.setattr(open_data, "haxby_2001", unreachable)
    with pytest.raises(InputError, match="needs a network"):
        viewer.open_sample(PLUGIN, "haxby_2001")
    assert len(viewer.layers) == 0


def test_the_window_is_drawn_while_a_sample_is_made(viewer: Any, qtbot: Any):
    from qtpy.QtCore import QTimer

    ticks: list[int] = []
    enough = threading.Event()

    def tick() -> None:
        ticks.append(1)
        if len(ticks) > 8:
            enough.set()

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(1)

    def slow() -> str:
        """Last as long as the window takes to be drawn several times."""
        return "made" if enough.wait(HANG_S) else "the window stood still"

    assert sample_data.run_in_thread(slow, "Making") == "made"
    timer.stop()
