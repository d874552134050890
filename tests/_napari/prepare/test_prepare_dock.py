"""The Prepare dock, used as a user would: controls found by name, results checked by position."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hang import HANG_S
from nilearn.image import mean_img, resample_img
from nilearn.masking import compute_epi_mask
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QPushButton,
    QScrollBar,
    QToolButton,
    QWidget,
)

from napari_fmri_decoder._napari.layers import to_layer
from napari_fmri_decoder._napari.layers.lazy_arrays import LayerArray
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.prepare import slab as slab_view
from napari_fmri_decoder._napari.prepare import slab_drawing
from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder._napari.view.crosshair import Crosshair
from napari_fmri_decoder._napari.viewer.preparation import cut_slab, strategies
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.samples.masks import make_mask, mask_strategies
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import Frame, rotation
from napari_fmri_decoder.volumes.volume import Volume


def head(n: int = 12, tilt: Any = None) -> Volume:
    """An ellipsoid, brighter on the left, stored as LAS, 4 mm, with some noise over time."""
    rng = np.random.default_rng(0)
    shape = (24, 30, 22)
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if tilt is None else tilt) @ np.diag([-4.0, 4, 4])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) / 2)
    place = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    inside = ((place / [36, 46, 32]) ** 2).sum(axis=-1) < 1
    data = inside * (800 - place[..., 0] * 2)
    series = data[..., None] + inside[..., None] * rng.normal(0, 20, (*shape, n))
    return Volume(series.astype(np.float32), affine, "bold", 2.0, name="head")


class Hands:
    """Finds the controls of the dock by name, and waits for its jobs."""

    def __init__(self, dock: PrepareDock, qtbot: Any) -> None:
        self.dock, self.qtbot, self.session = dock, qtbot, dock.session

    def __call__(self, name: str) -> Any:
        found = self.dock.native.findChild(QWidget, name)
        assert found is not None, f"no control {name}"
        return found

    def press(self, name: str) -> None:
        button = self(name)
        assert button.isEnabled(), button.toolTip()
        button.click()
        self.wait()

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: self.dock.jobs.job is None)
        self.qtbot.wait(60)

    def until(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true)

    def names(self) -> list[str]:
        """Names of the layers, without outline and preview of the slab."""
        return [layer.name for layer in self.session.viewer.layers if HELPER not in layer.metadata]

    def layer(self, name: str) -> Any:
        return self.session.viewer.layers[name]


@pytest.fixture
def hands(viewer: Any, qtbot: Any) -> Hands:
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock, name="Prepare (napari-fmri-decoder)")
    return Hands(dock, qtbot)


def as_image(volume: Volume) -> Any:
    return nib.Nifti1Image(np.asarray(volume.data), volume.affine)


def test_every_control_has_a_name_and_a_tooltip(hands: Hands):
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QAbstractSlider)
    for strategy in strategies():
        hands.dock.mask.strategy.value = strategy
        for widget in hands.dock.native.findChildren(QWidget):
            inner = isinstance(widget, (QScrollBar, QToolButton)) or "qt_" in widget.objectName()
            if not isinstance(widget, kinds) or inner:
                continue
            around = (widget, widget.parentWidget(), widget.parentWidget().parentWidget())
            named = [w for w in around if w.objectName() and "magicgui" not in w.objectName()]
            assert named, f"{widget} in {widget.parentWidget()} has no name"
            assert any(w.toolTip() for w in around), named[0].objectName()


def test_without_a_series_buttons_are_disabled_with_a_reason(hands: Hands):
    for name in ("mean_series", "apply_mask", "paint_mask", "cut_slab", "mean_slab"):
        assert not hands(name).isEnabled()
        assert "Open a series" in hands(name).toolTip()
    assert "There is no step to undo" in hands("undo").toolTip()
    assert "Nothing is running" in hands("stop").toolTip()
    hands.session.add(head())
    assert all(hands(name).isEnabled() for name in ("mean_series", "apply_mask", "cut_slab"))
    assert hands.session.series.name == "head"
    assert (
        hands("series_about")
        .text()
        .startswith("12 volumes of 24 x 30 x 22 voxels, 4 x 4 x 4 mm, TR 2 s, LAS")
    )


def test_the_dock_fits_a_small_screen_and_scrolls(viewer: Any, hands: Hands, qtbot: Any):
    assert hands.dock.native.minimumSizeHint().width() <= 420
    assert viewer.window._qt_window.height() <= 768
    bar = hands("prepare_scroll").verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.wait(20)
    assert hands("undo").isVisible()
    place = hands("cut_slab").mapTo(hands.dock.native, hands("cut_slab").rect().bottomRight())
    assert 0 < place.y() < hands.dock.native.height()


def test_mean_of_the_series_is_nilearns(hands: Hands):
    series = head()
    hands.session.add(series)
    hands.press("mean_series")
    mean = hands.session.volume(hands.layer("head mean"))
    expected = mean_img(as_image(series), copy_header=True)
    np.testing.assert_allclose(mean.data, np.asarray(expected.dataobj), rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(mean.affine, series.affine)
    hands.press("undo")
    assert hands.names() == ["head"]


def test_epi_mask_is_nilearns_and_can_be_undone(hands: Hands):
    series = head()
    hands.session.add(series)
    hands.dock.mask.strategy.value = "epi"
    hands.dock.mask.opening.value = 1
    hands.press("apply_mask")
    expected = np.asarray(compute_epi_mask(as_image(series), opening=1).dataobj)
    mask = hands.session.state.preparation.mask
    np.testing.assert_array_equal(mask.data, expected)
    assert hands.session.state.preparation.mask_config.opening == 1
    assert hands("mask_about").text() == f"epi mask: {int(expected.sum()):,} voxels"
    np.testing.assert_array_equal(hands.layer("epi mask").data.sum(), expected.sum())
    hands.press("undo")
    assert hands.session.state.preparation.mask is None
    assert hands("mask_about").text() == ""
    assert hands.names() == ["head"]


def test_a_second_mask_replaces_the_first_until_undo(hands: Hands):
    hands.session.add(head())
    hands.dock.mask.strategy.value = "threshold"
    hands.dock.mask.above.value = 100
    hands.press("apply_mask")
    first = hands.session.state.preparation.mask
    hands.dock.mask.above.value = 800
    hands.press("apply_mask")
    assert [layer.visible for layer in hands.session.viewer.layers] == [True, False, True]
    assert hands.session.state.preparation.mask.at(0).sum() < first.at(0).sum()
    hands.press("undo")
    assert hands.session.state.preparation.mask is first
    assert [layer.visible for layer in hands.session.viewer.layers] == [True, True]


def test_an_empty_mask_is_one_notification_and_keeps_the_current_mask(hands: Hands, notified: list[Any]):
    hands.session.add(head())
    hands.dock.mask.strategy.value = "threshold"
    hands.press("apply_mask")
    before = hands.session.state.preparation.mask
    hands.dock.mask.above.value = 1e6
    hands.press("apply_mask")
    assert len(notified) == 1
    assert "at least one voxel" in notified[0].message
    assert hands.session.state.preparation.mask is before
    assert hands("apply_mask").isEnabled()


def test_a_mask_on_another_grid_is_resampled_with_a_note(hands: Hands, notified: list[Any]):
    hands.session.add(head())
    fine = np.zeros((60, 60, 60), np.uint8)
    fine[20:40, 20:40, 20:40] = 1
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = -60
    hands.session.add(Volume(fine, affine, "mask", name="fine mask"))
    hands.dock.mask.strategy.value = "layer"
    hands.dock.mask.layer.value = "fine mask"
    hands.press("apply_mask")
    assert "resampled" in notified[-1].message
    mask = hands.session.state.preparation.mask
    assert mask.shape == (24, 30, 22)
    inside = nib.affines.apply_affine(mask.affine, np.argwhere(mask.at(0)))
    assert inside.min() > -22
    assert inside.max() < 20


def test_a_mask_can_be_painted_during_a_rotation(viewer: Any, hands: Hands):
    series = head()
    hands.session.add(series)
    hands.dock.rotation.rotate_x.value = 30
    hands.until(lambda: not hands.session.state.scene.frame.is_identity)
    hands.press("paint_mask")
    layer = viewer.layers.selection.active
    assert layer.mode == "paint"
    assert isinstance(layer.data, np.ndarray)
    scanner_mm = np.array([10.0, 12.0, -8.0])
    frame = hands.session.state.scene.frame
    at = np.asarray(layer.world_to_data(frame.to_frame(scanner_mm)[::-1]))
    viewer.dims.point = (0.0, *frame.to_frame(scanner_mm)[::-1])
    layer.paint(tuple(at), 1)
    layer._commit_staged_history()
    hands.press("apply_mask")
    mask = hands.session.state.preparation.mask
    assert mask.grid.same_as(series.grid)
    inside = nib.affines.apply_affine(mask.affine, np.argwhere(mask.at(0)))
    np.testing.assert_allclose(inside.mean(axis=0), scanner_mm, atol=3)
    hands.press("undo")
    layer.mode = "paint"
    hands.press("undo")
    assert hands.names() == ["head"]


def test_sliders_rotate_live_and_undo_restores_the_angles(viewer: Any, hands: Hands):
    layer = hands.session.add(head())
    hands.dock.rotation.rotate_x.value = 20.0
    hands.until(lambda: isinstance(layer.data, LayerArray))
    assert hands.dock.rotation.rotate_x.value == 20.0
    for value in (210, 220, 230):
        hands.dock.rotation.rotate_x.value = value / 10
        hands.until(lambda v=value: hands.session.state.scene.angles[0] == v / 10)
    expected = Frame.from_angles(x=23).matrix
    np.testing.assert_allclose(hands.session.state.scene.frame.matrix, expected, atol=1e-9)
    assert len(hands.session.steps) == 1
    hands.dock.rotation.show_rotated.value = False
    assert hands.session.state.scene.frame.is_identity
    assert hands.dock.rotation.rotate_x.value == 23.0
    hands.dock.rotation.show_rotated.value = True
    np.testing.assert_allclose(hands.session.state.scene.frame.matrix, expected, atol=1e-9)
    hands.press("undo")
    assert hands.dock.rotation.rotate_x.value == 0
    assert hands.session.state.scene.frame.is_identity
    assert isinstance(layer.data, np.ndarray)


def test_reset_undoes_the_rotation(hands: Hands):
    hands.session.add(head())
    hands.dock.rotation.rotate_y.value = 15
    hands.until(lambda: not hands.session.state.scene.frame.is_identity)
    hands.press("reset_rotation")
    assert hands.session.state.scene.frame.is_identity
    assert hands.dock.rotation.rotate_y.value == 0
    assert "No rotation" in hands("reset_rotation").toolTip()


def cut(hands: Hands, **controls: Any) -> Any:
    hands.dock.rotation.rotate_x.value = controls.pop("rotate_x", 20.05)
    hands.dock.slab.update({"start": 8, "stop": 11, "interpolation": "linear", **controls})
    hands.press("cut_slab")
    return hands.layer("head slab")


def test_the_cut_slab_is_nilearns_at_the_same_position(hands: Hands):
    series = head()
    hands.session.add(series)
    layer = cut(hands, crop=False, grid="nilearn")
    slab = hands.session.volume(layer)
    rotated = np.eye(4)
    rotated[:3, :3] = rotation(x=20.05)
    # as in the notebook: the header is rotated, and the image resampled to its original axes
    moved = nib.Nifti1Image(np.asarray(series.data), rotated @ series.affine)
    expected = resample_img(
        moved,
        target_affine=series.affine,
        target_shape=(*slab.shape[:2], 30),
        interpolation="linear",
        force_resample=True,
        copy_header=True,
    )
    np.testing.assert_allclose(slab.data, np.asarray(expected.dataobj)[:, :, 8:11], atol=0.5)
    # straight in the viewer, with original voxels; oblique in scanner space
    assert np.shares_memory(layer.data, slab.data)
    state = hands.session.state
    np.testing.assert_allclose(state.preparation.slab_placement.scanner.affine, slab.affine, atol=1e-9)
    np.testing.assert_allclose(state.scene.frame.matrix, rotated, atol=1e-9)
    middle = state.scene.frame.to_frame(slab.grid.corners).mean(axis=0)
    assert hands.session.viewer.dims.point[1] == pytest.approx(middle[2], abs=2.1)
    assert state.preparation.slab_layer is layer
    assert layer.axis_labels[0] == "time"
    assert state.preparation.slab.start == 8


def test_training_uses_the_voxels_of_the_shown_slab(hands: Hands):
    series = head()
    hands.session.add(series)
    hands.dock.mask.strategy.value = "epi"
    hands.press("apply_mask")
    cut(hands)
    preparation = hands.session.state.preparation
    config = SlabConfig(rotate_x=20.05, start=8, stop=11, interpolation="linear")
    assert config.placed(series, preparation.mask).scanner.same_as(preparation.slab_placement.scanner)


@pytest.mark.parametrize("turn", [0.0, 15.0])
def test_the_slab_of_an_oblique_acquisition_is_straight_too(hands: Hands, turn: float):
    hands.session.add(head(tilt=rotation(x=10, z=5)))
    layer = cut(hands, rotate_x=turn)
    assert np.shares_memory(layer.data, hands.session.volume(layer).data)
    if turn == 0:  # its planes are the acquired ones, not interpolated
        assert set(np.unique(hands.session.volume(layer).data)) <= set(
            np.unique(head(tilt=rotation(x=10, z=5)).data)
        )
    cut_in = hands.session.state.scene.frame.matrix
    hands.dock.rotation.show_rotated.value = False
    assert hands.session.state.scene.frame.is_identity
    assert isinstance(layer.data, LayerArray)
    hands.dock.rotation.show_rotated.value = True  # the preview is the same slab
    np.testing.assert_allclose(hands.session.state.scene.frame.matrix, cut_in, atol=1e-9)


def test_the_slab_is_shown_over_the_anatomy_and_undo_shows_the_series_again(viewer: Any, hands: Hands):
    anatomy = hands.session.add(Volume(head().at(0), head().affine, "anatomy", name="T1"))
    series = hands.session.add(head())
    assert hands.dock.anatomy.value.name == "T1"
    cut(hands)
    assert anatomy.visible
    assert not series.visible
    hands.press("undo")
    assert series.visible
    assert hands.names() == ["T1", "head"]
    assert hands.session.state.preparation.slab is None
    assert hands.session.state.scene.angles == (20.05, 0, 0)


def test_a_rotation_is_a_step_before_a_cut_right_after_it(hands: Hands):
    hands.session.add(head())
    hands.dock.rotation.rotate_x.value = 20
    hands("cut_slab").click()  # before the pending rotation is applied
    hands.wait()
    hands.qtbot.wait(100)
    assert [step.name for step in hands.session.steps] == ["rotation", "slab"]
    hands.press("undo")
    hands.dock.rotation.rotate_x.value = 25
    hands("undo").click()  # the pending rotation is undone first
    assert hands.session.steps == []
    assert hands.session.state.scene.angles == (0, 0, 0)


def test_mean_of_the_slab_is_shown_over_the_mean_of_the_series(hands: Hands):
    series = head()
    hands.session.add(series)
    hands.dock.rotation.rotate_x.value = 20.05
    hands.dock.slab.update({"start": 8, "stop": 11})
    hands.press("mean_slab")
    assert hands.names() == ["head", "head mean", "head slab mean"]
    mean, slab = (hands.session.volume(hands.layer(n)) for n in ("head mean", "head slab mean"))
    made = cut_slab(series, SlabConfig(rotate_x=20.05, start=8, stop=11), None, mean)
    np.testing.assert_allclose(slab.data, np.asarray(made.slab.data).mean(axis=-1), rtol=1e-4, atol=1e-2)
    np.testing.assert_array_equal(mean.affine, series.affine)
    assert hands.layer("head slab mean").ndim == 3


@pytest.mark.parametrize(("start", "stop"), [(11, 8), (8, 8), (200, 300)])
def test_a_slab_outside_of_the_volume_is_one_notification(
    hands: Hands, notified: list[Any], start: int, stop: int
):
    hands.session.add(head())
    hands.dock.slab.update({"start": start, "stop": stop})
    hands.press("cut_slab")
    assert len(notified) == 1
    assert "A slab must be within" in notified[0].message
    assert hands.names() == ["head"]


def test_the_slab_is_previewed_live_with_outline_and_mean(viewer: Any, hands: Hands):
    hands.session.add(head())
    assert not hands.dock.slab.planes.enabled
    hands.dock.rotation.rotate_x.value = 20
    hands.until(lambda: "slab outline" in viewer.layers and hands.dock.slab.planes.enabled)
    hands.dock.slab.planes.value = (5, 7)  # as dragging does
    assert hands.dock.slab.config().start == 5
    hands.until(lambda: "2 of " in hands("slab_about").text())
    outline, filling = hands.layer("slab outline"), hands.layer("slab preview")
    assert not {"slab outline", "slab preview"} & {
        layer.name for box in (hands.dock.mask.layer, hands.dock.anatomy) for layer in box.choices if layer
    }
    mean = mean_img(as_image(head()), copy_header=True)

    def slab(start: int) -> tuple[Any, Any]:
        grid = SlabConfig(rotate_x=20, start=start, stop=start + 2).placed(head(), None).scanner
        inside = resample_img(
            mean, grid.affine, grid.shape, "linear", force_resample=True, copy_header=True
        ).get_fdata()
        return grid.corners.mean(axis=0), inside

    def drawn() -> Any:
        box = hands.session.volume(outline)
        return nib.affines.apply_affine(box.affine, np.argwhere(box.at(0))).mean(axis=0)

    hands.until(lambda: np.allclose(drawn(), slab(5)[0], atol=1e-6))
    np.testing.assert_allclose(hands.session.volume(filling).at(0), slab(5)[1], atol=0.5)
    drawings = []
    outline.events.set_data.connect(lambda *_: drawings.append(hands.dock.slab.planes.value))
    for start in range(6, 12):
        hands.dock.slab.planes.value = (start, start + 2)
        hands.qtbot.wait(60)
    assert len(drawings) >= 3  # during the change, not only at the end
    center, inside = slab(11)
    hands.until(lambda: np.allclose(drawn(), center, atol=1e-6))
    np.testing.assert_allclose(hands.session.volume(filling).at(0), inside, atol=0.5)
    shown = hands.session.state.scene.frame.to_frame(center)[2]
    assert viewer.dims.point[1] == pytest.approx(shown, abs=2.1)
    hands.dock.slab.live_preview.value = False
    assert not outline.visible
    assert not filling.visible
    hands.dock.slab.live_preview.value = True
    hands.until(lambda: outline.visible)
    hands.press("cut_slab")
    assert not outline.visible
    hands.dock.slab.planes.value = (5, 7)
    hands.until(lambda: outline.visible)
    for name in ("head slab", "head"):
        viewer.layers.remove(hands.layer(name))
    hands.until(lambda: not outline.visible and not filling.visible)


def test_a_step_of_a_slider_is_computed_and_sliced_once(
    viewer: Any, hands: Hands, monkeypatch: pytest.MonkeyPatch
):
    series = hands.session.add(head())
    cross = Crosshair(hands.dock)
    hands.session.add(Volume((head().at(0) > 0).astype(np.uint8), head().affine, "mask", name="tissue"))
    hands.dock.rotation.rotate_x.value = 20
    hands.until(lambda: "slab outline" in viewer.layers)
    hands.qtbot.wait(200)  # no pending changes
    happened: list[str] = []
    for name in ("place_slab", "slab_preview", "slab_outline"):
        module = slab_view if name == "place_slab" else slab_drawing
        true = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, name=name, true=true: happened.append(name) or true(*args)
        )
    for layer in viewer.layers:
        layer.events.set_data.connect(lambda event: happened.append(event.source.name))
    once = sorted(["place_slab", "slab_preview", "slab_outline", *(layer.name for layer in viewer.layers)])

    def step(widget: Any, value: Any) -> list[str]:
        happened.clear()
        widget.value = value
        hands.qtbot.wait(250)
        return sorted(happened)

    assert step(hands.dock.rotation.rotate_x, 27.0) == once
    low = int(hands.dock.slab.planes.value[0])
    assert step(hands.dock.slab.planes, (low + 4, low + 7)) == once
    for shown in (viewer.dims.point[1], cross.point()[2]):  # slices and crosshair follow the slab
        assert shown == pytest.approx(shown_middle(hands), abs=2.1)
    series.visible = False
    assert step(hands.dock.rotation.rotate_x, 30.0) == sorted({*once} - {series.name})
    hands.dock.slab.live_preview.value = False
    assert step(hands.dock.rotation.rotate_x, 31.0) == ["place_slab", "tissue"]
    monkeypatch.setattr(to_layer, "LIVE_VOXELS", 10)
    hands.dock.rotation.rotate_x.value = 32.0
    assert isinstance(hands.layer("tissue").data, LayerArray)  # large: resampled in slices during a rotation
    hands.until(lambda: isinstance(hands.layer("tissue").data, np.ndarray))  # and completely afterwards


def shown_middle(hands: Hands) -> float:
    """Center of the drawn slab along z, frame millimeters."""
    box = hands.session.volume(hands.layer("slab outline"))
    corners = hands.session.state.scene.frame.to_frame(box.grid.corners)
    return float(corners.mean(axis=0)[2])


def test_stop_ends_cutting_after_the_current_volume_and_changes_nothing(
    viewer: Any, hands: Hands, qtbot: Any
):
    reads: list[Any] = []
    may_read = threading.Semaphore(3)

    class Slow:
        """A series of which the thread can read a limited number of volumes."""

        data = np.asarray(head(60).data)
        shape, ndim, dtype = data.shape, 4, data.dtype

        def __getitem__(self, key: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                may_read.acquire(timeout=HANG_S)
                reads.append(key)
            return self.data[key]

    series = head(60)
    hands.session.add(Volume(Slow(), series.affine, "bold", 2.0, name="slow"))
    hands("cut_slab").click()
    assert "is running" in hands("cut_slab").toolTip()
    qtbot.waitUntil(lambda: len(reads) == 3)
    hands("stop").click()
    may_read.release(1000)
    hands.until(lambda: hands.dock.jobs.job is None)
    assert len(reads) <= 4, "the current volume is the last"
    assert hands.names() == ["slow"]
    assert hands("cut_slab").isEnabled()
    assert hands.session.steps == []


def test_a_series_on_another_grid_removes_the_slab(hands: Hands):
    hands.session.add(head())
    cut(hands)
    other = head(tilt=rotation(x=3))
    hands.session.add(Volume(other.data, other.affine, "bold", 2.0, name="other"))
    hands.dock.series.value = "other"
    assert hands.session.series.name == "other"
    assert hands.session.state.preparation.slab is None
    assert hands.session.state.preparation.slab_placement is None


def test_a_series_of_another_plugin_is_used_at_its_position(viewer: Any, hands: Hands):
    series = head()
    layer = viewer.add_image(np.asarray(series.data).T[:, :, :, ::-1], scale=(2, 4, 4, 4), name="other")
    assert hands.session.series.name == "other"
    assert hands.session.series.grid.shape == (24, 30, 22)
    hands.dock.rotation.rotate_x.value = 20
    hands.until(lambda: isinstance(layer.data, LayerArray))  # it is rotated, too
    hands.press("mean_series")
    np.testing.assert_allclose(
        hands.session.volume(hands.layer("other mean")).data,
        np.asarray(series.data).mean(axis=-1)[::-1],
        rtol=1e-4,
        atol=1e-2,
    )


def test_after_removing_the_series_the_next_one_is_chosen(viewer: Any, hands: Hands):
    layer = hands.session.add(head())
    viewer.layers.remove(layer)
    assert hands.session.series is None
    assert not hands("cut_slab").isEnabled()
    hands.session.add(head(5))
    assert hands.session.series.n_volumes == 5


def test_the_cursor_is_shown_in_scanner_millimeters(viewer: Any, hands: Hands):
    hands.session.add(head())
    hands.press("view_coronal")
    assert viewer.dims.order[-3:] == (2, 1, 3)
    hands.dock.look.radiological.value = True
    assert str(viewer.scene.camera.orientation[2]) == "left"
    hands.dock.rotation.rotate_z.value = 90
    hands.until(lambda: not hands.session.state.scene.frame.is_identity)
    # 90 degrees about z: anterior is now on the left
    viewer.cursor.position = (0.0, 5.0, 0.0, -30.0)
    assert hands("cursor").text() == "R 0.0  A 30.0  S 5.0 mm"


def test_masks_are_combined_and_reproduced_by_their_config(hands: Hands, tmp_path: Any):
    hands.session.add(head())
    assert not hands.dock.mask.how.visible
    hands.dock.mask.strategy.value = "threshold"
    hands.dock.mask.above.value = 500.0
    hands.press("apply_mask")
    bright = hands.session.state.preparation.mask.at(0) > 0
    hands.dock.mask.above.value = 810.0
    assert hands.dock.mask.how.visible
    hands.dock.mask.how.value = "minus"
    hands.press("apply_mask")
    mean = mean_img(as_image(head()), copy_header=True).get_fdata()
    expected = bright & ~(mean > 810)
    np.testing.assert_array_equal(hands.session.state.preparation.mask.at(0) > 0, expected)
    again, _ = make_mask(hands.session.state.preparation.mask_config, head(), tmp_path)
    np.testing.assert_array_equal(again.at(0) > 0, expected)
    hands.press("undo")
    np.testing.assert_array_equal(hands.session.state.preparation.mask.at(0) > 0, bright)


def test_regions_are_picked_from_an_atlas_layer_by_name(viewer: Any, hands: Hands):
    series = head()
    hands.session.add(series)
    areas = np.zeros(series.grid.shape, np.int16)
    areas[6:10, 10:20, 8:14], areas[14:18, 10:20, 8:14] = 3, 8
    names = {3: "Left V1", 8: "Right V1"}
    atlas = Volume(areas, series.affine, "atlas", name="areas", regions=names)
    layer = hands.session.add(atlas)
    hands.dock.mask.strategy.value = "layer"
    hands.dock.mask.layer.value = "areas"
    listed = [hands("regions").item(row).text() for row in range(hands("regions").count())]
    assert listed == ["3  Left V1", "8  Right V1"]
    hands.dock.mask.regions.search.value = "right"
    assert [hands("regions").item(row).isHidden() for row in range(2)] == [True, False]
    hands.dock.mask.regions.value = (8,)
    hands.press("apply_mask")
    np.testing.assert_array_equal(hands.session.state.preparation.mask.at(0) > 0, areas == 8)
    assert layer.visible


def test_every_strategy_can_be_chosen(hands: Hands):
    names = set(hands.dock.mask.strategy.choices)
    assert names == {*mask_strategies, "layer"} - {"combine"}  # the box below combines masks


def test_the_dock_opens_from_the_menu(viewer: Any, npe2pm: Any, qtbot: Any):
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("napari-fmri-decoder"))
    dock, widget = viewer.window.add_plugin_dock_widget("napari-fmri-decoder", "Prepare")
    assert isinstance(widget, PrepareDock)
    assert widget.session is Session.of(viewer)
    qtbot.waitUntil(lambda: widget.native.findChild(QPushButton, "undo").isVisible())
    dock.close()


def test_closing_the_dock_does_not_change_the_session(viewer: Any, qtbot: Any):
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock, name="Prepare")
    session = dock.session
    session.add(head())
    viewer.window.remove_dock_widget(dock.native)
    dock.native.deleteLater()
    qtbot.wait(50)
    session.add(head(3))
    session.update(frame=Frame.from_angles(x=5))
    viewer.cursor.position = (0.0, 1.0, 2.0, 3.0)
