"""Write layers as NIfTI: their original voxels in scanner space, independent of the frame of the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Layer

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.from_layer import volume_of
from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.viewer.current import current_viewer
from napari_fmri_decoder._napari.viewer.save_paths import one_file_each, target, volume_to_save
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

LayerTuple = tuple[Any, dict[str, Any], str]
"""Data, properties and type of a layer, as passed by napari."""


def write_image(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer for napari; see `write_files`."""
    return write_layers(path, [(data, meta, "image")])


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer for napari; see `write_files`."""
    return write_layers(path, [(data, meta, "labels")])


def write_layers(path: str, layers: list[LayerTuple]) -> list[str]:
    """Write layers for napari; see `write_files`."""
    try:
        return [str(file) for file in write_files(path, layers)]
    except InputError as error:
        if current_viewer() is not None:
            from napari_fmri_decoder._napari.qt.notifications import unfold_soon

            unfold_soon(str(error))
        # napari takes a ValueError for an unsuitable writer and would not show its message
        raise OSError(str(error)) from error


def write_files(path: str | Path, layers: list[LayerTuple]) -> list[Path]:
    """Write a layer to a file, or each of several layers to one that is named after it as well.

    Parameters
    ----------
    path : str or Path
        Ends with .nii or .nii.gz; .nii.gz is added to a name without an ending.
    layers : list of tuple
        Data, properties and type of each layer.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If a layer is not a volume, if a series is read from a file, or if a file cannot be written.
    """
    viewer = current_viewer()
    frame = Session.of(viewer).state.scene.frame if viewer is not None else SCANNER
    volumes: list[Volume] = []
    for data, meta, kind in layers:
        known = meta.get("metadata", {}).get(KEY)
        volume = known if isinstance(known, Volume) else volume_of(Layer.create(data, meta, kind), frame)
        volumes.append(volume_to_save(volume, str(meta.get("name", "")), data.shape))
    if len(volumes) == 1:
        files = [target(viewer, path, volumes)]
    else:
        names = [str(meta.get("name", "")) for _, meta, _ in layers]
        files = [target(viewer, file, volumes) for file in one_file_each(path, names)]
    if viewer is None or not any(volume.is_series for volume in volumes):
        return [write(volume, file) for volume, file in zip(volumes, files, strict=True)]
    from napari_fmri_decoder._napari.qt.saving import Saving

    return Session.of(viewer).part(Saving).save_and_wait(dict(zip(files, volumes, strict=True)))
