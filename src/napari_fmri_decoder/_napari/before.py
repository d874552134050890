"""What there was before a step, to be put back if the step fails half way."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers import KEY
from napari_fmri_decoder._napari.state import State, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Layer

    from napari_fmri_decoder._napari.layers import Placed
    from napari_fmri_decoder._napari.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a layer showed: whether it was seen, its name, and its volume, if it is a brain layer."""

    visible: bool
    name: str
    volume: Placed | None


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """State, steps, layers and sliders of a session at one moment.

    Attributes
    ----------
    state : State
    steps : tuple of Step
    layers : dict of Layer to Shown
    active : Layer or None
    ndisplay : int
    order : tuple of int
    point : tuple of float
    """

    state: State
    steps: tuple[Step, ...]
    layers: dict[Layer, Shown]
    active: Layer | None
    ndisplay: int
    order: tuple[int, ...]
    point: tuple[float, ...]

    @classmethod
    def of(cls, session: Session) -> Before:
        """Take down what there is now."""
        viewer = session.viewer
        return cls(
            session.state,
            tuple(session.steps),
            {layer: Shown(layer.visible, layer.name, layer.metadata.get(KEY)) for layer in viewer.layers},
            viewer.layers.selection.active,
            viewer.dims.ndisplay,
            tuple(viewer.dims.order),
            tuple(viewer.dims.point),
        )

    def restore(self, session: Session) -> None:
        """Put it back: as much as can be, whatever fails meanwhile."""
        viewer = session.viewer
        for layer in [layer for layer in viewer.layers if layer not in self.layers]:
            with _whatever_happens():
                session.remove(layer)
        with _whatever_happens():
            session.update(**{field.name: getattr(self.state, field.name) for field in fields(State)})
        session.state = self.state
        session.steps[:] = self.steps
        for layer, shown in self.layers.items():
            with _whatever_happens():
                self._restore_layer(session, layer, shown)
        with _whatever_happens():
            session.steps_changed.emit()
        with _whatever_happens():
            viewer.layers.selection.active = self.active if self.active in viewer.layers else None
        if viewer.dims.ndim == len(self.order):
            with _whatever_happens():
                viewer.dims.ndisplay, viewer.dims.order = self.ndisplay, self.order
                viewer.dims.point = self.point

    @staticmethod
    def _restore_layer(session: Session, layer: Layer, shown: Shown) -> None:
        if layer not in session.viewer.layers:
            return
        if shown.volume is not None and layer.metadata.get(KEY) is not shown.volume:
            session.show(layer, shown.volume)
        changes: dict[str, Any] = {"visible": shown.visible, "name": shown.name}
        for name, value in changes.items():
            if getattr(layer, name) != value:
                setattr(layer, name, value)


@contextmanager
def _whatever_happens() -> Iterator[None]:
    """Log what fails: the first failure is the one that is reported, and all else is to be put back."""
    try:
        yield
    except Exception:
        logger.warning("Not everything could be put back.", exc_info=True)
