"""The Views tab in a window: clicks, typed coordinates and displayed values."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollBar,
    QToolButton,
    QWidget,
)

from napari_fmri_decoder._napari.view.coordinates import point_in
from napari_fmri_decoder._napari.view.dock import TABS, ViewDock
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame, apply_affine, rotation
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.array([[-3.0, 0, 0, 30], [0, 3, 0, -36], [0, 0, 3, -24], [0, 0, 0, 1]])
SHAPE = (21, 25, 18)


def anatomy() -> Volume:
    mm = apply_affine(AFFINE, np.moveaxis(np.indices(SHAPE), 0, -1))
    values = 60 + mm[..., 0] + 0.5 * mm[..., 1] + 0.3 * mm[..., 2]
    return Volume(values.astype(np.float32), AFFINE, "anatomy", name="anatomy")


class Counted:
    """Records which volumes are read."""

    def __init__(self, data: np.ndarray) -> None:
        self._data, self.read = data, set[int]()
        self.shape, self.ndim, self.dtype = data.shape, data.ndim, data.dtype

    def __getitem__(self, key: Any) -> np.ndarray:
        self.read |= {int(i) for i in np.atleast_1d(np.arange(self.shape[3])[key[-1]])}
        return self._data[key]


def maps() -> Volume:
    """Three oblique maps of 4 mm voxels, each with its own peaks."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=12, z=-8) @ np.diag([4.0, 4, 4])
    affine[:3, 3] = affine[:3, :3] @ [-6, -6, -5]
    data = np.random.default_rng(0).normal(size=(13, 13, 10, 3)).astype(np.float32)
    for i in range(3):
        data[3 + i, 7, 5, i] = -20 + i
        data[9, 2 + i, 4, i] = 10 + i
    return Volume(Counted(data), affine, "stat", names=("a", "b", "c"), name="maps")


def regions() -> Volume:
    labels = np.zeros(SHAPE, np.int32)
    labels[:10, 5:20, 4:14], labels[10:, 5:20, 4:14] = 3, 70  # voxel axis x points to the left
    return Volume(labels, AFFINE, "atlas", name="regions")


@pytest.fixture
def session(viewer: Any) -> Session:
    return Session.of(viewer)


@pytest.fixture
def tab(viewer: Any, session: Session, qtbot: Any) -> Any:
    session.add(anatomy())
    dock = ViewDock(viewer)
    dock.tabs.setCurrentIndex(TABS.index("views"))
    viewer.window.add_dock_widget(dock, area="right")
    qtbot.waitUntil(dock.views.isVisible)
    viewer.screenshot(flash=False)
    return dock.views


def on_canvas(viewer: Any, point: np.ndarray) -> np.ndarray:
    """Pixels of the canvas, from the left and from the top, of (x, y, z) frame mm; axial, neurological."""
    camera, (height, width) = viewer.scene.camera, viewer.canvas.size
    away = (np.asarray(point)[:2] - np.array(camera.center)[[2, 1]]) * camera.zoom
    return np.array([width / 2 + away[0], height / 2 - away[1]])


def mouse(viewer: Any, *pixels: np.ndarray, shift: bool = False) -> None:
    """Press at the first place, move through the others, release at the last."""
    canvas = viewer.window._qt_viewer.canvas.native
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    press, move, release = (
        getattr(QEvent.Type, f"Mouse{n}") for n in ("ButtonPress", "Move", "ButtonRelease")
    )
    for kind, place, button, held in (
        (press, pixels[0], left, left),
        *((move, place, none, left) for place in pixels[1:]),
        (release, pixels[-1], left, none),
    ):
        at = QPointF(*place)
        QApplication.sendEvent(canvas, QMouseEvent(kind, at, canvas.mapToGlobal(at), button, held, keys))
        QApplication.processEvents()
        time.sleep(0.012)  # vispy drops what moves faster


