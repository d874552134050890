"""Set the docks from a recipe: images, mask, slab and labels, as if the user had set them.

`read_recipe_data` reads the files, in a thread; `show_recipe_data` shows them in the viewer. Missing files
are reported, and everything else is set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.viewer.camera import brain_layers, center_view
from napari_fmri_decoder._napari.viewer.first_volume import begin_at_first_volume
from napari_fmri_decoder._napari.viewer.in_use import NO_MASK
from napari_fmri_decoder._napari.viewer.preparation import Masked, mask_from_config
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.dataset import found_in_dataset
from napari_fmri_decoder.pipeline.inputs import changed_inputs
from napari_fmri_decoder.pipeline.preparing import open_series
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.volumes.cache import on_copies
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.volumes.slabs import RotatedSlab
    from napari_fmri_decoder.volumes.volume import Volume

Result = TypeVar("Result")
MASK, SLAB = "mask", "slab"
"""Names of steps, as in the Prepare dock."""


@dataclass(frozen=True, slots=True, eq=False)
class RecipeData:
    """Data of a recipe, as far as they could be read.

    Attributes
    ----------
    recipe : Recipe
        With absolute paths.
    series, anatomy : Volume or None
    mask : Masked or None
    slab_placement : RotatedSlab or None
    table : DataFrame or None
        Labels, one row per volume.
    missing : tuple of str
        One message per file that could not be read.
    notes : tuple of str
        Files that were changed or moved since the run of this recipe.
    """

    recipe: Recipe
    series: Volume | None = None
    anatomy: Volume | None = None
    mask: Masked | None = None
    slab_placement: RotatedSlab | None = None
    table: pd.DataFrame | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_recipe_data(
    recipe: Recipe,
    watch: Callable[[Volume], Volume],
    folder: Path | None = None,
    in_memory: Sequence[Volume] = (),
) -> RecipeData:
    """Read the files of a recipe.

    Parameters
    ----------
    recipe : Recipe
        With absolute paths.
    watch : callable
        See `pipeline.prepare_steps`.
    folder : Path, optional
        Folder of the recipe. A run folder records its input files, and changed files give a note.
    in_memory : sequence of Volume
        Shown in the viewer, and made from no file, such as a sample. A run folder has a copy of its series,
        which is not shown a second time: the one in the viewer is used.
    """
    base, missing = Path(), list[str]()

    def tried(make: Callable[[], Result]) -> Result | None:
        try:
            return make()
        except (InputError, OSError) as error:
            missing.append(str(error))
            return None

    anatomy = series = mask = placement = table = None
    resolved = tried(lambda: found_in_dataset(recipe, base)[0])
    changed = tried(lambda: changed_inputs(resolved, folder)) if resolved and folder else None
    data = (resolved or recipe).data
    if data.anatomy is not None:
        path = data.anatomy
        anatomy = tried(lambda: read(path))
    if resolved is not None:
        series = tried(lambda: on_copies(open_series(resolved, base)))
    if series is not None:
        opened = series
        series = tried(lambda: next((one for one in in_memory if same_voxels(one, opened)), opened))
    if series is not None:
        watched, config, slab = watch(series), data.mask, recipe.slab
        if config is not None:
            mask = tried(lambda: mask_from_config(config, watched))
        if slab is not None:
            placement = tried(lambda: slab.placed(watched, mask.mask if mask else None))
        labels = tried(lambda: label_table(recipe.labels, series, base))
        table = labels[0] if labels else None
    messages = tuple(dict.fromkeys(missing)), tuple(changed or ())
    return RecipeData(recipe, series, anatomy, mask, placement, table, *messages)


def show_recipe_data(session: Session, data: RecipeData) -> tuple[str, ...]:
    """Show the data of a recipe in the viewer, and choose them in the docks.

    Existing layers of the same files are used instead of adding new ones.

    Returns
    -------
    tuple of str
        Messages about missing files.
    """
    begin_at_first_volume(session.viewer)
    if data.anatomy is not None:
        session.update(anatomy=_existing_layer(session, data.anatomy) or session.add(data.anatomy))
    if data.series is None:
        return data.missing
    try:
        layer = _existing_layer(session, data.series) or session.add(data.series)
    except InputError as error:
        return (*data.missing, str(error))
    labels = data.recipe.labels
    session.update(series=layer, labels=labels, table=data.table, prepared=None, result=None)
    if data.mask is not None or session.state.preparation.mask is not None:
        apply_mask(session, data.mask)
    slab = data.recipe.slab
    if slab is not None and data.slab_placement is not None:
        apply_slab(session, slab, data.slab_placement)
    elif session.state.preparation.slab is not None:
        straight = (0.0, 0.0, 0.0)
        session.take_step(
            "no slab",
            slab=None,
            slab_placement=None,
            slab_layer=None,
            frame=SCANNER,
            angles=straight,
            pivot=None,
        )
    return data.missing


def apply_mask(session: Session, made: Masked | None) -> None:
    """Apply or remove a mask, as in Prepare; a layer with the same mask is used, other masks are hidden."""
    old = [layer for step in session.steps if step.name == MASK for layer in step.layers]
    if made is None:
        session.take_step("no mask", hide=old, **NO_MASK)
        return
    layer = next((one for one in old if _shows(session, one, made.mask)), None)
    if layer is None:
        added = [session.add(made.mask)]
        layer = added[0]
    else:
        added = []
    others = [one for one in old if one is not layer]
    session.take_step(MASK, added, hide=others, mask=made.mask, mask_config=made.config, mask_layer=layer)


def apply_slab(session: Session, config: SlabConfig, placement: RotatedSlab) -> None:
    """Cut a slab as in Prepare, but without a layer of the cut series."""
    session.take_step(
        SLAB,
        slab=config.slab(),
        slab_placement=placement,
        frame=placement.screen,
        angles=(config.rotate_x, config.rotate_y, config.rotate_z),
        pivot=config.slab().pivot,
    )
    center_view(session.viewer, session.state.scene.frame.to_frame(placement.scanner.corners).mean(axis=0))


def _existing_layer(session: Session, volume: Volume) -> Layer | None:
    """Find the layer that shows this volume, or the same files with the same grid and TR."""
    for layer in brain_layers(session.viewer):
        shown = session.volume(layer)
        if shown is volume:
            return layer
        if shown is not None and shown.parts and _files(shown) == _files(volume) and _alike(shown, volume):
            return layer
    return None


def volumes_in_memory(session: Session) -> list[Volume]:
    """The series in the viewer that come from no file; see `read_recipe_data`."""
    volumes = [
        session.volume(layer) for layer in brain_layers(session.viewer) if HELPER not in layer.metadata
    ]
    return [volume for volume in volumes if volume is not None and volume.is_series and not volume.parts]


def same_voxels(one: Volume, other: Volume) -> bool:
    """Whether two volumes have the same grid, TR and voxels; reads until the first difference."""
    if not _alike(one, other):
        return False
    return all(np.array_equal(one.at(i), other.at(i), equal_nan=True) for i in range(one.n_volumes))


def _alike(one: Volume, other: Volume) -> bool:
    same = one.n_volumes == other.n_volumes and one.step == other.step
    return same and one.grid.same_as(other.grid)


def _shows(session: Session, layer: Layer, mask: Volume) -> bool:
    shown = session.volume(layer) if layer in session.viewer.layers else None
    return shown is not None and same_voxels(shown, mask)


def _files(volume: Volume) -> list[tuple[Path, int]]:
    return [(Path(part.path).absolute(), part.n_volumes) for part in volume.parts]
