"""Volume to napari layer and back: the only place that turns axes round.

A volume is (x, y, z[, n]); a layer is ([n, ]z, y, x) in world axes z, y, x: RAS+ millimetres of the
viewer's frame. Where its voxels lie straight in the frame, the true voxels are shown, as views;
where they lie obliquely, napari could not slice them, so they are resampled, piece by piece, onto a
straight grid. The true volume stays in the layer's metadata: it is what is saved and trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder._napari.arrays import LayerArray, VolumeReader
from napari_fmri_decoder._napari.colormaps import (
    CLEAR_GREY,
    COLD_HOT,
    MASK_COLORS,
    grey_limits,
    symmetric_limits,
)
from napari_fmri_decoder.volumes.frames import (
    Affine,
    Frame,
    Grid,
    apply_affine,
    closest_axes,
    is_straight,
    translation,
)
from napari_fmri_decoder.volumes.inside import inside
from napari_fmri_decoder.volumes.resample import LazyResampled
from napari_fmri_decoder.volumes.series import VolumeStack
from napari_fmri_decoder.volumes.volume import ArrayLike, Kind, Volume

if TYPE_CHECKING:
    from napari.layers import Layer

KEY = "fmri_decoder"
"""Where a layer's metadata keeps the true volume."""
READER = "fmri_decoder reader"
"""And where what reads it, with what it has read already."""
HELPER = "fmri_decoder helper"
"""In the metadata of layers that only mark or preview something, and are nobody's choice."""
SCANNER = Frame(np.eye(4))
"""The frame without rotation."""

LIVE_VOXELS = 500_000
"""Labels up to this size are made real arrays whenever the head is turned, larger ones when it rests."""

LayerData = tuple[Any, dict[str, Any], Literal["image", "labels"]]


class Placed(Protocol):
    """What a layer can show: a Volume, or anything else that has voxels (x, y, z, *lead) and a place."""

    @property
    def data(self) -> ArrayLike: ...
    @property
    def affine(self) -> Affine: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def step(self) -> float | None: ...
    @property
    def name(self) -> str: ...


def is_preview(layer: Layer) -> bool:
    """Whether a layer only marks or previews something; results of a run are shown for themselves."""
    return HELPER in layer.metadata and isinstance(layer.metadata.get(KEY), Volume)


def to_layer(volume: Placed, frame: Frame = SCANNER) -> LayerData:
    """Make the tuple from which napari builds a layer.

    Parameters
    ----------
    volume : Volume
        Or another array with a place; axes beyond n are called "filter".
    frame : Frame
        Of the viewer.

    Returns
    -------
    data, meta, layer type
        Labels for masks and atlases, an image for all else.
    """
    reader = make_reader(volume)
    data, affine = on_screen(volume, frame, reader)
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
        return data, meta | {"opacity": 0.3, "colormap": MASK_COLORS}, "labels"
    if _is_labels(volume):
        return data, meta | {"opacity": 0.5, "features": _features(volume)}, "labels"
    meta["rgb"] = False
    if volume.kind == "stat":
        # In 3-D the largest value along the line of sight would hide what is negative.
        look = {"colormap": COLD_HOT, "contrast_limits": symmetric_limits(_few(reader))}
        return data, meta | look | {"rendering": "translucent"}, "image"
    return data, meta | {"colormap": CLEAR_GREY, "contrast_limits": grey_limits(_few(reader))}, "image"


def _axes(volume: Placed) -> list[tuple[str, str]]:
    """Label and unit of each axis of the layer that shows a volume."""
    n = len(volume.data.shape)
    axes = [("filter", "pixel")] * (n - 4)
    if n > 3:
        axes += [("time", "s") if volume.step else ("volume", "pixel")]
    return [*axes, ("z", "mm"), ("y", "mm"), ("x", "mm")]