def test_mouse_slider_text_and_peak_move_the_crosshair(
    viewer: Any, session: Session, tab: Any, qtbot: Any, notified: list[Any]
):
    assert session.state.scene.point is not None  # it starts at the current slices
    start = np.array(session.state.scene.point)
    goal = np.array([12.0, -9.0, start[2]])

    mouse(viewer, on_canvas(viewer, goal))
    np.testing.assert_allclose(session.state.scene.point, goal, atol=0.5)
    assert tab.jump.boxes["x"].value == pytest.approx(12, abs=0.5)

    center = viewer.scene.camera.center
    mouse(viewer, *(on_canvas(viewer, p) for p in ([0, 0], [0, 9], [6, 12])), shift=True)
    np.testing.assert_allclose(session.state.scene.point[:2], [6, 12], atol=0.5)
    assert viewer.scene.camera.center == center
    before = session.state.scene.point
    mouse(viewer, *(on_canvas(viewer, p) for p in ([0, 0], [0, 9], [6, 12])))
    viewer.screenshot(flash=False)  # pans as usual
    assert session.state.scene.point == before
    assert viewer.scene.camera.center != center

    first = viewer.layers[0]
    labels = viewer.add_labels(np.zeros(SHAPE[::-1], np.uint8), affine=first.affine, units=first.units)
    labels.mode = "paint"
    mouse(viewer, on_canvas(viewer, [0, 0]))
    assert session.state.scene.point == before
    labels.mode = "pan_zoom"
    labels.visible = False

    viewer.dims.set_current_step(0, 4)
    np.testing.assert_allclose(session.state.scene.point, [*before[:2], viewer.dims.point[0]])
    np.testing.assert_allclose(session.state.scene.point[2], -24 + 4 * 3)

    tab.jump.boxes["y"].value = 21.5
    assert session.state.scene.point == (before[0], 21.5, -12.0)
    QApplication.clipboard().setText("(-3 , 6.5, \u22129) mm")
    tab.jump.paste.native.click()
    assert session.state.scene.point == (-3.0, 6.5, -9.0)
    np.testing.assert_allclose(viewer.dims.point, [-9, 6.5, -3], atol=1.5)  # whole steps
    tab.jump.copy.native.click()
    assert QApplication.clipboard().text() == "-3, 6.5, -9"
    QApplication.clipboard().setText("nowhere")
    tab.jump.paste.native.click()
    assert "three numbers" in notified[-1].message
    assert session.state.scene.point == (-3.0, 6.5, -9.0)

    view = tab.slices.views["coronal"]
    tab.slices.refresh()
    x, y = view.shown.to_pixels([15, 0, 12])
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    np.testing.assert_allclose(session.state.scene.point, [15, 6.5, 12], atol=1 / view.shown.zoom)
    before = np.array(session.state.scene.point)
    wheel(view, 120)
    np.testing.assert_allclose(session.state.scene.point, before + np.array([0, 3, 0]))
    wheel(view, -60)
    wheel(view, -60)
    np.testing.assert_allclose(session.state.scene.point, before)

    check_zoom_and_pan(tab, session)

    # The crosshair is reset when another scan is opened.
    session.update(point=(900.0, 0.0, 0.0))
    viewer.layers.clear()
    far = AFFINE.copy()
    far[:3, 3] += [500, -300, 200]
    session.add(Volume(np.ones(SHAPE, np.float32), far, "anatomy", name="another subject"))
    voxel = apply_affine(np.linalg.inv(far), session.state.scene.point)
    assert (np.abs(voxel - (np.array(SHAPE) - 1) / 2) <= 1).all()
    assert [box.value for box in tab.jump.boxes.values()] == pytest.approx(
        session.state.scene.point, abs=0.01
    )


def check_zoom_and_pan(tab: Any, session: Session) -> None:
    """Ctrl and wheel zooms all planes around the mouse; the right button pans them."""
    session.update(point=(6.0, 3.0, 0.0))
    tab.slices.refresh()
    views, point = tab.slices.views, np.array(session.state.scene.point)
    axial, fit = views["axial"], views["axial"].shown.zoom
    at = QPointF(axial.width() / 2 + 20, axial.height() / 2 - 10)
    under = axial.shown.to_point((at.x(), at.y()), point)
    for _ in range(4):
        wheel(axial, 120, at, Qt.KeyboardModifier.ControlModifier)
    tab.slices.refresh()
    np.testing.assert_allclose([view.shown.zoom for view in views.values()], fit * 1.2**4)
    np.testing.assert_allclose(axial.shown.to_point((at.x(), at.y()), point), under, atol=1e-6)
    assert session.state.scene.point == tuple(point)  # only the picture moved
    before = axial.shown.to_pixels(under)
    for kind, by in ((QEvent.Type.MouseButtonPress, QPointF()), (QEvent.Type.MouseMove, QPointF(7, -5))):
        button, keys = Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier
        place = at + by
        event = QMouseEvent(kind, place, QPointF(axial.mapToGlobal(place)), button, button, keys)
        (axial.mousePressEvent if by.isNull() else axial.mouseMoveEvent)(event)
    tab.slices.refresh()
    np.testing.assert_allclose(np.subtract(axial.shown.to_pixels(under), before), (7, -5), atol=1e-6)
    for a, b, axis in (("axial", "coronal", 0), ("axial", "sagittal", 1), ("coronal", "sagittal", 2)):
        assert views[a].shown.middle[axis] == pytest.approx(views[b].shown.middle[axis])
    session.update(point=(-27.0, -33.0, 24.0))  # outside of the zoomed part: it becomes visible
    tab.slices.refresh()
    for view in views.values():
        x, y = view.shown.to_pixels(session.state.scene.point)
        assert 0 <= x <= view.shown.size[0]
        assert 0 <= y <= view.shown.size[1]
    wheel(axial, -120 * 9, at, Qt.KeyboardModifier.ControlModifier)
    tab.slices.refresh()
    assert axial.shown.zoom == pytest.approx(fit)  # the whole brain again


