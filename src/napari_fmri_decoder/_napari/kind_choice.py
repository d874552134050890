"""Let a layer show its image as another kind, as the user states it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers import to_layer
from napari_fmri_decoder._napari.showing import show_in_place
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.opening import open_images
from napari_fmri_decoder.volumes.cache import on_copies
from napari_fmri_decoder.volumes.settling import STATED

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.volumes.volume import Kind, Volume


def as_kind(volume: Volume, kind: Kind | None) -> Volume:
    """Take a volume for another kind.

    Parameters
    ----------
    volume : Volume
        Read again where its files are there, so that TR, names and notes fit the kind; its place stays.
    kind : str or None
        None finds it out again.

    Raises
    ------
    InputError
        If the voxels are in no file, and the kind is to be found out.
    """
    files = [Path(part.path) for part in volume.parts]
    if files and all(path.exists() for path in files):
        again = on_copies(open_images(files, kind=kind or "auto", strict=False))
        if again.shape == volume.shape:
            return replace(again, affine=volume.affine, space=volume.space, name=volume.name)
    if kind is None:
        raise InputError("The kind is found out from a file, but these voxels are in none. Choose a kind.")
    step = volume.step if kind == "bold" else None
    return replace(volume, kind=kind, kind_from=STATED, step=step)


def change_kind(session: Session, layer: Layer, volume: Volume, kind: Kind | None) -> Layer:
    """Show a layer's image as another kind, and drop what was made of it as it was before.

    Parameters
    ----------
    session : Session
    layer : Layer
    volume : Volume
        What the layer shows.
    kind : str or None
        See `as_kind`.

    Returns
    -------
    Layer
        The same layer; another one where an image becomes labels, or labels an image.
    """
    changed = as_kind(volume, kind)
    of_type = to_layer(changed, session.state.frame)[2]
    chosen = session.state.series is layer
    if type(layer).__name__.lower() != of_type:
        made = session.add(changed)
        session.remove(layer)
        session.viewer.layers.selection.active = made
        return made
    if of_type == "labels":
        session.show(layer, changed)
    else:
        show_in_place(session, layer, changed)
        layer.name = volume.name or changed.kind
    if chosen:
        session.update(prepared=None, result=None)
    return layer
