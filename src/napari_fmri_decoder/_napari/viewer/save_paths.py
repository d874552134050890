"""Where images are saved: a suggested file, and files that must not be overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.derived_names import file_name, with_ending
from napari_fmri_decoder.volumes.files import ending
from napari_fmri_decoder.volumes.nifti import check_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari import Viewer

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.volume import Volume


class LastFolder:
    """The folder in which a file was saved last from a viewer.

    Attributes
    ----------
    folder : Path or None
    """

    def __init__(self, session: Session) -> None:
        self.folder: Path | None = None


def suggested_path(session: Session, name: str, source: Volume | None) -> Path:
    """Suggest a file: in the folder that was used last, else in that of the source, else at home.

    Parameters
    ----------
    session : Session
    name : str
        Of the file.
    source : Volume or None
        What the file is made from.
    """
    known = session.part(LastFolder).folder
    if known is None and source is not None and source.parts:
        known = folder_of(source)
    return (known if known is not None and os.access(known, os.W_OK) else Path.home()) / name


def target(viewer: Viewer | None, path: str | Path, saved: Iterable[object] = ()) -> Path:
    """Check where an image is saved.

    Parameters
    ----------
    viewer : napari Viewer or None
        Its layers may read from files.
    path : str or Path
        .nii.gz is added to a name without an ending.
    saved : iterable of Volume
        What is saved.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the path has another ending or is a folder, if a series is read from that file, or if a file
        with the added ending exists.
    """
    full = with_ending(path)
    check_target(full)
    if full != Path(path) and full.exists():
        raise InputError(f"{printable(full)} already exists. Choose another name, or type the whole name.")
    others = [layer.metadata[KEY] for layer in brain_layers(viewer)] if viewer is not None else []
    if any(_reads(other, full) for other in [*saved, *others]):
        raise InputError(
            f"A file from which a series is read, like {full.name}, must not be overwritten. "
            "Choose another name."
        )
    return full


def one_file_each(path: str | Path, names: Iterable[str]) -> list[Path]:
    """Name a file per layer: the name and the ending of `path`, with the layer's name between them.

    Raises
    ------
    InputError
        If one of them exists, or `path` has another ending.
    """
    full = with_ending(path)
    check_target(full)
    end = ending(full)
    start = full.name.removesuffix(end)
    files: list[Path] = []
    for name in names:
        base = f"{start}_{file_name(name)}"
        numbers = (full.with_name(f"{base}{'' if i == 1 else f'_{i}'}{end}") for i in range(1, 10_000))
        files.append(next(file for file in numbers if file not in files))
    if taken := [file.name for file in files if file.exists()]:
        raise InputError(f"{printable(taken[0])} already exists in {full.parent}. Choose another name.")
    return files


def free_files(folder: Path, names: Iterable[str]) -> list[Path]:
    """Name a new file per layer in a folder, after the layer."""
    files: list[Path] = []
    for name in names:
        base = file_name(name)
        numbers = (folder / f"{base}{'' if i == 1 else f'_{i}'}.nii.gz" for i in range(1, 10_000))
        files.append(next(file for file in numbers if file not in files and not file.exists()))
    return files


def volume_to_save(volume: Volume | None, name: str, shape: tuple[int, ...]) -> Volume:
    """Return the volume of a layer, or raise `InputError` if it has none.

    Parameters
    ----------
    volume : Volume or None
    name : str
        Of the layer.
    shape : tuple of int
        Of its data.
    """
    if volume is None:
        raise InputError(
            "A layer must be an image or labels with axes (z, y, x) or (n, z, y, x) to be saved as NIfTI, "
            f"but '{name}' has shape {tuple(shape)}. Save it in another format."
        )
    return volume


def _reads(volume: object, path: Path) -> bool:
    """Whether a volume reads lazily from a file."""
    lazy = not isinstance(getattr(volume, "data", None), np.ndarray)
    wanted = path.resolve()
    return lazy and any(Path(part.path).resolve() == wanted for part in getattr(volume, "parts", ()))
