"""Faults to plant, to know that the monkey finds faults; and what napari does without the plugin."""

from __future__ import annotations

from functools import wraps
from typing import Any

from monkey_watch import Known

EXCLUDED = (
    "Removing a Labels layer in paint mode: napari 0.9 ends with a segmentation fault in vispy's `on_draw`. "
    "The monkey leaves paint mode before it removes a layer, as the plugin does.",
    "Removing a layer of a viewer that has shown 3-D, and adding another: napari 0.9 ends with a "
    "segmentation fault under software OpenGL, if rarely. The monkey hides layers in such a viewer, as the "
    "plugin does.",
)
"""Crashes of napari without the plugin that the monkey does not cause."""

KNOWN: tuple[Known, ...] = (
    Known(("event-loop gap", "numba/core"), "napari compiles functions for labels, once per process"),
)
"""Errors of napari without the plugin that the monkey passes over."""


def plant_touch() -> None:
    """Let the View dock keep a layer that was removed, and touch it when a slider moves."""
    from napari_fmri_decoder._napari.view.dock import ViewDock

    init: Any = ViewDock.__init__

    @wraps(init)  # napari reads the names of its arguments
    def faulty(dock: Any, *args: Any, **options: Any) -> None:
        init(dock, *args, **options)
        kept: list[Any] = []
        dock.follow(dock.viewer.layers.events.removed, _taker(kept))
        dock.follow(dock.viewer.dims.events.point, _toucher(kept, dock.session))

    ViewDock.__init__ = faulty  # type: ignore[method-assign, assignment]


def _taker(kept: list[Any]) -> Any:
    return lambda event: kept.append(event.value)


def _toucher(kept: list[Any], session: Any) -> Any:
    return lambda event: [session.viewer.layers.index(layer) for layer in kept]


def plant_keep() -> None:
    """Let the docks keep the series, anatomy, mask or slab whose layer was removed; nothing else happens."""
    from napari_fmri_decoder._napari.viewer.in_use import LayersInUse

    LayersInUse.on_removed = lambda *_: None  # type: ignore[method-assign]


PLANTS = {"touch": plant_touch, "keep": plant_keep}
