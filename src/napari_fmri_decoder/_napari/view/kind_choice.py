"""Change the kind of a layer's image, as stated by the user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers.to_layer import to_layer
from napari_fmri_decoder._napari.viewer.replace_series import replace_series
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.opening import open_images
from napari_fmri_decoder.volumes.cache import on_copies
from napari_fmri_decoder.volumes.kind_and_tr import STATED

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.volume import Kind, Volume


def as_kind(volume: Volume, kind: Kind | None) -> Volume:
    """Return a volume as another kind.

    Parameters
    ----------
    volume : Volume
        Read again if its files exist, so that TR, names and notes fit the kind; its position is kept.
    kind : str or None
        None determines it from the file.

    Raises
    ------
    InputError
        If the kind is None and the voxels are in no file.
    """
    files = [Path(part.path) for part in volume.parts]
    if files and all(path.exists() for path in files):
        again = on_copies(open_images(files, kind=kind or "auto", strict=False))
        if again.shape == volume.shape:
            return replace(again, affine=volume.affine, space=volume.space, name=volume.name)
    if kind is None:
        raise InputError(
            "The kind is determined from a file, but these voxels are not from a file. Choose a kind."
        )
    step = volume.step if kind == "bold" else None
    return replace(volume, kind=kind, kind_from=STATED, step=step)


def change_kind(session: Session, layer: Layer, volume: Volume, kind: Kind | None) -> Layer:
    """Show a layer's image as another kind, and discard results that used the old kind.

    Parameters
    ----------
    session : Session
    layer : Layer
    volume : Volume
        The volume of the layer.
    kind : str or None
        See `as_kind`.

    Returns
    -------
    Layer
        The same layer, or a new one where an image becomes labels or labels an image.
    """
    changed = as_kind(volume, kind)
    layer_type = to_layer(changed, session.state.scene.frame)[2]
    is_series = session.state.preparation.series is layer
    if type(layer).__name__.lower() != layer_type:
        new = session.add(changed)
        session.remove(layer)
        session.viewer.layers.selection.active = new
        return new
    if layer_type == "labels":
        session.show(layer, changed)
    else:
        replace_series(session, layer, changed)
        layer.name = volume.name or changed.kind
    if is_series:
        session.update(prepared=None, result=None)
    return layer
