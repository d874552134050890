"""The Map tab: exactly the values that pass the threshold are visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from napari_fmri_decoder._napari.layers.colormaps import cold_hot, two_map_colors
from napari_fmri_decoder._napari.view.dock import TABS, ViewDock
from napari_fmri_decoder._napari.view.point_text import regions_at
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.color_bar import _drawn as drawn_bars
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
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
    dock.tabs.setCurrentIndex(TABS.index("views"))
    viewer.window.add_dock_widget(dock, name="View (napari-fmri-decoder)")
    tab = dock.map
    viewer.dims.set_point(0, 20)
    tab.layer.value = "z"
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

    tab.threshold.value = 2.0
    cold, weak, hot = colors()
    assert cold[2] > cold[0] + 50
    assert np.ptp(weak) < 10  # the gray anatomy is visible
    assert hot[0] > hot[2] + 50
    assert "48 above 2, 48 below -2" in tab.about.text()
    tab.p.value = 0.5  # |z| > 0.67: the weak voxels pass
    assert tab.threshold.value == pytest.approx(stats.norm.isf(0.25), rel=1e-6)
    assert np.ptp(colors()[1]) > 50
    tab.degrees.value = 5
    tab.p.value = 0.01
    assert tab.threshold.value == pytest.approx(stats.t(5).isf(0.005), rel=1e-6)
    tab.signs.value = "positive"
    tab.threshold.value = 2.0
    assert np.ptp(colors()[0]) < 10
    tab.bar.value = True
    assert layer.colorbar.visible
    (bar,) = drawn_bars(viewer, layer)
    assert bar.node.ticks._text.text == ["-6.05", "2", "6.05"], "numbers at the ends and at the threshold"
    tab.signs.value = "both"
    tab.threshold.value = 3.1
    tab.limit.value = 8.0
    assert bar.node.ticks._text.text == ["-8", "-3.1", "3.1", "8"]
    tab.threshold.value = 0.2
    assert [text for text in bar.node.ticks._text.text if text] == ["-8", "±0.2", "8"], "no two overlap"
    tab.signs.value = "positive"
    tab.threshold.value = 2.0
    tab.limit.value = 4.0
    tab.weight.value = "w"
    tab.opaque.value = 1.0
    assert not layer.visible
    cold, weak, hot = colors()
    assert np.ptp(hot) > np.ptp(weak) > 10  # the weak voxels are less opaque
    tab.weight.value = None
    assert layer.visible
    assert layer.contrast_limits == [-4.0, 4.0]


def test_a_t_map_sets_its_degrees_of_freedom_and_overlays_are_removed(viewer: Any, qtbot: Any):
    session = Session.of(viewer)
    t = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    place = np.diag([2.0, 2, 2, 1])
    layer = session.add(Volume(t, place, "stat", intent="t test", intent_parameters=(20.0,), name="t"))
    effect = session.add(Volume(t / 3, place, "stat", intent="estimate", name="beta"))
    dock = ViewDock(viewer)
    dock.tabs.setCurrentIndex(TABS.index("views"))
    viewer.window.add_dock_widget(dock, name="View (napari-fmri-decoder)")
    tab = dock.map
    dock.tabs.setCurrentIndex(TABS.index("map"))
    qtbot.waitUntil(tab.isVisible)
    tab.layer.value = "t"
    tab.threshold.value = 2.0
    assert tab.degrees.value == 20
    assert tab.p.value == pytest.approx(2 * stats.t(20).sf(2.0), rel=1e-6)
    limit = tab.limit.value
    tab.p.value = 1e-6  # above the color limit, which follows: the color bar is not empty
    assert tab.threshold.value == pytest.approx(stats.t(20).isf(5e-7), rel=1e-6)
    assert limit < tab.threshold.value < layer.contrast_limits[1]
    # While t sets the opacity of beta, the threshold is disabled; the overlay's codes are not values.
    tab.layer.value = "beta"
    tab.weight.value = "t"
    for control in (tab.threshold, tab.slider, tab.p, tab.signs, tab.bar):
        assert not control.enabled
        assert "sets the opacity" in control.tooltip
    assert tab.limit.enabled
    assert "full at" in tab.about.text()
    codes = viewer.layers[-1]
    assert codes.visible
    assert not effect.visible
    assert regions_at(brain_layers(viewer), np.array([6.0, 6, 6])) == []
    dock.tabs.setCurrentIndex(TABS.index("views"))
    qtbot.waitUntil(lambda: "beta" in dock.views.values.text())
    assert "opacity" not in dock.views.values.text()
    # A hidden tab does not count voxels.
    tab.about.setText("unchanged")
    session.update(point=(4.0, 4.0, 4.0))
    assert tab.about.text() == "unchanged"
    dock.tabs.setCurrentIndex(TABS.index("map"))
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: effect.visible and not codes.visible)
    tab.threshold.value = 0.1
    assert tab.bar.enabled
    assert "voxels are shown" in tab.about.text()
    viewer.layers.remove(effect)
    qtbot.waitUntil(lambda: codes not in viewer.layers)


def test_scripted_values_are_exact_and_bad_ones_change_nothing(viewer: Any) -> None:
    session, place = Session.of(viewer), np.diag([2.0, 2, 2, 1])
    values = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    dock = ViewDock(viewer)
    dock.tabs.setCurrentIndex(TABS.index("views"))
    viewer.window.add_dock_widget(dock)
    tab = dock.map
    layers = [session.add(Volume(values, place, "stat", name=name)) for name in ("first", "second")]
    assert tab.layer.value is layers[1], "a new map is the active layer"
    for p in (1.0, 0.05, 1e-10, 1e-30, 1e-280):
        tab.p.value = p
        assert tab.p.value == pytest.approx(p, rel=1e-9)
        assert tab.threshold.value == pytest.approx(stats.norm.isf(p / 2), rel=1e-9, abs=1e-12)
    tab.threshold.value = 1.23456789012345
    assert tab.threshold.value == 1.23456789012345
    tab.slider.value = 500
    assert tab.threshold.value == pytest.approx(tab.limit.value / 2)
    before = tab.display
    for control, value, why in (
        (tab.p, 0, "p, two-sided must be a number above 0 and at most 1; got 0"),
        (tab.threshold, -1, "Threshold must be a number from 0"),
        (tab.slider, 1001, "outside of the allowed range"),
        (tab.signs, "none", "not a valid choice"),
    ):
        with pytest.raises(ValueError, match=why):
            control.value = value
    with pytest.raises(InputError, match=r"Map must be one of the layers first, second; got 'third'\."):
        tab.layer.value = "third"
    assert tab.display is before
    tab.layer.value = "first"
    viewer.layers.remove(layers[0])
    assert tab.layer.value is layers[1]
