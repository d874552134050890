"""What a layer shows at a point: a slice in its colors, its volume, its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from scipy import ndimage

from napari_fmri_decoder._napari.layers.display import displayed_data
from napari_fmri_decoder._napari.layers.to_layer import KEY, reader_of
from napari_fmri_decoder._napari.view.compositing import AXES, LayerSlice
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.viewer.camera import Plane
    from napari_fmri_decoder.volumes.frames import Frame

_SHADES = 1024  # colors per color map, finer than a screen resolves


def layer_slice(
    layer: Layer, plane: Plane, point: NDArray[np.float64], dims_point: Sequence[float], frame: Frame
) -> LayerSlice | None:
    """Cut a slice of a brain layer through a point, in the colors of the layer.

    Parameters
    ----------
    layer : napari Layer
    plane : {"axial", "coronal", "sagittal"}
    point : (3,) array
        (x, y, z) frame millimeters.
    dims_point : sequence of float
        Slider positions of the viewer, which select the volume of a series.
    frame : Frame
        Frame of the viewer.

    Returns
    -------
    LayerSlice or None
        None where the slice does not intersect the layer.
    """
    data, affine = _shown(layer, frame)
    leading = _leading_index(affine, data.shape, dims_point)
    through = 2 - AXES[plane][0]  # of z, y, x
    first, step = affine[-4:-1, -1], np.diag(affine)[-4:-1]
    index = int(np.floor((point[::-1][through] - first[through]) / step[through] + 0.5))
    if leading is None or not 0 <= index < data.shape[-3:][through]:
        return None
    space: list[Any] = [slice(None)] * 3
    space[through] = index
    values = np.asarray(data[(*leading, *space)])
    up, right = (axis for axis in range(3) if axis != through)
    colors = _label_colors(layer, values) if isinstance(layer, Labels) else _image_colors(layer, values)
    colors[..., 3] *= layer.opacity
    return LayerSlice(
        colors,
        (float(first[up]), float(first[right])),
        (float(step[up]), float(step[right])),
        str(layer.blending),
    )


def volume_index(layer: Layer, dims_point: Sequence[float]) -> tuple[int, ...] | None:
    """Return the current volume of a layer: one position per leading axis; None if there is none."""
    shape = layer.data.shape
    return _leading_index(
        np.asarray(layer.affine.affine_matrix) @ _scale_and_translate(layer), shape, dims_point
    )


def value_at(layer: Layer, point: Sequence[float], dims_point: Sequence[float]) -> float | None:
    """Read the value of the original volume at a point.

    Parameters
    ----------
    layer : napari Layer
    point : (3,) sequence of float
        (x, y, z) scanner millimeters.
    dims_point : sequence of float

    Returns
    -------
    float or None
        None outside of the volume.
    """
    volume = layer.metadata[KEY]
    leading = volume_index(layer, dims_point)
    voxel = np.floor(apply_affine(np.linalg.inv(volume.affine), point) + 0.5).astype(int)
    if leading is None or (voxel < 0).any() or (voxel >= volume.data.shape[:3]).any():
        return None
    leading = leading[::-1]  # the axes of layers are reversed
    if isinstance(volume.data, np.ndarray):
        return float(volume.data[(*voxel, *leading)])
    return float(reader_of(layer).volume(*leading)[tuple(voxel)])  # cached since it was drawn


def name_of_label(layer: Layer, value: float) -> str | None:
    """Look up the name of a label in the layer's features; None if it has none."""
    table = getattr(layer, "features", None)
    if table is None or "name" not in table or "index" not in table:
        return None
    found = table.loc[table["index"] == value, "name"]
    return str(found.iloc[0]) if len(found) and isinstance(found.iloc[0], str) else None


def _shown(layer: Layer, frame: Frame) -> tuple[Any, NDArray[np.float64]]:
    """Return data and affine as drawn, with axes parallel to those of the frame."""
    affine = np.asarray(layer.affine.affine_matrix) @ _scale_and_translate(layer)
    space = np.abs(affine[-4:-1, -4:-1])
    if (space - np.diag(np.diag(space)) <= 1e-4 * space.max(axis=0)).all():
        return layer.data, affine
    return displayed_data(layer.metadata[KEY], frame, reader_of(layer))


def _scale_and_translate(layer: Layer) -> NDArray[np.float64]:
    """Return the scale and translation that a layer has in addition to its affine."""
    matrix = np.diag([*(float(s) for s in layer.scale), 1.0])
    matrix[:-1, -1] = layer.translate
    return matrix


def _leading_index(
    affine: NDArray[np.float64], shape: Sequence[int], dims_point: Sequence[float]
) -> tuple[int, ...] | None:
    n = len(shape) - 3
    if n == 0:
        return ()
    position = (np.asarray(dims_point)[-len(shape) : -3] - affine[:n, -1]) / np.diag(affine)[:n]
    found = tuple(int(i) for i in np.floor(position + 0.5))
    return found if all(0 <= i < m for i, m in zip(found, shape, strict=False)) else None


def _image_colors(layer: Layer, values: NDArray[Any]) -> NDArray[np.float32]:
    low, high = layer.contrast_limits
    fraction = np.clip((values.astype(np.float32) - low) / max(high - low, 1e-12), 0, 1)
    if layer.gamma != 1:
        fraction **= layer.gamma
    shades = np.zeros((_SHADES + 1, 4), dtype=np.float32)  # the last one is transparent: NaN
    shades[:-1] = layer.colormap.map(np.linspace(0, 1, _SHADES))
    missing = np.isnan(fraction)
    index = (np.where(missing, 0, fraction) * (_SHADES - 1) + 0.5).astype(np.int16)
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
    """Keep only the borders of regions, as napari draws contours."""
    cross = ndimage.generate_binary_structure(2, 1)
    thick = ndimage.iterate_structure(cross, thickness)
    border = ndimage.grey_dilation(values, footprint=cross) != ndimage.grey_erosion(values, footprint=thick)
    return np.where(border, values, 0)
