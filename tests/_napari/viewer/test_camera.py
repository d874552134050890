"""Positions on the screen in every plane and every frame; layers and steps of the session."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_fmri_decoder._napari.layers import to_layer
from napari_fmri_decoder._napari.layers.lazy_arrays import LayerArray
from napari_fmri_decoder._napari.viewer.camera import brain_layers, look_from_the_left, plane_of, set_plane
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame, rotation
from napari_fmri_decoder.volumes.slabs import Slab, cut
from napari_fmri_decoder.volumes.volume import Volume

BLOB = np.array([14.0, 22.0, 10.0])  # mm: right, anterior, superior
# How right, anterior and superior run on the screen: (axis to the right, sign), (axis up, sign).
ON_SCREEN = {
    ("axial", False): ((0, 1), (1, 1)),
    ("coronal", False): ((0, 1), (2, 1)),
    ("sagittal", False): ((1, 1), (2, 1)),
    ("axial", True): ((0, -1), (1, 1)),
    ("coronal", True): ((0, -1), (2, 1)),
    ("sagittal", True): ((1, 1), (2, 1)),
}


def head(blob: np.ndarray = BLOB, tilt: np.ndarray | None = None, n: int | None = None) -> Volume:
    """A gray box, 60 mm wide, stored as LSA, with one bright blob at scanner millimeters."""
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if tilt is None else tilt) @ [[-2.0, 0, 0], [0, 0, 2], [0, 2, 0]]
    affine[:3, 3] = -affine[:3, :3] @ [15, 15, 15]
    data = np.full((31, 31, 31), 20, np.float32)
    voxel = (np.linalg.inv(affine) @ [*blob, 1])[:3].round().astype(int)
    data[tuple(slice(v - 1, v + 2) for v in voxel)] = 100
    if n is None:
        return Volume(data, affine, "anatomy", name="head")
    return Volume(np.stack([data] * n, axis=-1), affine, "bold", 2.0, name="series")


def bright_spot(viewer: Any) -> np.ndarray:
    """Position of the brightest pixels on the canvas: to the right of its center, and above it."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].sum(axis=-1).astype(float)
    row, column = np.argwhere(picture > 0.8 * picture.max()).mean(axis=0)
    height, width = picture.shape
    return np.array([column - (width - 1) / 2, (height - 1) / 2 - row])


@pytest.fixture
def session(viewer: Any) -> Session:
    return Session.of(viewer)


def test_a_blob_is_at_its_anatomical_position_on_the_screen(viewer: Any, session: Session):
    session.add(head(), contrast_limits=(0, 100))
    camera = viewer.scene.camera
    for (plane, radiological), axes in ON_SCREEN.items():
        set_plane(viewer, plane, radiological=radiological)
        viewer.dims.point = tuple(BLOB[::-1])
        assert plane_of(viewer) == plane
        center = dict(zip(viewer.dims.displayed, camera.center[-2:], strict=True))
        expected = [sign * (BLOB[axis] - center[2 - axis]) * camera.zoom for axis, sign in axes]
        np.testing.assert_allclose(bright_spot(viewer), expected, atol=2 * camera.zoom)


def test_scans_opened_before_the_plugin_are_set_upright(viewer: Any):
    from napari_fmri_decoder._napari.layers.to_layer import to_layer

    for volume in (head(), head(n=3)):
        data, meta, _ = to_layer(volume)
        viewer.add_image(data, **meta)
    session = Session.of(viewer)
    assert tuple(str(o) for o in viewer.scene.camera.orientation) == ("towards", "up", "right")
    session.update(frame=Frame.from_angles(x=10))
    assert all(isinstance(layer.data, LayerArray) for layer in viewer.layers)


def test_in_3d_the_head_is_upright_and_not_mirrored(viewer: Any, session: Session):
    """Seen from the left, front and above, after any plane in 2-D."""
    session.add(head(), contrast_limits=(0, 100))
    camera = viewer.scene.camera
    for first, (plane, radiological) in enumerate(ON_SCREEN):
        viewer.dims.ndisplay = 2
        set_plane(viewer, plane, radiological=radiological)
        viewer.dims.ndisplay = 3
        if first > 0:  # done automatically the first time
            look_from_the_left(viewer)
        zyx = np.argsort(viewer.dims.displayed)
        view, up = (np.array(v)[zyx][::-1] for v in (camera.view_direction, camera.up_direction))
        assert view[0] > 0
        assert view[1] < 0
        assert view[2] < 0
        assert up[2] > 0.9
        to_the_right = np.cross(view, up)  # in a right-handed space of x, y, z
        expected = np.array([to_the_right @ BLOB, up @ BLOB]) * camera.zoom
        np.testing.assert_allclose(bright_spot(viewer), expected, atol=6 * camera.zoom)


