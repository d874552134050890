"""Read image files, and folders of them, into layers, with few imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from napari_fmri_decoder._napari.layers.to_layer import KEY, to_layer
from napari_fmri_decoder._napari.viewer.current import current_viewer
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.run_files import is_run_folder
from napari_fmri_decoder.samples.opening import open_images
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.cache import on_copies, slow_files, slow_to_seek
from napari_fmri_decoder.volumes.files import has_images, natural_key

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.layers.to_layer import LayerData
    from napari_fmri_decoder.volumes.volume import Volume

PathOrPaths = str | Path | Sequence[str | Path]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[Any]] | None:
    """Return the reader of a path; None if it is no image, no folder of images and no run folder."""
    paths = _as_list(path)
    if len(paths) == 1 and paths[0].is_dir() and is_run_folder(paths[0]):
        return open_run_in_viewer if current_viewer() is not None else None
    if paths and all(map(has_images, paths)):
        return open_in_viewer
    return None


def open_in_viewer(path: PathOrPaths) -> list[Any]:
    """Read like `read_layers`, but show an error as a notification in a napari window.

    Of an exception, napari would only show that the plugin failed.
    """
    viewer = current_viewer()
    if viewer is None:
        return list(read_layers(path))
    from napari_fmri_decoder._napari.qt.context_menu import offer_saving
    from napari_fmri_decoder._napari.qt.notifications import notify_error, notify_note
    from napari_fmri_decoder._napari.viewer.first_volume import begin_at_first_volume
    from napari_fmri_decoder._napari.viewer.session import Session

    session = Session.of(viewer)
    offer_saving()
    try:
        layers = read_layers(path)
        for _, meta, _ in layers:
            session.refuse_mixing(meta["metadata"][KEY])
    except InputError as error:
        notify_error(error)
        return [(None,)]  # npe2's convention for a file that was read but gives no layer
    for _, meta, _ in layers:
        notify_note(*notes_on(meta["metadata"][KEY]))
    begin_at_first_volume(viewer)
    return list(layers)


def open_run_in_viewer(path: PathOrPaths) -> list[Any]:
    """Open a run folder in the viewer that napari is reading for: its layers come when they are read."""
    from qtpy.QtCore import QTimer

    viewer, (folder,) = current_viewer(), _as_list(path)
    if viewer is not None:
        QTimer.singleShot(0, partial(_open_run, ref(viewer), folder))
    return [(None,)]  # npe2's convention for a file that was read but gives no layer


def _open_run(viewer: ReferenceType[Viewer], folder: Path) -> None:
    from napari_fmri_decoder._napari.qt.notifications import guard
    from napari_fmri_decoder._napari.results.open_run import open_run

    here = viewer()
    if here is not None:
        with guard():
            open_run(here, folder)


def notes_on(volume: Volume) -> tuple[str, ...]:
    """Return notes on an image, and how to speed up a slow one."""
    slow = slow_files(volume)
    if not slow:
        return volume.notes
    more = f" (and {len(slow) - 1} more)" if len(slow) > 1 else ""
    how = '"Keep an uncompressed copy", in the View dock, makes all of them quick.'
    return (*volume.notes, f"{slow_to_seek(slow[0])}{more} {how}")


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read a file, a folder of maps, or several files of one grid as one series.

    Parameters
    ----------
    path : str, Path, or sequence of these
        napari passes several paths only if they are to be stacked.

    Returns
    -------
    list of one LayerDataTuple

    Raises
    ------
    InputError
        See `volumes.read.read`.
    """
    paths = _as_list(path)
    volume = open_images(paths, strict=False)
    if paths != sorted(paths, key=natural_key):
        order = ", ".join(printable(path.name) for path in paths[:8]) + (", ..." if len(paths) > 8 else "")
        volume = replace(volume, notes=(*volume.notes, f"The files are concatenated in this order: {order}."))
    return [to_layer(on_copies(volume))]


def _as_list(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, (str, Path)) else [Path(p) for p in path]