def wheel(
    view: Any, angle: int, at: QPointF | None = None, keys: Any = Qt.KeyboardModifier.NoModifier
) -> None:
    middle, still = at or QPointF(view.rect().center()), Qt.ScrollPhase.NoScrollPhase
    there = view.mapToGlobal(middle)
    none = Qt.MouseButton.NoButton
    view.wheelEvent(QWheelEvent(middle, there, QPoint(), QPoint(0, angle), none, keys, still, False))


def test_slices_match_the_canvas_and_show_original_values(
    viewer: Any, session: Session, tab: Any, qtbot: Any
):
    layer = session.add(maps())
    atlas = session.add(regions())
    atlas.features = pd.DataFrame({"index": [0, 3, 70], "name": ["", "Right box", "Left box"]})
    layer.opacity = 0.8
    for frame in (Frame(np.eye(4)), Frame.from_angles(x=15)):
        session.update(frame=frame, point=(-9.0, 5.0, 4.0))
        compare(viewer, tab)
    data = session.volume(layer).data

    # The peak is that of the current map, and no other map is read.
    viewer.dims.set_point(0, 2)
    data.read.clear()
    viewer.layers.selection.active = layer
    tab.jump.to_peak()
    assert data.read <= {2}
    expected = apply_affine(session.volume(layer).affine, [5, 7, 5])
    np.testing.assert_allclose(session.state.scene.point, expected)
    tab.jump.fill_menu()
    texts = [action.text() for action in tab.jump.menu.actions()]
    assert texts[0].startswith("Maximum: 12 at")
    assert texts[1].startswith("Minimum: -18 at")
    tab.jump.menu.actions()[0].trigger()
    np.testing.assert_allclose(
        session.state.scene.point, apply_affine(session.volume(layer).affine, [9, 4, 4])
    )
    assert data.read <= {2}

    session.update(point=(-9.0, 3.0, 6.0))
    tab.show_values()
    voxel = np.linalg.inv(session.volume(layer).affine) @ [-9, 3, 6, 1]
    value = data[(*voxel[:3].round().astype(int), 2)]
    gray = anatomy().data[13, 13, 10]
    for line in ("regions: <b>Left box (70)", f"maps: <b>{value:.4g}", f"anatomy: <b>{gray:.4g}"):
        assert line in tab.values.text()
    session.update(point=(300.0, 0.0, 0.0))
    tab.show_values()
    assert "anatomy: <b>outside" in tab.values.text()


def compare(viewer: Any, tab: Any) -> None:
    """The colors of the dock's axial slice are those that napari draws, except at voxel borders."""
    tab.lines.value = False
    tab.planes["axial"].native.click()
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    tab.slices.refresh()
    view = tab.slices.views["axial"]
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-25, 25, (200, 2)), np.zeros(200)])
    at = [on_canvas(viewer, p) for p in points]
    there = np.array([picture[int(y), int(x)] for x, y in at])
    here = [view.shown.to_pixels(p) for p in points]
    ours = np.array([view.image[int(y), int(x), :3].astype(int) for x, y in here])
    assert np.ptp(there, axis=0).min() > 60
    away = np.abs(there - ours).max(axis=1)
    assert np.median(away) <= 3
    assert np.mean(away > 12) < 0.25