def test_oblique_and_straight_scans_of_one_head_agree_on_the_screen(viewer: Any, session: Session):
    session.add(head(), contrast_limits=(0, 100))
    viewer.dims.point = tuple(BLOB[::-1])
    straight = bright_spot(viewer)
    viewer.layers[0].visible = False
    session.add(head(tilt=rotation(x=15, z=-10)), contrast_limits=(0, 100))
    viewer.dims.point = tuple(BLOB[::-1])
    np.testing.assert_allclose(bright_spot(viewer), straight, atol=2.5 * viewer.scene.camera.zoom)


def test_rotating_the_frame_rotates_all_layers(viewer: Any, session: Session):
    anatomy, series = session.add(head()), session.add(head(n=3), contrast_limits=(0, 100))
    anatomy.contrast_limits = (5, 90)
    viewer.dims.point = (0.0, *BLOB[::-1])
    viewer.scene.camera.center = (0.0, *BLOB[1::-1])
    frame = Frame.from_angles(x=25, z=40)
    session.update(frame=frame)
    assert all(isinstance(layer.data, LayerArray) for layer in (anatomy, series))
    rotated = frame.to_frame(BLOB)
    for layer in (anatomy, series):
        assert layer.get_value((0.0, *rotated[::-1])[-layer.ndim :], world=True) > 80
    assert anatomy.contrast_limits == [5, 90]
    # the bright center of the view keeps its position
    np.testing.assert_allclose(viewer.dims.point[1:], rotated[::-1], atol=1.01)
    np.testing.assert_allclose(bright_spot(viewer), 0, atol=2 * viewer.scene.camera.zoom)
    session.update(frame=Frame(np.eye(4)))
    assert anatomy.get_value(tuple(BLOB[::-1]), world=True) == 100
    np.testing.assert_allclose(viewer.dims.point[1:], BLOB[::-1], atol=1.01)


def test_dragging_a_rotation_back_and_forth_keeps_the_center_of_the_view(viewer: Any, session: Session):
    session.add(head(), contrast_limits=(0, 100))
    viewer.dims.point = tuple(BLOB[::-1])
    viewer.scene.camera.center = (0.0, *BLOB[1::-1])
    for angle in (*range(0, 40, 3), *range(40, -1, -3)):
        session.update(frame=Frame.from_angles(x=angle, y=angle / 2))
    session.update(frame=Frame(np.eye(4)))
    np.testing.assert_allclose(bright_spot(viewer), 0, atol=viewer.scene.camera.zoom)


def test_a_rotation_resamples_only_visible_slices(
    viewer: Any, session: Session, monkeypatch: pytest.MonkeyPatch
):
    from napari_fmri_decoder.volumes.resample import LazyResampled

    session.add(head())
    session.add(head(n=3))
    computed: list[int] = []
    piece = LazyResampled._piece

    def counted(self: Any, volume: Any, boxes: Any) -> Any:
        computed.append(int(np.prod([len(b) for b in boxes])))
        return piece(self, volume, boxes)

    monkeypatch.setattr(LazyResampled, "_piece", counted)
    session.update(frame=Frame.from_angles(x=20))
    assert sum(computed) < 10 * 60 * 60


