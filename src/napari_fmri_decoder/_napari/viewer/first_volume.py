"""Open a series at its first volume; napari would go to the middle one, deep in a gz file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel


def begin_at_first_volume(viewer: ViewerModel) -> None:
    """Make an empty viewer show the first volume of the next series, and read no other.

    With the first layer napari moves every slider to the middle and reads the data there, before any
    listener of a plugin is called. So its method for this is replaced, once.
    """
    dims = viewer.dims
    if len(viewer.layers) or not hasattr(dims, "_go_to_center_step"):
        return

    def go_to_center() -> None:
        dims.__dict__.pop("_go_to_center_step", None)
        lead = max(dims.ndim - 3, 0)
        dims.current_step = tuple(0 if i < lead else int((n - 1) / 2) for i, n in enumerate(dims.nsteps))

    dims.__dict__["_go_to_center_step"] = go_to_center
