"""Blend slices of layers into a picture: geometry and colors without Qt or napari.

Millimeters are those of the viewer's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fmri_decoder.volumes.directions import ends

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.camera import Plane
    from napari_fmri_decoder.volumes.frames import Frame

AXES: dict[Plane, tuple[int, int, int]] = {
    "axial": (2, 0, 1),
    "coronal": (1, 0, 2),
    "sagittal": (0, 1, 2),
}
"""Axes (of x, y, z) perpendicular to each plane, to the right on the screen, and up."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerSlice:
    """One slice of a layer, in its colors.

    Attributes
    ----------
    colors : (rows, columns, 4) float32 array
        Red, green, blue and opacity of each voxel, 0 to 1.
    first : (2,) tuple of float
        Center of the first voxel: millimeters up and to the right.
    step : (2,) tuple of float
        Millimeters between rows and between columns; negative for a flipped axis.
    blending : str
        Name of napari's blending mode.
    """

    colors: NDArray[np.float32]
    first: tuple[float, float]
    step: tuple[float, float]
    blending: str = "translucent"


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The part of a plane that a picture shows, centered on a box.

    Attributes
    ----------
    plane : {"axial", "coronal", "sagittal"}
    low, high : (3,) array
        Corners of the box, (x, y, z).
    size : (2,) tuple of int
        Width and height in pixels; pixel i reaches from i to i + 1.
    zoom : float
        Pixels per millimeter; see `zoom_to_fit`.
    radiological : bool
        Whether the patient's left is on the right.
    """

    plane: Plane
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    size: tuple[int, int]
    zoom: float
    radiological: bool = False

    @property
    def axes(self) -> tuple[int, int]:
        """Axes (of x, y, z) to the right on the screen, and up."""
        return AXES[self.plane][1:]

    @property
    def mirrored(self) -> bool:
        """Whether the horizontal axis points to the left."""
        return self.radiological and self.axes[0] == 0

    def to_pixels(self, point: ArrayLike) -> tuple[float, float]:
        """Return the pixels of a point (x, y, z), from the left and from the top."""
        away = (np.asarray(point, dtype=float) - self.middle)[list(self.axes)] * self.zoom
        across = -away[0] if self.mirrored else away[0]
        return float(self.size[0] / 2 + across), float(self.size[1] / 2 - away[1])

    def to_point(self, pixels: tuple[float, float], point: ArrayLike) -> NDArray[np.float64]:
        """Return the (x, y, z) of a pixel; the coordinate perpendicular to the plane is that of `point`."""
        across = (pixels[0] - self.size[0] / 2) / self.zoom
        found = np.array(point, dtype=float)
        right, up = self.axes
        found[right] = self.middle[right] + (-across if self.mirrored else across)
        found[up] = self.middle[up] - (pixels[1] - self.size[1] / 2) / self.zoom
        return found

    @property
    def grid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Millimeters up of the center of each row, and to the right of that of each column."""
        width, height = self.size
        right, up = self.axes
        across = (np.arange(width) + 0.5 - width / 2) / self.zoom
        rows = self.middle[up] - (np.arange(height) + 0.5 - height / 2) / self.zoom
        return rows, self.middle[right] + (-across if self.mirrored else across)

    def letters(self, frame: Frame) -> dict[str, str]:
        """Return the orientation letters at "left", "right", "top" and "bottom"."""
        right, up = (frame.inverse[:3, axis] for axis in self.axes)
        left_letter, right_letter = ends(-right if self.mirrored else right)
        bottom, top = ends(up)
        return {"left": left_letter, "right": right_letter, "top": top, "bottom": bottom}

    @property
    def middle(self) -> NDArray[np.float64]:
        """(3,) center of the box and of the picture."""
        return (self.low + self.high) / 2


def zoom_to_fit(low: ArrayLike, high: ArrayLike, size: tuple[int, int]) -> float:
    """Return the pixels per millimeter at which a box fits into pictures of all three planes.

    All planes have the same zoom, so that a point has the same height in neighboring pictures.

    Examples
    --------
    >>> zoom_to_fit((0, 0, 0), (50, 100, 80), (200, 400))
    2.0
    """
    spans = np.maximum(np.subtract(high, low), 1e-6)
    return float(min(min(size[0] / spans[right], size[1] / spans[up]) for _, right, up in AXES.values()))


def compose(
    slices: Sequence[LayerSlice],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    background: Sequence[float] = (0.0, 0.0, 0.0),
) -> NDArray[np.uint8]:
    """Blend slices; each pixel shows the voxel that contains it.

    Parameters
    ----------
    slices : sequence of LayerSlice
        Lowest first.
    rows, columns : (height,) and (width,) array
        Millimeters of the centers of the pixels, evenly spaced; see `Window.grid`.
    background : (3,) sequence of float
        Red, green and blue, 0 to 1.

    Returns
    -------
    (height, width, 4) uint8 array
        Opaque.
    """
    picture = np.empty((len(rows), len(columns), 4), dtype=np.float32)
    picture[:] = (*background[:3], 1.0)
    for one in slices:
        inside, voxels = zip(
            *(
                _voxels(mm, first, step, n)
                for mm, first, step, n in zip(
                    (rows, columns), one.first, one.step, one.colors.shape[:2], strict=True
                )
            ),
            strict=True,
        )
        below = picture[inside[0], inside[1], :3]
        above = one.colors[voxels[0][:, None], voxels[1][None, :]]
        below[...] = _blended(below, above[..., :3], above[..., 3:], one.blending)
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _voxels(mm: NDArray[np.float64], first: float, step: float, n: int) -> tuple[slice, NDArray[np.intp]]:
    """Return the pixels of a line that are inside the voxels, and their voxels."""
    voxel = np.floor((mm - first) / step + 0.5).astype(np.intp)
    inside = np.flatnonzero((voxel >= 0) & (voxel < n))
    if not inside.size:
        return slice(0, 0), voxel[:0]
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    return part, voxel[part]


def _blended(
    below: NDArray[np.float32], above: NDArray[np.float32], alpha: NDArray[np.float32], how: str
) -> NDArray[np.float32]:
    """Blend like napari's mode of this name."""
    if how == "additive":
        return below + above * alpha
    if how == "minimum":
        return np.minimum(below, above)
    if how == "multiplicative":
        return below * above
    if how == "opaque":
        return above
    return below + (above - below) * alpha