def test_visible_labels_are_resampled_and_can_be_painted(
    viewer: Any, session: Session, monkeypatch: pytest.MonkeyPatch
):
    tissue = Volume((head().data > 50).astype(np.uint8), head().affine, "mask", name="blob")
    session.add(head())
    hidden, large = session.add(tissue), session.add(tissue)
    hidden.visible = False
    unrotated = np.asarray(session.add(tissue).data)

    def read(layer: Any) -> Any:
        positions = [layer.data_to_world(voxel)[::-1] for voxel in np.argwhere(np.asarray(layer.data))]
        return session.state.scene.frame.to_scanner(np.mean(positions, axis=0))

    assert unrotated.any()
    session.update(frame=Frame.from_angles(x=20))
    assert isinstance(hidden.data, LayerArray)
    np.testing.assert_allclose(read(hidden), BLOB, atol=1)
    assert isinstance(large.data, np.ndarray)
    hidden.visible = True
    np.testing.assert_allclose(read(hidden), BLOB, atol=1)
    assert isinstance(hidden.data, np.ndarray)
    monkeypatch.setattr(to_layer, "LIVE_VOXELS", 10)
    session.update(frame=Frame.from_angles(x=25, z=10))
    for layer in (hidden, large):
        assert isinstance(layer.data, LayerArray)
        lazy = np.asarray(layer.data)
        layer.mode = "paint"
        assert isinstance(layer.data, np.ndarray)
        np.testing.assert_array_equal(layer.data, lazy)
    session.update(frame=Frame.from_angles(x=30))
    assert isinstance(large.data, np.ndarray)  # is being painted
    large.mode = "pan_zoom"
    session.update(frame=Frame.from_angles(x=35))
    session.materialize_labels()
    assert isinstance(large.data, np.ndarray)
    np.testing.assert_allclose(read(large), BLOB, atol=1)
    session.update(frame=Frame(np.eye(4)))
    assert np.shares_memory(large.data, tissue.data)


def test_a_slab_is_straight_in_its_frame_and_oblique_in_scanner_space(viewer: Any, session: Session):
    series = head(n=3)
    session.add(head())
    slab, where = cut(series, Slab(rotate_x=20, axis="y", start=14, stop=17, crop=False))
    layer = session.add(slab)
    assert isinstance(layer.data, LayerArray)
    session.update(frame=where.screen)
    assert np.shares_memory(layer.data, slab.data)
    np.testing.assert_array_equal(np.sort(layer.data.shape), np.sort(slab.shape))
    corner = where.screen.to_frame(slab.grid.corners)
    world = layer.extent.world[:, 1:][:, ::-1]
    np.testing.assert_allclose(world, [corner.min(axis=0), corner.max(axis=0)], atol=1e-6)


def test_different_first_axes_are_refused_with_both_names(viewer: Any, session: Session):
    session.add(head(n=3))
    maps = Volume(np.zeros((3, 3, 3, 5), np.float32), np.eye(4), "stat", name="my maps")
    with pytest.raises(InputError, match=r"'my maps' counts volumes .* and 'series' counts seconds"):
        session.add(maps)
    assert [layer.name for layer in viewer.layers] == ["series"]


def test_layers_added_by_others_with_another_first_axis_give_a_warning(
    viewer: Any, session: Session, notified: list[Any]
):
    from napari_fmri_decoder._napari.layers.to_layer import to_layer

    session.add(head(n=3))
    data, meta, _ = to_layer(Volume(np.zeros((3, 3, 3, 5), np.float32), np.eye(4), "stat", name="my maps"))
    viewer.add_image(data, **meta)
    assert "one slider moves both" in notified[-1].message