def on_screen(
    volume: Placed, frame: Frame = SCANNER, reader: VolumeReader | None = None, *, real: bool = True
) -> tuple[Any, Affine]:
    """Find what napari is to draw.

    Parameters
    ----------
    volume : Volume
    frame : Frame
    reader : VolumeReader, optional
        The volume's own, with what it has read already.
    real : bool
        False: labels too are computed slice by slice, and cannot be painted.

    Returns
    -------
    data : (*lead, z, y, x) array-like
        The true voxels, or resampled ones; three-dimensional labels as a real array, so that
        they can be painted.
    affine : (ndim + 1, ndim + 1) array
        To frame millimetres, with the steps of the leading axes.
    """
    placed = np.asarray(frame.matrix @ volume.affine)
    draw = _straight if is_straight(placed) else _oblique
    data, affine = draw(volume, placed, reader or make_reader(volume), real)
    n_lead = data.ndim - 3
    return data, _reversed(affine, [1.0] * (n_lead - 1) + [volume.step or 1.0] * (n_lead > 0))


def turn(layer: Layer, frame: Frame, *, real: bool | None = None) -> None:
    """Show a layer of the plugin in another frame, by new data and affine; all else stays.

    Labels become a real array, which can be painted, where `real` says so; if it is None, not those
    that are hidden, nor large ones that are not being painted: see `unreal`.
    """
    volume = layer.metadata[KEY]
    if real is None:
        small = np.prod(volume.data.shape[:3]) <= LIVE_VOXELS
        real = layer.visible and (small or str(layer.mode) != "pan_zoom")
    data, affine = on_screen(volume, frame, reader_of(layer), real=real)
    _replace(layer, data, affine)


def unreal(layer: Layer) -> bool:
    """Whether a labels layer is computed slice by slice since it was turned, but might be painted."""
    lazy = isinstance(layer.data, LayerArray)
    return (
        lazy
        and layer.ndim == 3
        and layer.visible
        and KEY in layer.metadata
        and _is_labels(layer.metadata[KEY])
    )


def give(layer: Layer, volume: Placed, frame: Frame) -> None:
    """Let a layer of the plugin show another volume, in a frame; its colours and limits stay."""
    reader = make_reader(volume)
    data, affine = on_screen(volume, frame, reader)
    layer.metadata.update({KEY: volume, READER: reader})
    _replace(layer, data, affine, tuple(unit for _, unit in _axes(volume)))


def _replace(layer: Layer, data: Any, affine: Affine, units: tuple[str, ...] | None = None) -> None:
    """Give a layer data and affine; napari's setters draw anew even what is as it was."""
    # Between the two, layer and sliders would disagree: the viewer hears of both at once.
    with layer.events.data.blocker():
        layer.data = data
    if not np.array_equal(layer.affine.affine_matrix, affine):
        layer.affine = affine
    if units is not None:
        layer.units = units
    layer.events.data(value=data)


def reader_of(layer: Layer) -> VolumeReader:
    """Give the reader of a brain layer's true volume, which keeps what was read last."""
    volume = layer.metadata[KEY]
    reader = layer.metadata.get(READER)
    if not isinstance(reader, VolumeReader) or reader.source is not volume.data:
        reader = layer.metadata[READER] = make_reader(volume)
    return reader


def _straight(volume: Placed, placed: Affine, reader: VolumeReader, real: bool) -> tuple[Any, Affine]:
    """Show the true voxels, their axes put in the order R, A, S; flips stay in the affine."""
    source = volume.data
    order, signed = closest_axes(placed)
    affine = _snapped(_grid(source, placed), signed)[:, [*order, 3]]
    if isinstance(source, np.ndarray):
        return reader.clean(source).transpose(*order, *range(3, source.ndim)).T, affine
    shape = (*(source.shape[i] for i in order), *source.shape[3:])
    stack = VolumeStack(lambda *lead: reader.volume(*lead).transpose(order), shape, reader.dtype)
    return _as_layer(stack, volume, real), affine


def _oblique(volume: Placed, placed: Affine, reader: VolumeReader, real: bool) -> tuple[Any, Affine]:
    """Show the volume resampled onto a straight grid of its own voxel size.

    SciPy counts as empty what lies beyond the centres of the outer voxels: a slab of one plane
    would not be seen at all. The reader's border of zeros makes voxels as thick as they are.
    """
    grid = straight_grid(_grid(volume.data, placed))
    labels = _is_labels(volume)
    lazy = LazyResampled(
        reader.padded,
        tuple(volume.data.shape[3:]),
        placed @ translation((-1, -1, -1)),
        grid,
        reader.dtype if labels else np.dtype(np.float32),
        "nearest" if labels else "linear",
    )
    return _as_layer(lazy, volume, real), grid.affine


