"""What a person has chosen so far, and the steps that led there: both frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers import SCANNER

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder.volumes.frames import Frame
    from napari_fmri_decoder.volumes.slabs import RotatedSlab, Slab
    from napari_fmri_decoder.volumes.volume import Volume

PREPARED = ("frame", "angles", "mask", "mask_options", "slab", "where", "slab_layer")
"""Fields of the state that a step of Prepare may change, and Undo brings back."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Choices of the docks.

    Attributes
    ----------
    frame : Frame
        That the viewer shows.
    series, anatomy : napari Layer or None
        Chosen in Prepare.
    mask : Volume or None
        That is applied; every voxel if None.
    mask_options : MaskConfig or None
        The strategy that made the mask; None for one that was painted or chosen as a layer.
    slab : Slab or None
        As it was last cut.
    where : RotatedSlab or None
        Its voxels.
    slab_layer : napari Layer or None
        The cut series.
    labels : LabelsConfig or None
        Set by the Labels dock.
    table : DataFrame or None
        One row per volume of the series, by the Labels dock.
    prepared : Prepared or None
        Of the last check or training: samples, folds and findings.
    result : RunResult or None
        Of the last training.
    angles : (3,) tuple of float
        Degrees about x, y and z that Prepare rotates by.
    point : (3,) tuple of float or None
        Where the crosshair is, scanner millimetres; None where there is none.
    radiological : bool
        Left is shown on the right.
    recipe : Recipe or None
        That was loaded last, with absolute paths: the forms of all docks show what it says.
    """

    frame: Frame = SCANNER
    series: Layer | None = None
    anatomy: Layer | None = None
    mask: Volume | None = None
    mask_options: Any = None
    slab: Slab | None = None
    where: RotatedSlab | None = None
    slab_layer: Layer | None = None
    labels: Any = None
    table: Any = None
    prepared: Any = None
    result: Any = None
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    point: tuple[float, float, float] | None = None
    radiological: bool = False
    recipe: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of preparation: its name, the state before it, the layers that it added and hid."""

    name: str
    before: State
    layers: tuple[Layer, ...] = ()
    hidden: tuple[Layer, ...] = ()
