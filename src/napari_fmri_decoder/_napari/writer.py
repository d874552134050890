"""Write a layer as NIfTI: its true voxels where they truly lie, whatever frame the viewer shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_fmri_decoder._napari.from_layer import volume_of
from napari_fmri_decoder._napari.layers import KEY, SCANNER
from napari_fmri_decoder._napari.reader import current_viewer
from napari_fmri_decoder._napari.session import Session
from napari_fmri_decoder._napari.view import brain_layers
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
        # napari takes a ValueError for a writer that does not suit, and would not show its message.
        raise OSError(str(error)) from error


def write_layer(path: str | Path, data: Any, meta: dict[str, Any], kind: str) -> Path:
    """Write a layer.

    Parameters
    ----------
    path : str or Path
        Ends in .nii or .nii.gz.
    data, meta, kind
        The layer, as napari hands it over.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the layer holds no volume, or a series is still being read from that very file.
    """
    viewer = current_viewer()
    frame = Session.of(viewer).state.frame if viewer is not None else SCANNER
    kept = meta.get("metadata", {}).get(KEY)
    volume = kept if isinstance(kept, Volume) else volume_of(Layer.create(data, meta, kind), frame)
    if volume is None:
        raise InputError(
            f"A layer must have axes (z, y, x) or (n, z, y, x) to be saved as NIfTI, "
            f"'{meta.get('name', '')}' has shape {tuple(data.shape)}. Save it in another format."
        )
    others = [layer.metadata[KEY] for layer in brain_layers(viewer)] if viewer else []
    if any(_reads(other, path) for other in [volume, *others]):
        raise InputError(
            f"A series must not be saved over a file that it is read from, as {Path(path).name} is. "
            "Choose another name."
        )
    return write(volume, path)


def _reads(volume: Volume, path: str | Path) -> bool:
    """Whether a volume still reads from a file as it is asked for."""
    lazy = not isinstance(volume.data, np.ndarray)
    target = Path(path).resolve()
    return lazy and any(Path(part.path).resolve() == target for part in getattr(volume, "parts", ()))