def _as_layer(source: ArrayLike, volume: Placed, real: bool) -> Any:
    """Reverse the axes; labels of three dimensions become a real array, if wanted."""
    paintable = real and _is_labels(volume) and source.ndim == 3
    return np.asarray(source[...]).T if paintable else LayerArray(source)


def straight_grid(grid: Grid) -> Grid:
    """Find the straight box of voxels that holds an oblique grid, of about its voxel size.

    Parameters
    ----------
    grid : Grid
        In frame space.

    Returns
    -------
    Grid
        Axes along +R, +A, +S, centred on `grid`.
    """
    order, _ = closest_axes(grid.affine)
    size = grid.voxel_size[list(order)]
    edges = apply_affine(grid.affine, np.indices((2, 2, 2)).reshape(3, 8).T * grid.shape - 0.5)
    low, high = edges.min(axis=0), edges.max(axis=0)
    x, y, z = (int(n) for n in np.maximum(np.ceil((high - low) / size - 1e-6), 1))
    affine = np.diag([*size, 1.0])
    affine[:3, 3] = (low + high) / 2 - (np.array((x, y, z)) - 1) / 2 * size
    return Grid((x, y, z), affine)


LABELS: tuple[Kind, ...] = ("mask", "atlas")
"""Kinds that are shown as labels."""


def _features(volume: Placed) -> dict[str, list[Any]]:
    """Name of each region, by which napari's status bar knows what is under the cursor."""
    regions = volume.regions if isinstance(volume, Volume) else {}
    if not regions:
        return {}
    names = {0: None, **regions}  # or it would say "[No Properties]" of what lies outside
    return {"index": list(names), "name": list(names.values())}


def _is_labels(volume: Placed) -> bool:
    return volume.kind in LABELS


def make_reader(volume: Placed) -> VolumeReader:
    """Make what reads a volume for napari: without NaN, and one volume at a time."""
    dtype = np.dtype(volume.data.dtype)
    if volume.kind == "mask" and isinstance(volume.data, np.ndarray) and dtype.kind == "f":
        # of a mask that was resampled: 0.9999 is inside
        return VolumeReader(inside(volume.data)[0].astype(np.uint8), np.dtype(np.uint8), 0.0)
    if _is_labels(volume) and dtype.kind not in "ui":
        dtype = np.dtype(np.uint8 if volume.kind == "mask" else np.int32)
    # napari shows NaN as nothing in 2-D but not in 3-D; a map's 0 is as clear, and resampling needs it.
    return VolumeReader(volume.data, dtype, None if volume.kind == "anatomy" else 0.0)


def _grid(source: ArrayLike, affine: Affine) -> Grid:
    x, y, z = source.shape[:3]
    return Grid((x, y, z), affine)


def _few(reader: VolumeReader) -> list[NDArray[Any]]:
    """A few volumes to choose the contrast by, early ones: the end of a gz file is slow to reach."""
    lead = tuple(reader.source.shape[3:])
    if not lead:
        return [reader.clean(np.asarray(reader.source[...]))]
    return [reader.volume(*(min(i, n - 1) for n in lead)) for i in (0, 5)]


def _snapped(grid: Grid, signed: NDArray[np.float64]) -> Affine:
    """Affine of a grid whose axes lie along the scanner's but for rounding in the file: exactly so.

    The centre stays where it is. napari drops what is left of obliqueness, but warns of it.
    """
    linear = signed * grid.voxel_size
    middle = (np.array(grid.shape) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = apply_affine(grid.affine, middle) - linear @ middle
    return affine


def _reversed(affine: Affine, steps: Sequence[float]) -> Affine:
    """Affine of x, y, z as one of (*lead, z, y, x), with the steps of the leading axes."""
    n = len(steps)
    out = np.diag([*steps, 0.0, 0.0, 0.0, 1.0])
    out[n:-1, n:-1] = affine[:3, :3][::-1, ::-1]
    out[n:-1, -1] = affine[:3, 3][::-1]
    return out
