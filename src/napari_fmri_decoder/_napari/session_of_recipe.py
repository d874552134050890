"""From a recipe to what the docks hold: its images, mask, slab and labels, as if they were set by hand.

`find` reads, in a thread; `show` brings what was found into the viewer. What is not there any more is
said, and all the rest is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_fmri_decoder._napari.first_volume import begin_at_first_volume
from napari_fmri_decoder._napari.layers import SCANNER
from napari_fmri_decoder._napari.prepare_steps import Masked, mask_of
from napari_fmri_decoder._napari.view import brain_layers, look_at
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.dataset import found_in_dataset
from napari_fmri_decoder.pipeline.inputs import changed_inputs
from napari_fmri_decoder.pipeline.preparing import open_series
from napari_fmri_decoder.samples.labels import label_table
from napari_fmri_decoder.volumes.cache import on_copies
from napari_fmri_decoder.volumes.nifti import read

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Layer

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.volumes.slabs import RotatedSlab
    from napari_fmri_decoder.volumes.volume import Volume

Made = TypeVar("Made")
MASK, SLAB = "mask", "slab"
"""Names of the steps that the docks take, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a recipe names, as far as it could be read.

    Attributes
    ----------
    recipe : Recipe
        With absolute paths.
    series, anatomy : Volume or None
    mask : Masked or None
    where : RotatedSlab or None
        Of the slab.
    table : DataFrame or None
        The labels, one row per volume.
    missing : tuple of str
        What could not be read, in sentences.
    notes : tuple of str
        Which files have changed since the run of this recipe, or are no longer where they were.
    """

    recipe: Recipe
    series: Volume | None = None
    anatomy: Volume | None = None
    mask: Masked | None = None
    where: RotatedSlab | None = None
    table: pd.DataFrame | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find(recipe: Recipe, watch: Callable[[Volume], Volume], folder: Path | None = None) -> Found:
    """Read what a recipe names.

    Parameters
    ----------
    recipe : Recipe
        With absolute paths.
    watch : callable
        See `pipeline.prepare_steps`.
    folder : Path, optional
        Of the recipe's file. A run folder knows what its files were, and what differs is a note.
    """
    base, missing = Path(), list[str]()

    def tried(make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except (InputError, OSError) as error:
            missing.append(str(error))
            return None

    anatomy = series = mask = where = table = None
    resolved = tried(lambda: found_in_dataset(recipe, base)[0])
    changed = tried(lambda: changed_inputs(resolved, folder)) if resolved and folder else None
    data = (resolved or recipe).data
    if data.anatomy is not None:
        path = data.anatomy
        anatomy = tried(lambda: read(path))
    if resolved is not None:
        series = tried(lambda: on_copies(open_series(resolved, base)))
    if series is not None:
        seen, config, slab = watch(series), data.mask, recipe.slab
        if config is not None:
            mask = tried(lambda: mask_of(config, seen))
        if slab is not None:
            where = tried(lambda: slab.placed(seen, mask.mask if mask else None))
        labels = tried(lambda: label_table(recipe.labels, series, base))
        table = labels[0] if labels else None
    said = tuple(dict.fromkeys(missing)), tuple(changed or ())
    return Found(recipe, series, anatomy, mask, where, table, *said)


def show(session: Session, found: Found) -> tuple[str, ...]:
    """Bring what was found into the viewer, and let it be chosen.

    A layer that shows these very files is taken; no second one is added.

    Returns
    -------
    tuple of str
        What is missing.
    """
    begin_at_first_volume(session.viewer)
    if found.anatomy is not None:
        session.update(anatomy=_shown(session, found.anatomy) or session.add(found.anatomy))
    if found.series is None:
        return found.missing
    try:
        layer = _shown(session, found.series) or session.add(found.series)
    except InputError as error:
        return (*found.missing, str(error))
    labels = found.recipe.labels
    session.update(series=layer, labels=labels, table=found.table, prepared=None, result=None)
    if found.mask is not None or session.state.mask is not None:
        take_mask(session, found.mask)
    slab = found.recipe.slab
    if slab is not None and found.where is not None:
        take_slab(session, slab, found.where)
    elif session.state.slab is not None:
        straight = (0.0, 0.0, 0.0)
        session.take_step("no slab", slab=None, where=None, slab_layer=None, frame=SCANNER, angles=straight)
    return found.missing


def take_mask(session: Session, made: Masked | None) -> None:
    """Do what Apply mask, or No mask, does: the masks before are hidden."""
    old = [layer for step in session.steps if step.name == MASK for layer in step.layers]
    if made is None:
        session.take_step("no mask", hide=old, mask=None, mask_options=None)
    else:
        layer = session.add(made.mask)
        session.take_step(MASK, [layer], hide=old, mask=made.mask, mask_options=made.config)


def take_slab(session: Session, config: SlabConfig, where: RotatedSlab) -> None:
    """Do what Cut slab does, without the cut series: training cuts its own."""
    session.take_step(
        SLAB,
        slab=config.slab(),
        where=where,
        frame=where.screen,
        angles=(config.rotate_x, config.rotate_y, config.rotate_z),
    )
    look_at(session.viewer, session.state.frame.to_frame(where.scanner.corners).mean(axis=0))


def _shown(session: Session, volume: Volume) -> Layer | None:
    """Find the layer that shows these files, read this way."""
    for layer in brain_layers(session.viewer):
        there = session.volume(layer)
        if there is not None and there.parts and _files(there) == _files(volume):
            same = there.grid.same_as(volume.grid) and there.step == volume.step
            if same and there.n_volumes == volume.n_volumes:
                return layer
    return None


def _files(volume: Volume) -> list[tuple[Path, int]]:
    return [(Path(part.path).absolute(), part.n_volumes) for part in volume.parts]
