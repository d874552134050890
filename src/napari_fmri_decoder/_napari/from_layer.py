"""Napari layer to volume: of what a layer shows, also of one that others made, or that was painted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder._napari.arrays import LayerArray
from napari_fmri_decoder._napari.layers import KEY, LABELS, READER, SCANNER, Placed, make_reader
from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind
from napari_fmri_decoder.volumes.volume import Kind, Volume

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder.volumes.frames import Affine, Frame


def volume_of(layer: Layer, frame: Frame = SCANNER) -> Volume | None:
    """Find the volume that a layer shows.

    Parameters
    ----------
    layer : napari layer
    frame : Frame
        Of the viewer: by it a layer that is not the plugin's own finds its place in the scanner.

    Returns
    -------
    Volume or None
        The true one of a layer made by the plugin; of another image or labels layer, one made of
        its data and its world millimetres; None for a layer that holds no volume.
    """
    kept = layer.metadata.get(KEY)
    if kept is None:
        return rebuilt(layer, frame)
    return kept if isinstance(kept, Volume) else None


def keep_painted(layer: Layer, frame: Frame) -> None:
    """Make what was painted into a labels layer its true volume; no longer that of a file."""
    kept = layer.metadata.get(KEY)
    in_place = isinstance(kept, Volume) and np.may_share_memory(kept.data, layer.data)
    volume = replace(kept, parts=()) if in_place else rebuilt(layer, frame)
    if volume is not None:
        adopt(layer, volume)


def adopt(layer: Layer, volume: Placed) -> None:
    """Make `volume` what a layer shows in truth, so that it turns with the viewer's frame."""
    layer.metadata.update({KEY: volume, READER: make_reader(volume)})


def rebuilt(layer: Layer, frame: Frame = SCANNER) -> Volume | None:
    """Make a volume of what a layer holds now, whatever its metadata say; see `volume_of`."""
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
    # One plane tells what it shows: others' layers may be larger than the memory.
    plane = np.asarray(data[(slice(None), slice(None), data.shape[2] // 2, *(0,) * (data.ndim - 3))])
    if kind == "labels":
        whole = np.asarray(data) if isinstance(layer.data, np.ndarray) else plane
        shows: Kind = "mask" if whole.size == 0 or int(whole.max()) <= 1 else "atlas"
    else:
        shows = guess_kind(ImageFacts(layer.name, plane, data.ndim == 4, step=step)).kind
        shows = "anatomy" if shows in LABELS else shows
    return Volume(data, affine, shows, step if shows == "bold" else None, name=layer.name)


def _world(layer: Layer) -> tuple[Affine, float | None]:
    """Affine of a layer's spatial axes in x, y, z millimetres, and its seconds per step, if any."""
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
    """How many `target` one `unit` is; None where it measures something else."""
    return float((1 * unit).to(target).magnitude) if unit.is_compatible_with(target) else None
