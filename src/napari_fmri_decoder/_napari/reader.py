"""Read image files, and folders of them, into layers. Loads nothing that a scan does not need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers import KEY, to_layer
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.opening import open_images
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.cache import on_copies, slow_files, slow_to_seek
from napari_fmri_decoder.volumes.nifti import images_in, is_image, natural_key

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.layers import LayerData
    from napari_fmri_decoder.volumes.volume import Volume

PathOrPaths = str | Path | Sequence[str | Path]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[Any]] | None:
    """Find what reads a path; None for anything but images and folders that hold some."""
    paths = _as_list(path)
    if paths and all(is_image(p) or (p.is_dir() and images_in(p)) for p in paths):
        return open_in_viewer
    return None


def open_in_viewer(path: PathOrPaths) -> list[Any]:
    """Read as `read_layers` does; in a napari window an error is one notification, not an exception.

    napari would show no more of an exception than that the plugin failed.
    """
    viewer = current_viewer()
    if viewer is None:
        return list(read_layers(path))
    from napari_fmri_decoder._napari.first_volume import begin_at_first_volume
    from napari_fmri_decoder._napari.notify import mention, tell
    from napari_fmri_decoder._napari.session import Session

    session = Session.of(viewer)
    try:
        layers = read_layers(path)
        for _, meta, _ in layers:
            session.refuse_mixing(meta["metadata"][KEY])
    except InputError as error:
        tell(error)
        return [(None,)]  # npe2's sign for: read, but no layer
    for _, meta, _ in layers:
        mention(*notes_on(meta["metadata"][KEY]))
    begin_at_first_volume(viewer)
    return list(layers)


def notes_on(volume: Volume) -> tuple[str, ...]:
    """Say what to know before believing an image, and how a slow one becomes quick."""
    slow = slow_files(volume)
    if not slow:
        return volume.notes
    more = f" (and {len(slow) - 1} more like it)" if len(slow) > 1 else ""
    how = '"Keep an uncompressed copy", in the dock View, puts all of them at hand.'
    return (*volume.notes, f"{slow_to_seek(slow[0])}{more} {how}")


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read one file, one folder of maps, or several files of one grid as one series.

    Parameters
    ----------
    path : str, Path, or sequence of these
        napari hands over several paths only where they are to be stacked.

    Returns
    -------
    list of one LayerDataTuple

    Raises
    ------
    InputError
        See `volumes.nifti.read`.
    """
    paths = _as_list(path)
    volume = open_images(paths, strict=False)
    if paths != sorted(paths, key=natural_key):
        order = ", ".join(printable(path.name) for path in paths[:8]) + (", ..." if len(paths) > 8 else "")
        volume = replace(volume, notes=(*volume.notes, f"Files are joined in the order given: {order}."))
    return [to_layer(on_copies(volume))]


def current_viewer() -> Viewer | None:
    """Find the napari window that is open, without importing napari where it is not."""
    napari: Any = sys.modules.get("napari")
    return napari.current_viewer() if napari is not None else None


def _as_list(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, (str, Path)) else [Path(p) for p in path]
