"""Positions on the screen: blobs planted at known millimeters are found on screenshots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from napari_fmri_decoder._napari.view.dock import TABS, ViewDock
from napari_fmri_decoder._napari.viewer.camera import look_from_the_left
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.volumes.frames import Frame, rotation
from napari_fmri_decoder.volumes.volume import Volume

VOXEL = 2.0  # mm
LARGE = np.array([-14.0, 18.0, 12.0])  # mm: left, anterior, superior
SMALL = np.array([-32.0, -16.0, -8.0])  # left only, posterior, inferior
TURNED = Frame.from_angles(x=20, y=-7, z=12, pivot=(5, 0, -10))
# By hand: which of x, y, z runs to the right of the screen, and which way; and which runs up.
ON_SCREEN = {
    ("axial", False): ((0, 1), (1, 1)),
    ("coronal", False): ((0, 1), (2, 1)),
    ("sagittal", False): ((1, 1), (2, 1)),
    ("axial", True): ((0, -1), (1, 1)),
    ("coronal", True): ((0, -1), (2, 1)),
    ("sagittal", True): ((1, 1), (2, 1)),
}


def head(tilt: np.ndarray) -> Volume:
    """A gray box, 82 mm wide, stored as LSA, with a large and a small white blob."""
    affine = np.eye(4)
    affine[:3, :3] = tilt @ [[-VOXEL, 0, 0], [0, 0, VOXEL], [0, VOXEL, 0]]
    affine[:3, 3] = -affine[:3, :3] @ [20, 20, 20]
    data = np.full((41, 41, 41), 20, np.float32)
    mm = np.moveaxis(np.indices(data.shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    for center, radius in ((LARGE, 5.5), (SMALL, 3.5)):
        data[np.linalg.norm(mm - center, axis=-1) < radius] = 100
    return Volume(data, affine, "anatomy", name="head")


def spots(picture: np.ndarray) -> list[np.ndarray]:
    """Centers of the white spots, the largest first: pixels to the right of the center, and above it."""
    white = picture[..., :3].min(axis=-1) > 190
    label, _ = ndimage.label(ndimage.binary_closing(white, iterations=2))
    sizes = np.bincount(label[label > 0])
    order = [i for i in np.argsort(-sizes, kind="stable") if sizes[i] > 0]
    height, width = white.shape
    centers = [ndimage.center_of_mass(label == i) for i in order]
    return [np.array([column - (width - 1) / 2, (height - 1) / 2 - row]) for row, column in centers]


def crossing(picture: np.ndarray) -> np.ndarray:
    """Crossing of the green lines: pixels to the right of the center, and above it."""
    red, green, blue = np.moveaxis(picture[..., :3].astype(int), -1, 0)
    lines = (green > red + 80) & (green > blue + 60)
    height, width = lines.shape
    column, row = lines.sum(axis=0).argmax(), lines.sum(axis=1).argmax()
    return np.array([column - (width - 1) / 2, (height - 1) / 2 - row])


def expected(point: np.ndarray, center: np.ndarray, zoom: float, axes: Any) -> np.ndarray:
    return np.array([sign * (point[axis] - center[axis]) * zoom for axis, sign in axes])


@pytest.fixture
def tab(viewer: Any) -> Any:
    dock = ViewDock(viewer)
    dock.tabs.setCurrentIndex(TABS.index("views"))
    viewer.window.add_dock_widget(dock, area="right")
    return dock.views


def look(viewer: Any, tab: Any, plane: str, radiological: bool) -> None:
    tab.convention.value = "radiological" if radiological else "neurological"
    tab.look(plane)


def test_blobs_are_at_their_anatomical_positions_on_the_screen(viewer: Any, tab: Any, qtbot: Any):
    session = Session.of(viewer)
    straight, oblique = head(np.eye(3)), head(rotation(x=15, y=5, z=-10))
    layer = session.add(straight, contrast_limits=(0, 100))
    for volume, frame in ((straight, Frame(np.eye(4))), (oblique, Frame(np.eye(4))), (oblique, TURNED)):
        session.update(frame=frame)
        session.show(layer, volume)
        for (plane, radiological), axes in ON_SCREEN.items():
            look(viewer, tab, plane, radiological)
            for picture in check_slices(viewer, tab, frame, axes, plane):
                # only the left has a small blob
                assert plane == "sagittal" or (spots(picture)[0][0] > 0) == radiological
            check_letters(viewer, tab, plane, radiological)
        check_3d(viewer, session, frame)


def check_slices(viewer: Any, tab: Any, frame: Frame, axes: Any, plane: str) -> list[np.ndarray]:
    """On the canvas and in the image of the dock; the crosshair is at the blob in both."""
    camera, view = viewer.scene.camera, tab.slices.views[plane]
    for blob in (LARGE, SMALL):
        Session.of(viewer).update(point=tuple(blob))
        picture = viewer.screenshot(canvas_only=True, flash=False)
        center = np.zeros(3)
        center[[2 - axis for axis in viewer.dims.displayed]] = camera.center[-2:]
        here = expected(frame.to_frame(blob), center, camera.zoom, axes)
        np.testing.assert_allclose(spots(picture)[0], here, atol=VOXEL * camera.zoom)
        np.testing.assert_allclose(crossing(picture), here, atol=1.1)
        tab.slices.refresh()
        middle = (view.shown.low + view.shown.high) / 2
        here = expected(frame.to_frame(blob), middle, view.shown.zoom, axes)
        np.testing.assert_allclose(spots(view.image)[0], here, atol=VOXEL * view.shown.zoom)
        drawn = view.grab().toImage()
        np.testing.assert_allclose(crossing(pixels(drawn)), here, atol=1.1)
    return [picture, view.image]


def check_letters(viewer: Any, tab: Any, plane: str, radiological: bool) -> None:
    """L is on the left side, A or S is up, on the canvas and in the dock."""
    view = tab.slices.views[plane]
    letters = {edge: viewer.canvas.overlays[f"_fmri_{edge}"].text for edge in view.letters}
    assert view.letters == letters
    across = ("P", "A") if plane == "sagittal" else ("R", "L") if radiological else ("L", "R")
    assert (letters["left"], letters["right"]) == across
    assert (letters["bottom"], letters["top"]) == (("P", "A") if plane == "axial" else ("I", "S"))


def check_3d(viewer: Any, session: Session, frame: Frame) -> None:
    """Both blobs, seen from the left, front and above, in a right-handed space."""
    session.update(point=(0.0, 0.0, 0.0))
    viewer.dims.ndisplay = 3
    look_from_the_left(viewer)
    camera = viewer.scene.camera
    picture = viewer.screenshot(canvas_only=True, flash=False)
    zyx = np.argsort(viewer.dims.displayed)
    towards, up, center = (
        np.array(vector)[zyx][::-1] for vector in (camera.view_direction, camera.up_direction, camera.center)
    )
    right = np.cross(towards, up)
    found = spots(picture)
    assert len(found) == 2
    for blob, spot in zip((LARGE, SMALL), found, strict=True):
        away = (frame.to_frame(blob) - center) * camera.zoom
        np.testing.assert_allclose(spot, [right @ away, up @ away], atol=VOXEL * camera.zoom)
    # seen from the left, anterior is to the left of posterior
    assert found[0][0] < found[1][0]
    check_letters_3d(viewer)
    viewer.dims.ndisplay = 2


def check_letters_3d(viewer: Any) -> None:
    """Left and right are marked, and follow the camera."""

    def marked() -> dict[str, str]:
        texts = {edge: viewer.canvas.overlays[f"_fmri_{edge}"] for edge in ("left", "right", "top", "view")}
        assert all(text.visible for text in texts.values())
        return {edge: text.text for edge, text in texts.items()}

    letters = marked()
    # from the left and the front; the closest letter depends on the rotation of the head
    for edge, expected_letters in (("left", "AR"), ("right", "PL"), ("view", "LA")):
        assert set(expected_letters) <= set(letters[edge].removeprefix("seen from "))
    assert letters["top"][0] == "S"
    # From the front, as a person who faces you: the left hand is on the right. From behind: on the left.
    axes = ["zyx"[axis - viewer.dims.ndim] for axis in viewer.dims.displayed]
    up = tuple(float(axis == "z") for axis in axes)
    for toward_anterior, left, right, seen in ((-1.0, "R", "L", "A"), (1.0, "L", "R", "P")):
        viewer.scene.camera.set_view_direction(
            tuple(toward_anterior if axis == "y" else 0.0 for axis in axes), up
        )
        letters = marked()
        assert (letters["left"][0], letters["right"][0], letters["top"][0]) == (left, right, "S")
        assert letters["view"].startswith(f"seen from {seen}")


def pixels(image: Any) -> np.ndarray:
    """A QImage as an array of red, green, blue and opacity."""
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    bits = image.constBits()
    if hasattr(bits, "setsize"):  # PyQt; PySide gives a memoryview
        bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
