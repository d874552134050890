"""The choices made in the docks of one viewer, in four frozen parts, and the steps that can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers.display import SCANNER

if TYPE_CHECKING:
    from napari.layers import Layer
    from pandas import DataFrame

    from napari_fmri_decoder._napari.layers.voxels import HasVoxels
    from napari_fmri_decoder.pipeline.events import Prepared, RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.labels import LabelsConfig
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.volumes.frames import Frame
    from napari_fmri_decoder.volumes.slabs import RotatedSlab, Slab
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """How the viewer shows the scan.

    Attributes
    ----------
    frame : Frame
        Space in which the viewer shows all brain layers.
    angles : (3,) tuple of float
        Rotation about x, y and z in degrees, set in Prepare.
    pivot : (3,) tuple of float or None
        Fixed point of the rotation in scanner millimeters; None for the scanner origin.
    point : (3,) tuple of float or None
        Position of the crosshair in scanner millimeters; None if there is no crosshair.
    radiological : bool
        Whether left is shown on the right.
    """

    frame: Frame = SCANNER
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pivot: tuple[float, float, float] | None = None
    point: tuple[float, float, float] | None = None
    radiological: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """Images, mask and slab, set in Prepare.

    Attributes
    ----------
    series, anatomy : napari Layer or None
    mask : Volume or None
        The mask in use; None for all voxels.
    mask_config : MaskConfig or None
        The strategy that made the mask; None for a mask that was painted or taken from a layer.
    mask_layer : napari Layer or None
        The layer that shows the mask.
    slab : Slab or None
        Settings of the slab that was cut last.
    slab_placement : RotatedSlab or None
        Voxel grid of that slab.
    slab_layer : napari Layer or None
        The cut series.
    """

    series: Layer | None = None
    anatomy: Layer | None = None
    mask: Volume | None = None
    mask_config: MaskConfig | None = None
    mask_layer: Layer | None = None
    slab: Slab | None = None
    slab_placement: RotatedSlab | None = None
    slab_layer: Layer | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Labeling:
    """Labels of the series, set in Labels.

    Attributes
    ----------
    labels : LabelsConfig or None
        The label source and its options.
    table : DataFrame or None
        One row per volume of the series.
    """

    labels: LabelsConfig | None = None
    table: DataFrame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Outcome of the last check or training.

    Attributes
    ----------
    prepared : Prepared or None
        Samples, folds and findings of the last check or training.
    result : RunResult or None
        Result of the last training, or of the run that was opened last.
    saved : SavedRun or None
        The run that was opened last, if its images could not be opened: then `result` is None.
    training : str
        Name of the decoder that is being trained; "" if there is none.
    """

    prepared: Prepared | None = None
    result: RunResult | None = None
    saved: SavedRun | None = None
    training: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The choices made in the docks of one viewer.

    Attributes
    ----------
    scene : Scene
    preparation : Preparation
    labeling : Labeling
    results : Results
    recipe : Recipe or None
        The recipe that was loaded last, with absolute paths; the forms of all docks show its options.
    """

    scene: Scene = field(default_factory=Scene)
    preparation: Preparation = field(default_factory=Preparation)
    labeling: Labeling = field(default_factory=Labeling)
    results: Results = field(default_factory=Results)
    recipe: Recipe | None = None

    @property
    def mask(self) -> Volume | None:
        """Short for `preparation.mask`."""
        return self.preparation.mask

    @property
    def table(self) -> DataFrame | None:
        """Short for `labeling.table`."""
        return self.labeling.table

    def with_changes(self, **changes: Any) -> State:
        """Copy the state with other values of some fields.

        Parameters
        ----------
        **changes
            "recipe" or fields of any part, such as "mask" or "table".

        Raises
        ------
        TypeError
            If no part has a field of that name.
        """
        parts: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            if name not in PART_OF:
                raise TypeError(f"State has no field {name!r}; its fields are {', '.join(PART_OF)}.")
            parts.setdefault(PART_OF[name], {})[name] = value
        own = parts.pop("", {})
        own |= {part: replace(getattr(self, part), **values) for part, values in parts.items()}
        return replace(self, **own)

    def values(self) -> dict[str, Any]:
        """Values of the fields of all parts, by name."""
        return {name: getattr(getattr(self, part) if part else self, name) for name, part in PART_OF.items()}

    def changed_fields(self, earlier: State) -> list[str]:
        """Names of the fields that are not the same objects as in an earlier state."""
        before = earlier.values()
        return [name for name, value in self.values().items() if value is not before[name]]


PART_OF = {
    **{f.name: "scene" for f in fields(Scene)},
    **{f.name: "preparation" for f in fields(Preparation)},
    **{f.name: "labeling" for f in fields(Labeling)},
    **{f.name: "results" for f in fields(Results)},
    "recipe": "",
}
"""The part of the state that holds each field; "" for the state itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """What was dropped because a layer in use was deleted or replaced.

    Attributes
    ----------
    message : str
        What happened, for the user.
    before : State
        The state before.
    removed : tuple of (int, Layer)
        Deleted layers and their place in the list, in the order of deletion.
    replaced : tuple of (Layer, Volume)
        Layers whose data were replaced, with their volumes before.
    """

    message: str
    before: State
    removed: tuple[tuple[int, Layer], ...] = ()
    replaced: tuple[tuple[Layer, HasVoxels], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of preparation that can be undone.

    Attributes
    ----------
    name : str
    scene, preparation : Scene, Preparation
        Before the step.
    layers : tuple of Layer
        Added by the step.
    hidden : tuple of Layer
        Hidden by the step.
    dropped : Dropped or None
        What was lost with a deleted or replaced layer, for such a step.
    """

    name: str
    scene: Scene
    preparation: Preparation
    layers: tuple[Layer, ...] = ()
    hidden: tuple[Layer, ...] = ()
    dropped: Dropped | None = None


LAYER_FIELDS = ("series", "anatomy", "mask_layer", "slab_layer")
"""Fields that hold a layer of the viewer, or None."""
