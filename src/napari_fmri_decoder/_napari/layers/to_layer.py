"""Convert a volume to a napari layer, and update layers of the plugin.

A volume is (x, y, z[, n]); a layer is ([n, ]z, y, x) in world axes z, y, x: RAS+ millimeters of the
viewer's frame. If its axes are parallel to those of the frame, the original voxels are shown, as views.
napari cannot slice oblique voxels, so they are resampled in pieces onto a straight grid. The original
volume stays in the layer's metadata; it is the one that is saved and trained on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_fmri_decoder._napari.layers.colormaps import (
    CLEAR_GRAY,
    COLD_HOT,
    MASK_COLORS,
    gray_limits,
    symmetric_limits,
)
from napari_fmri_decoder._napari.layers.display import SCANNER, displayed_data
from napari_fmri_decoder._napari.layers.lazy_arrays import LayerArray, VolumeReader
from napari_fmri_decoder._napari.layers.voxels import HasVoxels, is_labels, make_reader
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder.volumes.frames import (
        Affine,
        Frame,
    )

KEY = "fmri_decoder"
"""Key of the original volume in a layer's metadata."""
READER = "fmri_decoder reader"
"""Key of its reader, with the volumes that it has cached."""
HELPER = "fmri_decoder helper"
"""In the metadata of layers that only mark or preview something; no dock offers them as a choice."""

LIVE_VOXELS = 500_000
"""Labels up to this size are resampled completely during a rotation, larger ones only after it."""

LayerData = tuple[Any, dict[str, Any], Literal["image", "labels"]]


def is_preview(layer: Layer) -> bool:
    """Whether a layer only marks or previews something; layers of results do not count."""
    return HELPER in layer.metadata and isinstance(layer.metadata.get(KEY), Volume)


def to_layer(volume: HasVoxels, frame: Frame = SCANNER) -> LayerData:
    """Make the tuple from which napari creates a layer.

    Parameters
    ----------
    volume : Volume
        Or another object with voxels and an affine; axes beyond n are called "filter".
    frame : Frame
        That the viewer shows.

    Returns
    -------
    data, meta, layer type
        Labels for masks and atlases, otherwise an image.
    """
    reader = make_reader(volume)
    data, affine = displayed_data(volume, frame, reader)
    axes = _axes(volume)
    meta: dict[str, Any] = {
        "name": volume.name or volume.kind,
        "affine": affine,
        "axis_labels": tuple(label for label, _ in axes),
        "units": tuple(unit for _, unit in axes),
        "metadata": {KEY: volume, READER: reader},
        "blending": "translucent",
    }
    if volume.kind == "mask":
        # for a table of labels and colors, napari would compile code, which takes a while
        return data, meta | {"opacity": 0.3, "colormap": CyclicLabelColormap(colors=MASK_COLORS)}, "labels"
    if is_labels(volume):
        return data, meta | {"opacity": 0.5, "features": _features(volume)}, "labels"
    meta["rgb"] = False
    if volume.kind == "stat":
        # In 3-D a maximum projection would hide negative values.
        display = {"colormap": COLD_HOT, "contrast_limits": symmetric_limits(_early_volumes(reader))}
        return data, meta | display | {"rendering": "translucent"}, "image"
    return (
        data,
        meta | {"colormap": CLEAR_GRAY, "contrast_limits": gray_limits(_early_volumes(reader))},
        "image",
    )


def _axes(volume: HasVoxels) -> list[tuple[str, str]]:
    """Label and unit of each axis of the layer that shows a volume."""
    n = len(volume.data.shape)
    axes = [("filter", "pixel")] * (n - 4)
    if n > 3:
        axes += [("time", "s") if volume.step else ("volume", "pixel")]
    return [*axes, ("z", "mm"), ("y", "mm"), ("x", "mm")]


def set_frame(layer: Layer, frame: Frame, *, in_memory: bool | None = None) -> None:
    """Show a layer of the plugin in another frame, by new data and affine.

    If `in_memory`, labels are resampled completely, so that they can be painted. By default this is done
    for visible labels that are small or being painted; see `is_lazy_labels`.
    """
    volume = layer.metadata[KEY]
    if in_memory is None:
        small = np.prod(volume.data.shape[:3]) <= LIVE_VOXELS
        in_memory = layer.visible and (small or str(layer.mode) != "pan_zoom")
    data, affine = displayed_data(volume, frame, reader_of(layer), in_memory=in_memory)
    _replace(layer, data, affine)


def is_lazy_labels(layer: Layer) -> bool:
    """Whether a labels layer is resampled slice by slice since a rotation, so that it cannot be painted."""
    lazy = isinstance(layer.data, LayerArray)
    return (
        lazy
        and layer.ndim == 3
        and layer.visible
        and KEY in layer.metadata
        and is_labels(layer.metadata[KEY])
    )


def set_volume(layer: Layer, volume: HasVoxels, frame: Frame) -> None:
    """Show another volume in a layer of the plugin; colors and contrast limits are kept."""
    reader = make_reader(volume)
    data, affine = displayed_data(volume, frame, reader)
    layer.metadata.update({KEY: volume, READER: reader})
    _replace(layer, data, affine, tuple(unit for _, unit in _axes(volume)))


def _replace(layer: Layer, data: Any, affine: Affine, units: tuple[str, ...] | None = None) -> None:
    """Set data and affine of a layer; napari's setters redraw even without a change."""
    # Between the two, layer and sliders would not match, so the viewer is notified once, afterwards.
    with layer.events.data.blocker():
        layer.data = data
    if not np.array_equal(layer.affine.affine_matrix, affine):
        layer.affine = affine
    if units is not None:
        layer.units = units
    layer.events.data(value=data)


def reader_of(layer: Layer) -> VolumeReader:
    """Reader of a brain layer's volume, with its cache."""
    volume = layer.metadata[KEY]
    reader = layer.metadata.get(READER)
    if not isinstance(reader, VolumeReader) or reader.source is not volume.data:
        reader = layer.metadata[READER] = make_reader(volume)
    return reader


def _features(volume: HasVoxels) -> dict[str, list[Any]]:
    """Names of the regions, which napari's status bar shows under the cursor."""
    regions = volume.regions if isinstance(volume, Volume) else {}
    if not regions:
        return {}
    names = {0: None, **regions}  # otherwise the status bar shows "[No Properties]" outside regions
    return {"index": list(names), "name": list(names.values())}


def _early_volumes(reader: VolumeReader) -> list[NDArray[Any]]:
    """Two early volumes from which contrast limits are chosen: late ones of a gz file are slow to read."""
    lead = tuple(reader.source.shape[3:])
    if not lead:
        return [reader.clean(np.asarray(reader.source[...]))]
    return [reader.volume(*(min(i, n - 1) for n in lead)) for i in (0, 5)]
