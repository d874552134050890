"""Blending of slices: geometry and colors, without a window."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from napari_fmri_decoder._napari.view.compositing import AXES, LayerSlice, Window, compose, zoom_to_fit
from napari_fmri_decoder._napari.viewer.camera import Plane
from napari_fmri_decoder.volumes.frames import Frame

LOW, HIGH = np.array([-40.0, -60.0, -20.0]), np.array([40.0, 50.0, 60.0])


def window(plane: Plane, radiological: bool = False, size: tuple[int, int] = (120, 150)) -> Window:
    return Window(plane, LOW, HIGH, size, zoom_to_fit(LOW, HIGH, size), radiological)


@pytest.mark.parametrize("plane", get_args(Plane))
@pytest.mark.parametrize("radiological", [False, True])
def test_pixels_and_millimeters_convert_both_ways(plane: Plane, radiological: bool):
    view = window(plane, radiological)
    point = np.array([7.0, -13.0, 22.0])
    x, y = view.to_pixels(point)
    np.testing.assert_allclose(view.to_point((x, y), point), point)
    rows, columns = view.grid
    right, up = AXES[plane][1:]
    assert abs(columns[int(x)] - point[right]) <= 0.5 / view.zoom
    assert abs(rows[int(y)] - point[up]) <= 0.5 / view.zoom
    moved = point.copy()
    moved[right] += 10
    to_the_left = radiological and plane != "sagittal"
    assert view.to_pixels(moved)[0] - x == pytest.approx((-10 if to_the_left else 10) * view.zoom)
    moved[up] += 10
    assert view.to_pixels(moved)[1] - y == pytest.approx(-10 * view.zoom)


def test_letters_follow_sides_and_large_rotations():
    none, quarter = Frame(np.eye(4)), Frame.from_angles(z=90)
    assert window("axial").letters(none) == {"left": "L", "right": "R", "top": "A", "bottom": "P"}
    assert window("coronal", True).letters(none) == {"left": "R", "right": "L", "top": "S", "bottom": "I"}
    assert window("sagittal", True).letters(none) == {"left": "P", "right": "A", "top": "S", "bottom": "I"}
    # After a quarter turn to the left, R is where A was.
    assert window("axial").letters(quarter) == {"left": "A", "right": "P", "top": "R", "bottom": "L"}


def test_each_pixel_shows_the_voxel_that_contains_it_flipped_or_not():
    colors = np.random.default_rng(0).random((5, 4, 4)).astype(np.float32)
    colors[..., 3] = 1
    rows, columns = np.linspace(9, -9, 37), np.linspace(-12, 12, 33)
    picture = compose([LayerSlice(colors, (4.0, -6.0), (-2.0, 3.0))], rows, columns, (0, 0, 1))
    for i, up in enumerate(rows):
        for j, right in enumerate(columns):
            voxel = (4.0 - up) / 2, (right + 6) / 3
            if any(abs(v % 1 - 0.5) < 1e-9 for v in voxel):
                continue  # just between two
            row, column = (round(v) for v in voxel)
            inside = 0 <= row < 5 and 0 <= column < 4
            expected = colors[row, column] if inside else (0, 0, 1, 1)
            np.testing.assert_allclose(picture[i, j] / 255, expected, atol=0.003)


def test_layers_blend_as_in_napari():
    def over(color: tuple[float, ...], how: str) -> list[int]:
        sheets = [
            LayerSlice(np.full((1, 1, 4), c, np.float32), (0.0, 0.0), (1.0, 1.0), b)
            for c, b in (((0.2, 0.4, 0.6, 1.0), "translucent"), (color, how))
        ]
        return [int(v) for v in compose(sheets, np.zeros(1), np.zeros(1))[0, 0]]

    assert over((1, 0, 0, 0.5), "translucent") == [153, 51, 77, 255]
    assert over((1, 0, 0, 0.5), "additive") == [179, 102, 153, 255]
    assert over((1, 0, 0, 0.5), "opaque") == [255, 0, 0, 255]
    assert over((1, 0, 0, 1.0), "minimum") == [51, 0, 0, 255]
    assert over((1, 0.5, 0, 1.0), "multiplicative") == [51, 51, 0, 255]


def test_a_slice_outside_of_the_picture_does_not_change_it():
    sheet = LayerSlice(np.ones((3, 3, 4), np.float32), (100.0, 0.0), (1.0, 1.0))
    assert not compose([sheet], np.zeros(4), np.arange(4.0))[..., :3].any()
