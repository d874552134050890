"""Undo steps, and restore the session if a step fails halfway."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.viewer.state import LAYER_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Layer

    from napari_fmri_decoder._napari.layers.voxels import HasVoxels
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder._napari.viewer.state import Dropped, State, Step

logger = logging.getLogger(__name__)


@contextmanager
def all_or_nothing(session: Session) -> Iterator[None]:
    """Run a step; if it fails, remove its layers and restore choices and layers as they were before.

    Raises
    ------
    Exception
        The error of the step, after everything was restored.
    """
    before = Snapshot.of(session)
    try:
        yield
    except BaseException:
        before.restore(session)
        raise


def bring_back(session: Session, dropped: Dropped) -> None:
    """Bring back what was dropped: layers, and the whole state before.

    Raises
    ------
    InputError
        If a series cannot be shown together with one that was opened since; nothing changes.
    """
    for _, layer in dropped.removed:
        if KEY in layer.metadata:
            session.refuse_mixing(layer.metadata[KEY])
    layers = session.viewer.layers
    for index, layer in reversed(dropped.removed):
        if layer not in layers:
            layers.insert(min(index, len(layers)), layer)
    for layer, volume in dropped.replaced:
        if layer in layers:
            session.show(layer, volume)
    before = dropped.before.values()
    kept = ("point", "radiological", "result", "saved", "training", "recipe")
    session.update(**{name: value for name, value in before.items() if name not in kept})


def restore_preparation(session: Session, step: Step) -> None:
    """Go back to what a step changed: rotation, mask and slab; images, crosshair and side are kept."""
    scene, preparation, layers = step.scene, step.preparation, session.viewer.layers
    names = ("mask", "mask_config", "slab", "slab_placement")
    shown = {name: getattr(preparation, name) for name in ("mask_layer", "slab_layer")}
    session.update(
        **{name: getattr(scene, name) for name in ("frame", "angles", "pivot")},
        **{name: getattr(preparation, name) for name in names},
        # None if the user removed it
        **{name: layer if layer in layers else None for name, layer in shown.items()},
    )


@dataclass(frozen=True, slots=True, eq=False)
class LayerSnapshot:
    """Visibility and name of a layer, and its volume if it is a brain layer."""

    visible: bool
    name: str
    volume: HasVoxels | None


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """State, steps, layers and sliders of a session at one moment.

    Attributes
    ----------
    state : State
    steps : tuple of Step
    layers : dict of Layer to LayerSnapshot
    active : Layer or None
    ndisplay : int
    order : tuple of int
    point : tuple of float
    """

    state: State
    steps: tuple[Step, ...]
    layers: dict[Layer, LayerSnapshot]
    active: Layer | None
    ndisplay: int
    order: tuple[int, ...]
    point: tuple[float, ...]

    @classmethod
    def of(cls, session: Session) -> Snapshot:
        """Record the session as it is now."""
        viewer = session.viewer
        return cls(
            session.state,
            tuple(session.steps),
            {
                layer: LayerSnapshot(layer.visible, layer.name, layer.metadata.get(KEY))
                for layer in viewer.layers
            },
            viewer.layers.selection.active,
            viewer.dims.ndisplay,
            tuple(viewer.dims.order),
            tuple(viewer.dims.point),
        )

    def restore(self, session: Session) -> None:
        """Restore as much as possible; an error in one part does not keep the others from it."""
        viewer = session.viewer
        for layer in [layer for layer in viewer.layers if layer not in self.layers]:
            with _errors_logged():
                session.remove(layer)
        values = self.state.values()  # without layers that the step removed
        gone = {n: None for n in LAYER_FIELDS if values[n] is not None and values[n] not in viewer.layers}
        state = self.state.with_changes(**gone) if gone else self.state
        with _errors_logged():
            session.update(**state.values())
        session.state = state
        session.steps[:] = self.steps
        for layer, shown in self.layers.items():
            with _errors_logged():
                self._restore_layer(session, layer, shown)
        with _errors_logged():
            session.steps_changed.emit()
        with _errors_logged():
            viewer.layers.selection.active = self.active if self.active in viewer.layers else None
        if viewer.dims.ndim == len(self.order):
            with _errors_logged():
                viewer.dims.ndisplay, viewer.dims.order = self.ndisplay, self.order
                viewer.dims.point = self.point

    @staticmethod
    def _restore_layer(session: Session, layer: Layer, shown: LayerSnapshot) -> None:
        if layer not in session.viewer.layers:
            return
        if shown.volume is not None and layer.metadata.get(KEY) is not shown.volume:
            session.show(layer, shown.volume)
        changes: dict[str, Any] = {"visible": shown.visible, "name": shown.name}
        for name, value in changes.items():
            if getattr(layer, name) != value:
                setattr(layer, name, value)


@contextmanager
def _errors_logged() -> Iterator[None]:
    """Log errors and continue: the first error is reported, and everything else is still restored."""
    try:
        yield
    except Exception:  # whatever one layer raises, the others are restored; the first error is raised
        logger.warning("Not everything could be restored.", exc_info=True)