def test_planes_sides_and_3d_follow_napari(viewer: Any, session: Session, tab: Any, qtbot: Any):
    overlays = viewer.canvas.overlays

    def letters() -> str:
        texts = [overlays[f"_fmri_{edge}"] for edge in ("left", "right", "top", "bottom")]
        return "".join(text.text for text in texts if text.visible)

    pressed = lambda: [plane for plane, button in tab.planes.items() if button.value]  # noqa: E731
    assert (letters(), pressed()) == ("LRAP", ["axial"])
    session.update(radiological=True)
    assert tab.convention.value == "radiological"
    assert letters() == "RLAP"
    tab.planes["coronal"].native.click()
    assert (letters(), pressed()) == ("RLSI", ["coronal"])  # remembered
    tab.planes["sagittal"].native.click()
    assert (letters(), pressed()) == ("PASI", ["sagittal"])
    tab.convention.value = "neurological"
    tab.planes["axial"].native.click()
    for expected in (("PASI", ["sagittal"]), ("ISRL", []), ("LRAP", ["axial"])):
        viewer.dims.roll()
        assert (letters(), pressed()) == expected
    viewer.dims.ndisplay = 3
    assert (pressed(), tab.in_3d.value) == ([], True)
    assert set(letters()) <= set("LRAPSI"), "in 3-D the letters follow the camera"
    assert letters()
    tab.planes["coronal"].native.click()
    assert viewer.dims.ndisplay == 2
    assert (letters(), tab.in_3d.value) == ("LRSI", False)
    tab.in_3d.native.click()
    assert viewer.dims.ndisplay == 3
    tab.in_3d.value = False
    assert viewer.dims.ndisplay == 2

    # Rotation keeps the crosshair fixed on the canvas and in the scanner.
    tab.planes["axial"].native.click()
    session.update(point=(12.0, -9.0, 3.0))
    before = on_canvas(viewer, session.state.scene.frame.to_frame(session.state.scene.point))
    for angle in (5, 10, 15, 20):
        session.update(frame=Frame.from_angles(x=angle, z=angle))
    assert session.state.scene.point == (12.0, -9.0, 3.0)
    rotated = session.state.scene.frame.to_frame(session.state.scene.point)
    np.testing.assert_allclose(on_canvas(viewer, rotated), before, atol=0.01)
    np.testing.assert_allclose(viewer.dims.point[-3:], rotated[::-1], atol=1.5)
    assert "rotated by 28" in tab.rotation_note.text()
    assert not tab.rotation_note.isHidden()
    session.update(frame=Frame(np.eye(4)))
    assert tab.rotation_note.isHidden()

    tab.hide()
    session.update(point=(0.0, 0.0, 0.0))
    assert not tab.slices.timer.isActive()
    assert not tab.timer.isActive()

    # A dock that is removed leaves no callbacks behind.
    callbacks = len(viewer.mouse_drag_callbacks)
    dock = tab.window().findChild(QWidget, "view_dock")
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    qtbot.waitUntil(lambda: len(viewer.mouse_drag_callbacks) < callbacks)
    session.update(point=(3.0, 0.0, 0.0))
    viewer.screenshot(flash=False)
    assert letters() == "LRAP"


def test_every_control_of_the_dock_has_a_name_and_a_tooltip(viewer: Any, session: Session, tab: Any):
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox)
    dock = tab.window().findChild(QWidget, "view_dock")
    for widget in dock.findChildren(QWidget):
        inner = isinstance(widget, (QScrollBar, QToolButton)) or "qt_" in widget.objectName()
        if not isinstance(widget, kinds) or inner:
            continue
        around = (widget, widget.parentWidget())
        named = [w for w in around if w.objectName() and "magicgui" not in w.objectName()]
        assert named, f"{widget} in {widget.parentWidget()} has no name"
        assert widget.accessibleName(), named[0].objectName()
        assert any(w.toolTip() for w in around), named[0].objectName()


def test_a_script_sets_planes_sides_and_the_point(viewer: Any, session: Session, tab: Any):
    tab.look("sagittal")
    assert viewer.dims.not_displayed == (2,)
    tab.planes["coronal"].value = True
    assert viewer.dims.not_displayed == (1,)
    assert [plane for plane, button in tab.planes.items() if button.value] == ["coronal"]
    tab.planes["coronal"].value = False  # a plane is always shown
    assert tab.planes["coronal"].value
    tab.in_3d.value = True
    assert viewer.dims.ndisplay == 3
    tab.convention.value = "radiological"
    assert session.state.scene.radiological
    tab.jump.boxes["z"].value = -4.25
    assert session.state.scene.point[2] == -4.25
    with pytest.raises(ValueError, match="x must be a number from -10000 to 10000; got 'left'"):
        tab.jump.boxes["x"].value = "left"
    session.update(point=(123456.789, 0.125, -4.25))
    assert [box.value for box in tab.jump.boxes.values()] == [10000, 0.12, -4.25]
    tab.jump.boxes["y"].value = 2
    assert session.state.scene.point == (123456.789, 2, -4.25), "the others keep their digits"


def test_reads_points_from_text():
    assert point_in("-36, -22.5, 54") == (-36, -22.5, 54)
    assert point_in("[ 1e1\t+2 .5 ]") == (10, 2, 0.5)
    with pytest.raises(InputError, match="has 2"):
        point_in("1, 2")
