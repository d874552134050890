"""What a layer shows at a point: its slice in colours, its volume, its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from scipy import ndimage

from napari_fmri_decoder._napari.layers import KEY, on_screen, reader_of
from napari_fmri_decoder._napari.slices import AXES, Sheet
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.view import Plane
    from napari_fmri_decoder.volumes.frames import Frame

_SHADES = 1024  # of a colour map, as finely as the screen tells them apart


def sheet_of(
    layer: Layer, plane: Plane, point: NDArray[np.float64], dims_point: Sequence[float], frame: Frame
) -> Sheet | None:
    """Cut the slice of a brain layer through a point, in the layer's own colours.

    Parameters
    ----------
    layer : napari Layer
    plane : {"axial", "coronal", "sagittal"}
    point : (3,) array
        (x, y, z) frame millimetres.
    dims_point : sequence of float
        Of the viewer: says which volume of a series is shown.
    frame : Frame
        Of the viewer.

    Returns
    -------
    Sheet or None
        None where the slice passes the layer by.
    """
    data, affine = _shown(layer, frame)
    lead = _lead(affine, data.shape, dims_point)
    through = 2 - AXES[plane][0]  # of z, y, x
    first, step = affine[-4:-1, -1], np.diag(affine)[-4:-1]
    index = int(np.floor((point[::-1][through] - first[through]) / step[through] + 0.5))
    if lead is None or not 0 <= index < data.shape[-3:][through]:
        return None
    space: list[Any] = [slice(None)] * 3
    space[through] = index
    values = np.asarray(data[(*lead, *space)])
    up, right = (axis for axis in range(3) if axis != through)
    colors = _label_colors(layer, values) if isinstance(layer, Labels) else _image_colors(layer, values)
    colors[..., 3] *= layer.opacity
    return Sheet(
        colors,
        (float(first[up]), float(first[right])),
        (float(step[up]), float(step[right])),
        str(layer.blending),
    )


def volume_index(layer: Layer, dims_point: Sequence[float]) -> tuple[int, ...] | None:
    """Which volume of a layer is shown: one position per leading axis; None beyond its end."""
    shape = layer.data.shape
    return _lead(np.asarray(layer.affine.affine_matrix) @ _own(layer), shape, dims_point)


def value_at(layer: Layer, point: Sequence[float], dims_point: Sequence[float]) -> float | None:
    """Read the voxel of the true volume that a point lies in.

    Parameters
    ----------
    layer : napari Layer
    point : (3,) sequence of float
        (x, y, z) scanner millimetres.
    dims_point : sequence of float

    Returns
    -------
    float or None
        None outside of the volume.
    """
    volume = layer.metadata[KEY]
    lead = volume_index(layer, dims_point)
    voxel = np.floor(apply_affine(np.linalg.inv(volume.affine), point) + 0.5).astype(int)
    if lead is None or (voxel < 0).any() or (voxel >= volume.data.shape[:3]).any():
        return None
    lead = lead[::-1]  # layers have their axes the other way round
    if isinstance(volume.data, np.ndarray):
        return float(volume.data[(*voxel, *lead)])
    return float(reader_of(layer).volume(*lead)[tuple(voxel)])  # kept since it was drawn


def name_of_label(layer: Layer, value: float) -> str | None:
    """Find the name of a label in the layer's table of features; None where there is none."""
    table = getattr(layer, "features", None)
    if table is None or "name" not in table or "index" not in table:
        return None
    found = table.loc[table["index"] == value, "name"]
    return str(found.iloc[0]) if len(found) and isinstance(found.iloc[0], str) else None


def _shown(layer: Layer, frame: Frame) -> tuple[Any, NDArray[np.float64]]:
    """Data and affine of what is drawn, its axes straight in the frame."""
    affine = np.asarray(layer.affine.affine_matrix) @ _own(layer)
    space = np.abs(affine[-4:-1, -4:-1])
    if (space - np.diag(np.diag(space)) <= 1e-4 * space.max(axis=0)).all():
        return layer.data, affine
    return on_screen(layer.metadata[KEY], frame, reader_of(layer))


def _own(layer: Layer) -> NDArray[np.float64]:
    """Scale and translation that a layer has beside its affine."""
    own = np.diag([*(float(s) for s in layer.scale), 1.0])
    own[:-1, -1] = layer.translate
    return own


def _lead(
    affine: NDArray[np.float64], shape: Sequence[int], dims_point: Sequence[float]
) -> tuple[int, ...] | None:
    n = len(shape) - 3
    if n == 0:
        return ()
    where = (np.asarray(dims_point)[-len(shape) : -3] - affine[:n, -1]) / np.diag(affine)[:n]
    found = tuple(int(i) for i in np.floor(where + 0.5))
    return found if all(0 <= i < m for i, m in zip(found, shape, strict=False)) else None


def _image_colors(layer: Layer, values: NDArray[Any]) -> NDArray[np.float32]:
    low, high = layer.contrast_limits
    place = np.clip((values.astype(np.float32) - low) / max(high - low, 1e-12), 0, 1)
    if layer.gamma != 1:
        place **= layer.gamma
    shades = np.zeros((_SHADES + 1, 4), dtype=np.float32)  # the last is clear: NaN
    shades[:-1] = layer.colormap.map(np.linspace(0, 1, _SHADES))
    missing = np.isnan(place)
    index = (np.where(missing, 0, place) * (_SHADES - 1) + 0.5).astype(np.int16)
    index[missing] = _SHADES
    return shades[index]


def _label_colors(layer: Layer, values: NDArray[Any]) -> NDArray[np.float32]:
    if layer.contour > 0:
        values = _outlines(values, layer.contour)
    present, index = np.unique(values, return_inverse=True)
    if layer.show_selected_label:
        present = np.where(present == layer.selected_label, present, 0)
    shades = np.array(layer.colormap.map(present), dtype=np.float32).reshape(-1, 4)
    return shades[index.reshape(values.shape)]


def _outlines(values: NDArray[Any], thickness: int) -> NDArray[Any]:
    """Keep the rims of regions alone, as napari draws them."""
    cross = ndimage.generate_binary_structure(2, 1)
    thick = ndimage.iterate_structure(cross, thickness)
    rim = ndimage.grey_dilation(values, footprint=cross) != ndimage.grey_erosion(values, footprint=thick)
    return np.where(rim, values, 0)
