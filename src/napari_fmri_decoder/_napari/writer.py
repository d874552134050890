"""Write a layer as NIfTI: its original voxels in scanner space, independent of the frame of the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.from_layer import volume_of
from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.current import current_viewer
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume


def write_image(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer for napari; see `write_layer`."""
    return _for_napari(path, data, meta, "image")


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer for napari; see `write_layer`."""
    return _for_napari(path, data, meta, "labels")


def _for_napari(path: str, data: Any, meta: dict[str, Any], kind: str) -> list[str]:
    try:
        return [str(write_layer(path, data, meta, kind))]
    except InputError as error:
        # napari takes a ValueError for an unsuitable writer and would not show its message
        raise OSError(str(error)) from error


def write_layer(path: str | Path, data: Any, meta: dict[str, Any], kind: str) -> Path:
    """Write a layer.

    Parameters
    ----------
    path : str or Path
        Ends with .nii or .nii.gz.
    data, meta, kind
        The layer, as passed by napari.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the layer is not a volume, or if a series is read from this file.
    """
    viewer = current_viewer()
    frame = Session.of(viewer).state.scene.frame if viewer is not None else SCANNER
    known = meta.get("metadata", {}).get(KEY)
    volume = known if isinstance(known, Volume) else volume_of(Layer.create(data, meta, kind), frame)
    if volume is None:
        raise InputError(
            f"A layer must have axes (z, y, x) or (n, z, y, x) to be saved as NIfTI, but "
            f"'{meta.get('name', '')}' has shape {tuple(data.shape)}. Save it in another format."
        )
    others = [layer.metadata[KEY] for layer in brain_layers(viewer)] if viewer else []
    if any(_reads(other, path) for other in [volume, *others]):
        raise InputError(
            f"A file from which a series is read, like {Path(path).name}, must not be overwritten. "
            "Choose another name."
        )
    return write(volume, path)


def _reads(volume: Volume, path: str | Path) -> bool:
    """Whether a volume reads lazily from a file."""
    lazy = not isinstance(volume.data, np.ndarray)
    target = Path(path).resolve()
    return lazy and any(Path(part.path).resolve() == target for part in getattr(volume, "parts", ()))