def test_new_labels_of_napari_in_a_rotated_frame_rotate_with_it(viewer: Any, session: Session):
    session.add(head())
    frame = Frame.from_angles(x=30)
    session.update(frame=frame)
    viewer._new_labels()
    drawn = viewer.layers[-1]
    drawn.selected_label = 1
    drawn.brush_size = 3
    at = tuple(np.array(drawn.data.shape) // 2 + [3, 4, 5])
    mm = frame.to_scanner(np.asarray(drawn.data_to_world(at))[::-1])
    viewer.dims.point = drawn.data_to_world(at)
    drawn.mode = "paint"
    drawn.paint(at, 1)
    drawn._commit_staged_history()
    mask = session.volume(drawn)
    assert mask.kind == "mask"
    center = (mask.affine @ [*np.argwhere(mask.at(0)).mean(axis=0), 1])[:3]
    np.testing.assert_allclose(center, mm, atol=0.1)
    session.update(frame=Frame(np.eye(4)))
    shown = [drawn.data_to_world(voxel)[::-1] for voxel in np.argwhere(drawn.data)]
    np.testing.assert_allclose(np.mean(shown, axis=0), mm, atol=1.5)


def test_data_that_another_plugin_sets_are_accepted(viewer: Any, session: Session):
    layer = session.add(head())
    layer.data = np.asarray(layer.data) * 2
    assert session.volume(layer).at(0).max() == 200
    session.update(frame=Frame.from_angles(x=5))
    session.update(frame=Frame(np.eye(4)))
    assert np.asarray(layer.data).max() == 200


def test_steps_are_undone_one_by_one(viewer: Any, session: Session):
    session.add(head())
    layer = session.add(Volume(np.ones((31, 31, 31), np.uint8), head().affine, "mask", name="mask"))
    changes: list[str] = []
    session.changed.connect(changes.append)
    session.take_step("Mask", (layer,), mask=session.volume(layer))
    session.take_step("Rotate", frame=Frame.from_angles(x=20))
    assert changes == ["mask", "frame"]
    assert session.undo().name == "Rotate"
    assert session.state.scene.frame.is_identity
    assert session.state.preparation.mask is not None
    layer.mode = "paint"  # removing a layer that is being painted crashes napari 0.9.2
    session.undo()
    assert session.state.preparation.mask is None
    assert [one.name for one in viewer.layers] == ["head"]
    assert session.undo() is None


def test_undo_restores_the_preparation_and_keeps_what_was_set_later(viewer: Any, session: Session):
    series = session.add(head(n=2))
    mask = Volume(np.ones((31, 31, 31), np.uint8), head().affine, "mask", name="mask")
    session.take_step("mask", mask=mask, frame=Frame.from_angles(x=20), angles=(20.0, 0.0, 0.0))
    table = pd.DataFrame({"label": ["a", "b"]})
    session.update(series=series, table=table, point=(1.0, 2.0, 3.0), radiological=True)
    session.undo()
    state = session.state
    assert state.preparation.mask is None
    assert (state.scene.frame.is_identity, state.scene.angles) == (True, (0.0, 0.0, 0.0))
    assert state.labeling.table is table
    assert state.preparation.series is series
    assert (state.scene.point, state.scene.radiological) == ((1.0, 2.0, 3.0), True)


def test_undo_after_3d_hides_the_layer_instead_of_removing_it(viewer: Any, session: Session):
    session.add(head())
    layer = session.add(head(n=2))
    session.take_step("Slab", (layer,))
    viewer.dims.ndisplay = 3
    viewer.screenshot(flash=False)
    viewer.dims.ndisplay = 2
    viewer.screenshot(flash=False)
    session.undo()
    assert not layer.visible
    session.add(head())
    viewer.screenshot(flash=False)


def test_one_session_for_each_viewer_through_any_proxy():
    first, second = ViewerModel(), ViewerModel()
    assert Session.of(first) is Session.of(PublicOnlyProxy(first))
    assert Session.of(first) is not Session.of(second)
    assert brain_layers(first) == []


def test_sessions_do_not_keep_viewers_alive():
    import weakref

    viewer = ViewerModel()
    session = Session.of(viewer)
    gone = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert gone() is None
    with pytest.raises(ReferenceError):
        _ = session.viewer


def test_the_slice_moves_to_a_scan_that_it_does_not_intersect(viewer: Any, session: Session):
    session.add(Volume(np.ones((40, 40, 40), np.float32), np.diag([2.0, 2, 2, 1]), name="head"))
    session.add(Volume(np.ones((20, 20, 3), np.float32), np.diag([4.0, 4, 4, 1]), name="low slab"))
    assert viewer.dims.point[-3] == pytest.approx(4, abs=2)
    before = viewer.dims.point[-3]
    session.add(Volume(np.ones((9, 9, 9), np.float32), np.diag([8.0, 8, 8, 1]), name="inside"))
    assert viewer.dims.point[-3] == before


def test_after_the_last_scan_is_removed_the_rotation_is_reset_and_undo_brings_both_back(
    viewer: Any, session: Session
):
    first = session.add(head())
    session.take_step("rotation", frame=Frame.from_angles(x=20), angles=(20.0, 0.0, 0.0))
    viewer.layers.remove(first)
    assert session.state.scene.angles == (0.0, 0.0, 0.0)
    assert [step.name for step in session.steps] == ["rotation", "deletion"]
    session.undo()
    assert session.state.scene.angles == (20.0, 0.0, 0.0)
    assert first in viewer.layers
    viewer.layers.remove(first)
    again = session.add(head())
    assert session.state.scene.frame.is_identity
    assert isinstance(again.data, np.ndarray), "original voxels, not rotated"


def test_undo_does_not_restore_a_slab_layer_that_the_user_removed(viewer: Any, session: Session):
    session.add(head())
    one, two = (session.add(head(n=2)) for _ in range(2))
    session.take_step("slab", [one], slab_layer=one)
    session.take_step("slab", [two], slab_layer=two)
    viewer.layers.remove(one)
    session.undo()
    assert session.state.preparation.slab_layer is None
