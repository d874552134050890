"""Slices laid over one another, as a picture: pure geometry and colours, no Qt and no napari.

Millimetres here are those of the viewer's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fmri_decoder.volumes.directions import ends

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.view import Plane
    from napari_fmri_decoder.volumes.frames import Frame

AXES: dict[Plane, tuple[int, int, int]] = {
    "axial": (2, 0, 1),
    "coronal": (1, 0, 2),
    "sagittal": (0, 1, 2),
}
"""Of x, y, z: the axis through the plane, the one to the right of the screen, and the one up."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One slice of a layer, coloured.

    Attributes
    ----------
    colors : (rows, columns, 4) float32 array
        Red, green, blue and opacity of each voxel, 0 to 1.
    first : (2,) tuple of float
        Where the centre of the first voxel lies: millimetres up and to the right.
    step : (2,) tuple of float
        Millimetres from row to row and from column to column; negative for a flipped axis.
    blending : str
        As napari calls it.
    """

    colors: NDArray[np.float32]
    first: tuple[float, float]
    step: tuple[float, float]
    blending: str = "translucent"


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What part of a plane a picture shows: the middle of a box, in its right proportions.

    Attributes
    ----------
    plane : {"axial", "coronal", "sagittal"}
    low, high : (3,) array
        Corners of the box, (x, y, z).
    size : (2,) tuple of int
        Width and height in pixels; pixel i reaches from i to i + 1.
    zoom : float
        Pixels per millimetre; see `zoom_to_fit`.
    radiological : bool
        Left is on the right.
    """

    plane: Plane
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    size: tuple[int, int]
    zoom: float
    radiological: bool = False

    @property
    def axes(self) -> tuple[int, int]:
        """Of x, y, z: the axis to the right of the screen, and the one up."""
        return AXES[self.plane][1:]

    @property
    def mirrored(self) -> bool:
        """Whether the axis to the right runs to the left."""
        return self.radiological and self.axes[0] == 0

    def to_pixels(self, point: ArrayLike) -> tuple[float, float]:
        """Find where a point (x, y, z) lies: pixels from the left and from the top."""
        away = (np.asarray(point, dtype=float) - self.middle)[list(self.axes)] * self.zoom
        across = -away[0] if self.mirrored else away[0]
        return float(self.size[0] / 2 + across), float(self.size[1] / 2 - away[1])

    def to_point(self, pixels: tuple[float, float], point: ArrayLike) -> NDArray[np.float64]:
        """Find the (x, y, z) that a place of the picture shows; through the plane it is `point`'s."""
        across = (pixels[0] - self.size[0] / 2) / self.zoom
        found = np.array(point, dtype=float)
        right, up = self.axes
        found[right] = self.middle[right] + (-across if self.mirrored else across)
        found[up] = self.middle[up] - (pixels[1] - self.size[1] / 2) / self.zoom
        return found

    @property
    def grid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Millimetres up of each row's centre, and to the right of each column's."""
        width, height = self.size
        right, up = self.axes
        across = (np.arange(width) + 0.5 - width / 2) / self.zoom
        rows = self.middle[up] - (np.arange(height) + 0.5 - height / 2) / self.zoom
        return rows, self.middle[right] + (-across if self.mirrored else across)

    def letters(self, frame: Frame) -> dict[str, str]:
        """Find the letters at "left", "right", "top" and "bottom", in a frame."""
        right, up = (frame.inverse[:3, axis] for axis in self.axes)
        left_letter, right_letter = ends(-right if self.mirrored else right)
        bottom, top = ends(up)
        return {"left": left_letter, "right": right_letter, "top": top, "bottom": bottom}

    @property
    def middle(self) -> NDArray[np.float64]:
        """(3,) middle of the box, which is the middle of the picture."""
        return (self.low + self.high) / 2


def zoom_to_fit(low: ArrayLike, high: ArrayLike, size: tuple[int, int]) -> float:
    """Find the pixels per millimetre at which a box fits into pictures of all three planes.

    One zoom for all: what lies at one height in two of them is drawn at one height.

    Examples
    --------
    >>> zoom_to_fit((0, 0, 0), (50, 100, 80), (200, 400))
    2.0
    """
    spans = np.maximum(np.subtract(high, low), 1e-6)
    return float(min(min(size[0] / spans[right], size[1] / spans[up]) for _, right, up in AXES.values()))


def compose(
    sheets: Sequence[Sheet],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    background: Sequence[float] = (0.0, 0.0, 0.0),
) -> NDArray[np.uint8]:
    """Lay slices over one another; each pixel shows the voxel that it lies in.

    Parameters
    ----------
    sheets : sequence of Sheet
        Lowest first.
    rows, columns : (height,) and (width,) array
        Millimetres of the pixels' centres, evenly spaced; see `Window.grid`.
    background : (3,) sequence of float
        Red, green and blue, 0 to 1.

    Returns
    -------
    (height, width, 4) uint8 array
        Opaque.
    """
    picture = np.empty((len(rows), len(columns), 4), dtype=np.float32)
    picture[:] = (*background[:3], 1.0)
    for sheet in sheets:
        inside, voxels = zip(
            *(
                _voxels(mm, first, step, n)
                for mm, first, step, n in zip(
                    (rows, columns), sheet.first, sheet.step, sheet.colors.shape[:2], strict=True
                )
            ),
            strict=True,
        )
        below = picture[inside[0], inside[1], :3]
        above = sheet.colors[voxels[0][:, None], voxels[1][None, :]]
        below[...] = _blended(below, above[..., :3], above[..., 3:], sheet.blending)
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _voxels(mm: NDArray[np.float64], first: float, step: float, n: int) -> tuple[slice, NDArray[np.intp]]:
    """Which pixels of a line lie in some voxel, and in which."""
    voxel = np.floor((mm - first) / step + 0.5).astype(np.intp)
    inside = np.flatnonzero((voxel >= 0) & (voxel < n))
    if not inside.size:
        return slice(0, 0), voxel[:0]
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    return part, voxel[part]


def _blended(
    below: NDArray[np.float32], above: NDArray[np.float32], alpha: NDArray[np.float32], how: str
) -> NDArray[np.float32]:
    """Blend as napari's modes of these names do."""
    if how == "additive":
        return below + above * alpha
    if how == "minimum":
        return np.minimum(below, above)
    if how == "multiplicative":
        return below * above
    if how == "opaque":
        return above
    return below + (above - below) * alpha
