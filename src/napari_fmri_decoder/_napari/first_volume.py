"""A series opens at its first volume; napari would go to the middle one, far into a gz file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel


def begin_at_first_volume(viewer: ViewerModel) -> None:
    """Let an empty viewer show the first volume of what it gets next, and read no other.

    With its first layer napari moves every slider to the middle, and reads what lies there before
    a plugin hears of it: its own listeners always come first. So it is told, once, what the middle is.
    """
    dims = viewer.dims
    if len(viewer.layers) or not hasattr(dims, "_go_to_center_step"):
        return

    def go_to_center() -> None:
        dims.__dict__.pop("_go_to_center_step", None)
        lead = max(dims.ndim - 3, 0)
        dims.current_step = tuple(0 if i < lead else int((n - 1) / 2) for i, n in enumerate(dims.nsteps))

    dims.__dict__["_go_to_center_step"] = go_to_center
