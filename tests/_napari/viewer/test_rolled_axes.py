"""Letters, crosshair and steps with rolled and transposed axes, in 2-D and in 3-D."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.view.dock import TABS, ViewDock
from napari_fmri_decoder._napari.viewer.camera import brain_layers, center_view, edge_letters, view_center
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Frame, rotation
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
AFFINE[:3, 3] = -12
TILTED = AFFINE.copy()
TILTED[:3, :3] = rotation(x=12) @ AFFINE[:3, :3]
EDGES = ("left", "right", "top", "bottom")
ENDS = {"z": {"S", "I"}, "y": {"A", "P"}, "x": {"L", "R"}}
SHAPE = (8, 9, 7)


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 1, shape).astype(np.float32)


def anatomy(session: Session) -> None:
    session.add(Volume(values(*SHAPE), AFFINE, "anatomy", name="T1"))


def series(session: Session) -> None:
    session.add(Volume(values(*SHAPE, 5), AFFINE, "bold", 2.0, name="bold"))


def tilted(session: Session) -> None:
    session.add(Volume(values(*SHAPE, 5), TILTED, "bold", 2.0, name="bold"))


def with_filters(session: Session) -> None:
    """Add a series, and activations of a hidden layer, with five axes."""
    series(session)
    answers = SimpleNamespace(data=values(*SHAPE, 5, 3), affine=AFFINE, kind="stat", step=2.0, name="conv1")
    session.add(answers)


def with_others(session: Session) -> None:
    """Add a series, among layers of other plugins."""
    viewer = session.viewer
    series(session)
    viewer.add_points(values(4, 4) / 50)
    viewer.add_shapes([np.array([[0, 0], [0, 5], [5, 5]])], shape_type="polygon")
    viewer.add_image(values(20, 20, 3) / 200, rgb=True)


def with_five_axes(session: Session) -> None:
    series(session)
    session.viewer.add_image(values(2, 3, 8, 8, 8), name="five")


WHAT = (anatomy, series, tilted, with_filters, with_others, with_five_axes)


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Any:
    """A window without drawing, which would take most of the time."""
    return make_napari_viewer(show=False)


def walk(viewer: Any) -> Any:
    """Roll and transpose the axes through many orders, each in 2-D and in 3-D."""
    steps = "roll", "transpose", "roll", "roll", "transpose", "roll", "roll", "transpose", "roll", "roll"
    for step, first in zip(steps, itertools.cycle((3, 2)), strict=False):
        getattr(viewer.dims, step)()
        for ndisplay in (first, 5 - first, first, 2):
            viewer.dims.ndisplay = ndisplay
            yield tuple(viewer.dims.displayed)


@pytest.mark.parametrize("fill", WHAT)
def test_letters_crosshair_and_frame_are_correct_with_rolled_axes(viewer: Any, fill: Any) -> None:
    session = Session.of(viewer)
    fill(session)
    view = ViewDock(viewer)
    view.tabs.setCurrentIndex(TABS.index("views"))
    viewer.window.add_dock_widget(view)
    camera, rotated = viewer.scene.camera, Frame.from_angles(x=10)
    seen = set()
    for i, displayed in enumerate(walk(viewer)):
        assert np.isfinite(camera.angles).all()
        point = (1.0 + i % 3, 2.0, -3.0)
        session.update(point=point)
        np.testing.assert_allclose(viewer.dims.point[-3:], point[::-1], atol=1.5)  # full steps
        assert session.state.scene.point == point
        if i % 8 == 0:
            session.update(frame=rotated)
            np.testing.assert_allclose(session.state.scene.point, point, atol=1e-9)
            session.update(frame=Frame(np.eye(4)))
        all_letters = edge_letters(viewer, session.state.scene.frame)
        letters = {edge: text for edge, text in all_letters.items() if edge in EDGES}
        overlays = {edge: viewer.canvas.overlays[f"_fmri_{edge}"] for edge in EDGES}
        texts = {edge: text.text for edge, text in overlays.items() if text.visible}
        assert texts == letters, "on the canvas"
        if viewer.dims.ndisplay == 3:
            assert set("".join(letters.values())) <= set("LRAPSI")
            continue
        names = [dict(enumerate("zyx")).get(axis - viewer.dims.ndim + 3) for axis in displayed]
        for name, edges in zip(names, (("top", "bottom"), ("left", "right")), strict=True):
            assert {letters[edge] for edge in edges if edge in letters} == ENDS.get(name or "", set())
        before = camera.center
        center_view(viewer, np.array(point))
        for axis, was, now in zip(displayed, before[-2:], camera.center[-2:], strict=True):
            axis -= viewer.dims.ndim - 3
            assert now == (point[2 - axis] if axis >= 0 else was), "the view does not move along time"
        np.testing.assert_allclose(view_center(viewer), point, atol=1.5)
        seen.add(displayed)
    assert len(seen) > 5
    if fill is not anatomy:
        assert any(min(displayed) < viewer.dims.ndim - 3 for displayed in seen), "time was displayed, too"


def test_without_a_brain_layer_the_camera_does_not_change(viewer: Any) -> None:
    session = Session.of(viewer)
    viewer.add_image(values(2, 3, 8, 8, 8), name="five")
    viewer.add_points(values(4, 2) / 50)
    angles = viewer.scene.camera.angles
    for _ in walk(viewer):
        assert edge_letters(viewer, session.state.scene.frame) == {}
    assert viewer.scene.camera.angles == angles


# Steps are all or nothing


@pytest.mark.parametrize(
    "error", [RuntimeError("no memory on the card"), InputError("It must be, found not.")]
)
@pytest.mark.parametrize("rolled", [0, 2])
def test_a_step_that_fails_halfway_changes_nothing(viewer: Any, error: Exception, rolled: int) -> None:
    session = Session.of(viewer)
    with_filters(session)
    mask = session.add(Volume(np.ones(SHAPE, np.uint8), AFFINE, "mask", name="before"))
    session.take_step("mask", [mask], mask=mask.metadata[KEY])
    session.update(series=viewer.layers["bold"])
    for _ in range(rolled):
        viewer.dims.roll()
    before = session.state, list(session.steps), list(viewer.layers), viewer.dims.order, viewer.dims.point
    shown = viewer.layers["bold"].metadata[KEY]
    changes: list[str] = []
    session.changed.connect(changes.append)

    def step() -> None:
        with all_or_nothing(session):
            made = session.add(Volume(np.ones(SHAPE, np.uint8), AFFINE, "mask", name="after"))
            other = Volume(values(*SHAPE, 5), AFFINE, "bold", 2.0, name="other")
            session.show(viewer.layers["bold"], other)
            rotated = Frame.from_angles(x=5)
            session.take_step("mask", [made], hide=[mask], mask=made.metadata[KEY], frame=rotated)
            raise error

    with pytest.raises(type(error)):
        step()
    assert (session.state, session.steps, list(viewer.layers)) == before[:3]
    assert (viewer.dims.order, viewer.dims.point) == before[3:]
    assert mask.visible
    assert viewer.layers["bold"].metadata[KEY] is shown
    assert changes.count("mask") == 2, "docks are notified of the restored state, too"
    np.testing.assert_allclose(np.asarray(viewer.layers["before"].affine)[-1], [0, 0, 0, 1])


def test_a_layer_that_a_failed_step_removed_is_chosen_no_longer(viewer: Any) -> None:
    session = Session.of(viewer)
    with_filters(session)
    anatomy = session.add(Volume(np.ones(SHAPE, np.uint8), AFFINE, "mask", name="anatomy"))
    session.update(series=viewer.layers["bold"], anatomy=anatomy)

    def step() -> None:
        with all_or_nothing(session):
            session.remove(anatomy)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        step()
    assert anatomy not in viewer.layers
    assert session.state.preparation.anatomy is None
    assert session.state.preparation.series is viewer.layers["bold"]


@pytest.mark.parametrize("fill", [with_filters, with_five_axes])
def test_mask_mean_and_slab_with_five_axes_are_made_completely_or_not_at_all(
    viewer: Any, qtbot: Any, notified: list[Any], monkeypatch: pytest.MonkeyPatch, fill: Any
) -> None:
    from napari_fmri_decoder._napari.prepare.dock import PrepareDock

    session = Session.of(viewer)
    fill(session)
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.series.value = "bold"
    dock.mask.strategy.value = "threshold"
    viewer.dims.roll()
    viewer.dims.roll()
    names = {"mean_series": 1, "apply_mask": 1, "paint_mask": 2, "cut_slab": 1}
    for name, n in names.items():
        there = len(viewer.layers)
        dock.native.findChild(object, name).click()
        qtbot.waitUntil(lambda: dock.jobs.job is None)
        assert len(viewer.layers) == there + n, name
    assert [step.name for step in session.steps] == ["mean", "mask", "painted mask", "slab"]
    assert not [note for note in notified if "error" in str(note.severity)]

    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("The last part of the step must work, found that it does not.")

    state, there = session.state, list(viewer.layers)
    monkeypatch.setattr(session, "take_step", refuse)
    for name in names:
        dock.native.findChild(object, name).click()
        qtbot.waitUntil(lambda: dock.jobs.job is None)
        assert list(viewer.layers) == there, name
        assert session.state is state
    assert len([note for note in notified if "error" in str(note.severity)]) == len(names)
    assert len(brain_layers(viewer)) == len(there) - (fill is with_five_axes)
