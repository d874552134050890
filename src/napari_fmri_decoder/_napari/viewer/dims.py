"""Get and set the shown volume and filter, which are positions of the viewer's sliders.

World axes are [filter,] n, z, y, x; volume i of a series is at i times the TR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer


def volume_shown(viewer: Viewer, step: float | None) -> int:
    """Index of the volume that the viewer shows.

    Parameters
    ----------
    viewer : napari Viewer
    step : float or None
        TR in seconds for a time series.
    """
    axis = viewer.dims.ndim - 4
    return round(viewer.dims.point[axis] / (step or 1.0)) if axis >= 0 else 0


def show_volume(viewer: Viewer, volume: int, step: float | None) -> None:
    """Show a volume of the series; see `volume_shown`."""
    axis = viewer.dims.ndim - 4
    if axis >= 0:
        viewer.dims.set_point(axis, volume * (step or 1.0))


def filter_shown(viewer: Viewer) -> int:
    """Index of the filter that the viewer shows."""
    axis = viewer.dims.ndim - 5
    return round(viewer.dims.point[axis]) if axis >= 0 else 0


def show_filter(viewer: Viewer, number: int) -> None:
    """Show a filter."""
    axis = viewer.dims.ndim - 5
    if axis >= 0:
        viewer.dims.set_point(axis, number)
