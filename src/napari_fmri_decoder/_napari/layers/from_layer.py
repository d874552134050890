"""Convert a napari layer to a volume, also layers that were painted or made by others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.lazy_arrays import LayerArray
from napari_fmri_decoder._napari.layers.to_layer import KEY, READER
from napari_fmri_decoder._napari.layers.voxels import LABEL_KINDS, HasVoxels, make_reader
from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind
from napari_fmri_decoder.volumes.volume import Kind, Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder.volumes.frames import Affine, Frame


def volume_of(layer: Layer, frame: Frame = SCANNER) -> Volume | None:
    """Get the volume that a layer shows.

    Parameters
    ----------
    layer : napari layer
    frame : Frame
        That the viewer shows; converts the position of other plugins' layers to scanner space.

    Returns
    -------
    Volume or None
        The original volume of a layer of the plugin; for other image or labels layers, a volume of
        their data and world millimeters; None for a layer without a volume.
    """
    volume = layer.metadata.get(KEY)
    if volume is None:
        return rebuilt(layer, frame)
    return volume if isinstance(volume, Volume) else None


def keep_painted(layer: Layer, frame: Frame) -> None:
    """Make the painted labels of a layer its volume, which is then no longer that of a file."""
    old = layer.metadata.get(KEY)
    in_place = isinstance(old, Volume) and np.may_share_memory(old.data, layer.data)
    volume = replace(old, parts=()) if in_place else rebuilt(layer, frame)
    if volume is not None:
        adopt(layer, volume)


def adopt(layer: Layer, volume: HasVoxels) -> None:
    """Make `volume` the original volume of a layer, so that it rotates with the viewer's frame."""
    layer.metadata.update({KEY: volume, READER: make_reader(volume)})


def rebuilt(layer: Layer, frame: Frame = SCANNER) -> Volume | None:
    """Make a volume of the current data of a layer, ignoring its metadata; see `volume_of`."""
    kind = type(layer).__name__.lower()
    if kind not in ("image", "labels") or layer.ndim not in (3, 4):
        return None
    if getattr(layer, "rgb", False) or layer.multiscale:
        return None
    world, step = _world(layer)
    affine = frame.inverse @ world
    if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        return None
    data = layer.data.T if isinstance(layer.data, np.ndarray) else LayerArray(layer.data)
    # One plane is enough to guess the kind: layers of others may be larger than memory.
    plane = np.asarray(data[(slice(None), slice(None), data.shape[2] // 2, *(0,) * (data.ndim - 3))])
    if kind == "labels":
        values = np.asarray(data) if isinstance(layer.data, np.ndarray) else plane
        shows: Kind = "mask" if values.size == 0 or int(values.max()) <= 1 else "atlas"
    else:
        shows = guess_kind(ImageFacts(layer.name, plane, data.ndim == 4, step=step)).kind
        shows = "anatomy" if shows in LABEL_KINDS else shows
    return Volume(data, affine, shows, step if shows == "bold" else None, name=layer.name)


def _world(layer: Layer) -> tuple[Affine, float | None]:
    """Affine of a layer's spatial axes to x, y, z millimeters, and its seconds per step, if any."""
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    columns = [np.asarray(layer.data_to_world(e)) - origin for e in np.eye(layer.ndim)]
    linear = np.stack(columns, axis=1)
    scale = np.array([_in(unit, "mm") or 1.0 for unit in layer.units[-3:]])
    affine = np.eye(4)
    affine[:3, :3] = (scale[:, None] * linear[-3:, -3:])[::-1, ::-1]
    affine[:3, 3] = (scale * origin[-3:])[::-1]
    seconds = _in(layer.units[0], "s") if layer.ndim == 4 else None
    return affine, seconds and seconds * float(linear[0, 0])


def _in(unit: Any, target: str) -> float | None:
    """How many `target` one `unit` is; None if they measure different quantities."""
    return float((1 * unit).to(target).magnitude) if unit.is_compatible_with(target) else None
