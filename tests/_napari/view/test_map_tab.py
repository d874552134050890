"""The Map tab: exactly the values that pass the threshold are visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget
from scipy import stats

from napari_fmri_decoder._napari.layers.colormaps import cold_hot, two_map_colors
from napari_fmri_decoder._napari.view.dock import ViewDock
from napari_fmri_decoder._napari.view.point_text import regions_at
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.volumes.volume import Volume


def rendered(colors: dict[str, Any], values: np.ndarray, limit: float) -> np.ndarray:
    from napari.utils.colormaps import Colormap

    return Colormap(**colors).map((values + limit) / (2 * limit))


@pytest.mark.parametrize("threshold", [0.0, 1.0, 3.3, 7.9])
def test_values_below_the_threshold_are_transparent_and_above_opaque(threshold):
    values = np.array([-8, -threshold - 0.01, -threshold + 0.01, 0, threshold - 0.01, threshold + 0.01, 8])
    rgba = rendered(cold_hot(threshold, 8.0), values, 8.0)
    passes = np.abs(values) > threshold
    np.testing.assert_allclose(rgba[:, 3], passes, atol=1e-3)
    assert rgba[0, 2] > rgba[0, 0]  # cold is blue
    assert rgba[-1, 0] > rgba[-1, 2]
    assert not rendered(cold_hot(threshold, 8.0, "positive"), np.array([-8.0]), 8.0)[0, 3]
    assert not rendered(cold_hot(threshold, 8.0, "negative"), np.array([8.0]), 8.0)[0, 3]


def test_each_code_of_two_maps_has_a_color():
    colors = two_map_colors()
    assert colors[0][3] == 0
    assert sorted(k for k in colors if k is not None) == list(range(64 * 16 + 1))


def test_a_map_is_thresholded_by_value_and_p_and_its_opacity_set_by_another(viewer: Any, qtbot: Any):
    session = Session.of(viewer)
    z = np.zeros((20, 20, 20), np.float32)
    z[4:8, 4:16, 10], z[12:16, 4:16, 10], z[8:12, 4:16, 10] = -4.0, 4.0, 1.0
    anatomy = Volume(np.full((20, 20, 20), 500, np.float32), np.diag([2.0, 2, 2, 1]), "anatomy", name="T1")
    session.add(anatomy)
    layer = session.add(Volume(z, anatomy.affine, "stat", name="z"))
    weight = session.add(Volume(np.abs(z) / 4, anatomy.affine, "stat", name="w"))
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View (napari-fmri-decoder)")
    hands = {w.objectName(): w for w in dock.findChildren(QWidget) if w.objectName()}
    viewer.dims.set_point(0, 20)
    hands["map"].setCurrentText("z")
    weight.visible = False

    def colors() -> tuple[Any, Any, Any]:
        qtbot.wait(50)
        shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
        scale, center = viewer.scene.camera.zoom, viewer.scene.camera.center
        rows, columns = shot.shape[:2]
        ratio = columns / viewer.window._qt_viewer.canvas.size[1]

        def at(x: float) -> Any:
            return shot[rows // 2, round(columns / 2 + (x - center[2]) * scale * ratio)]

        return at(11), at(19), at(27)  # x mm of the cold, the weak, the hot

    hands["map_threshold"].setValue(2.0)
    cold, weak, hot = colors()
    assert cold[2] > cold[0] + 50
    assert np.ptp(weak) < 10  # the gray anatomy is visible
    assert hot[0] > hot[2] + 50
    assert "48 above 2, 48 below -2" in hands["map_about"].text()
    hands["map_p"].setValue(0.5)  # |z| > 0.67: the weak voxels pass
    assert hands["map_threshold"].value() == pytest.approx(stats.norm.isf(0.25), rel=1e-6)
    assert np.ptp(colors()[1]) > 50
    hands["map_degrees"].setValue(5)
    hands["map_p"].setValue(0.01)
    assert hands["map_threshold"].value() == pytest.approx(stats.t(5).isf(0.005), rel=1e-6)
    hands["map_signs"].setCurrentText("positive")
    hands["map_threshold"].setValue(2.0)
    assert np.ptp(colors()[0]) < 10
    hands["map_bar"].setChecked(True)
    assert layer.colorbar.visible
    hands["map_limit"].setValue(4.0)
    hands["map_weight"].setCurrentText("w")
    hands["map_opaque"].setValue(1.0)
    assert not layer.visible
    cold, weak, hot = colors()
    assert np.ptp(hot) > np.ptp(weak) > 10  # the weak voxels are less opaque
    hands["map_weight"].setCurrentIndex(0)
    assert layer.visible
    assert layer.contrast_limits == [-4.0, 4.0]


def test_a_t_map_sets_its_degrees_of_freedom_and_overlays_are_removed(viewer: Any, qtbot: Any):
    session = Session.of(viewer)
    t = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    place = np.diag([2.0, 2, 2, 1])
    layer = session.add(Volume(t, place, "stat", intent="t test", intent_parameters=(20.0,), name="t"))
    effect = session.add(Volume(t / 3, place, "stat", intent="estimate", name="beta"))
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View (napari-fmri-decoder)")
    hands = {w.objectName(): w for w in dock.findChildren(QWidget) if w.objectName()}
    tab = next(tab for tab in dock.findChildren(QWidget) if type(tab).__name__ == "MapTab")
    dock.tabs.setCurrentIndex(1)
    qtbot.waitUntil(tab.isVisible)
    hands["map"].setCurrentText("t")
    hands["map_threshold"].setValue(2.0)
    assert hands["map_degrees"].value() == 20
    assert hands["map_p"].value() == pytest.approx(2 * stats.t(20).sf(2.0), rel=1e-6)
    limit = hands["map_limit"].value()
    hands["map_p"].setValue(1e-6)  # above the color limit, which follows: the color bar is not empty
    assert hands["map_threshold"].value() == pytest.approx(stats.t(20).isf(5e-7), rel=1e-6)
    assert limit < hands["map_threshold"].value() < layer.contrast_limits[1]
    # While t sets the opacity of beta, the threshold is disabled; the overlay's codes are not values.
    hands["map"].setCurrentText("beta")
    hands["map_weight"].setCurrentText("t")
    for name in ("map_threshold", "map_threshold_slider", "map_p", "map_signs", "map_bar"):
        assert not hands[name].isEnabled()
        assert "sets the opacity" in hands[name].toolTip()
    assert hands["map_limit"].isEnabled()
    assert "full at" in hands["map_about"].text()
    codes = viewer.layers[-1]
    assert codes.visible
    assert not effect.visible
    assert regions_at(brain_layers(viewer), np.array([6.0, 6, 6])) == []
    dock.tabs.setCurrentIndex(0)
    qtbot.waitUntil(lambda: "beta" in hands["values_here"].text())
    assert "opacity" not in hands["values_here"].text()
    # A hidden tab does not count voxels.
    tab.about.setText("unchanged")
    session.update(point=(4.0, 4.0, 4.0))
    assert tab.about.text() == "unchanged"
    dock.tabs.setCurrentIndex(1)
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: effect.visible and not codes.visible)
    hands["map_threshold"].setValue(0.1)
    assert hands["map_bar"].isEnabled()
    assert "voxels are shown" in hands["map_about"].text()
    viewer.layers.remove(effect)
    qtbot.waitUntil(lambda: codes not in viewer.layers)
