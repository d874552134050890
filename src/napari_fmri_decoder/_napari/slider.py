"""The viewer's sliders in the words of the plugin: which volume, which filter.

World axes are [filter,] n, z, y, x; a volume of a series lies at its position times its seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer


def volume_shown(viewer: Viewer, step: float | None) -> int:
    """Tell which volume the viewer shows.

    Parameters
    ----------
    viewer : napari Viewer
    step : float or None
        Seconds from one volume of the series to the next, if it is one in time.
    """
    axis = viewer.dims.ndim - 4
    return round(viewer.dims.point[axis] / (step or 1.0)) if axis >= 0 else 0


def show_volume(viewer: Viewer, volume: int, step: float | None) -> None:
    """Move the viewer to a volume of the series; see `volume_shown`."""
    axis = viewer.dims.ndim - 4
    if axis >= 0:
        viewer.dims.set_point(axis, volume * (step or 1.0))


def filter_shown(viewer: Viewer) -> int:
    """Tell which filter the viewer shows."""
    axis = viewer.dims.ndim - 5
    return round(viewer.dims.point[axis]) if axis >= 0 else 0


def show_filter(viewer: Viewer, number: int) -> None:
    """Move the viewer to a filter."""
    axis = viewer.dims.ndim - 5
    if axis >= 0:
        viewer.dims.set_point(axis, number)
