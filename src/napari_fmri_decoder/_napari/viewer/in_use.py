"""Layers in use: the only series is chosen; what belongs to a deleted layer never moves to another one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_fmri_decoder._napari.layers.to_layer import HELPER, KEY, is_preview
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.state import LAYER_FIELDS, Dropped, Preparation, Scene, Step

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fmri_decoder._napari.layers.voxels import HasVoxels
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder._napari.viewer.state import State

MADE = "fmri_decoder made"
"""Key in the metadata of a series that was made from another one, such as a cut slab: chosen only by hand."""
NAME_LENGTH = 32
"""Letters of a layer's name in a message."""
NO_MASK: dict[str, Any] = {"mask": None, "mask_config": None, "mask_layer": None}
NO_SLAB: dict[str, Any] = {"slab": None, "slab_placement": None, "slab_layer": None}
NO_LABELS: dict[str, Any] = {"labels": None, "table": None, "prepared": None}


class LayersInUse:
    """Chooses the only series, and drops what belonged to a layer that was deleted or replaced.

    Dropping is a step that Undo takes back. Layers that are deleted together are one step.

    Parameters
    ----------
    session : Session
        Held weakly.

    Attributes
    ----------
    dropped : Signal
        Sent with the step once all its layers were removed, unless the window is being closed.
    """

    dropped = Signal(object)

    def __init__(self, session: Session) -> None:
        self._session_ref = ref(session)
        self._any_layer = False
        self._quiet: set[Layer] = set()  # being removed by the session itself
        self._current: Step | None = None  # of the present turn of the event loop

    @property
    def _session(self) -> Session:
        session = self._session_ref()
        if session is None:
            raise ReferenceError("The session was closed.")
        return session

    def accept_all(self) -> None:
        """Choose also layers of other plugins and of scripts, from the first dock on."""
        self._any_layer = True
        self.choose_only()

    def choose_only(self) -> None:
        """Choose the series, or the anatomy, if there is only one of its kind and none is chosen."""
        session = self._session
        self._choose_only_series()
        anatomies = [layer for layer in still_layers(session) if _kind(session, layer) == "anatomy"]
        if session.state.preparation.anatomy is None and len(anatomies) == 1:
            session.update(anatomy=anatomies[0])

    def _choose_only_series(self) -> None:
        session = self._session
        series = [layer for layer in series_layers(session) if self._any_layer or KEY in layer.metadata]
        if session.state.preparation.series is None and len(series) == 1:
            session.adopt(series[0])
            session.update(series=series[0])

    def choose_series(self, layer: Layer | None) -> None:
        """Use another series; labels, mask and slab of the series before are dropped, with Undo."""
        session, before = self._session, self._session.state
        if layer is before.preparation.series or (layer is None and self._is_gone(before.preparation.series)):
            return
        if layer is not None:
            session.adopt(layer)
        old, lost = before.preparation.series, _belongings(before)
        if old is None or not lost:
            session.update(series=layer, **NO_MASK, **NO_SLAB, **NO_LABELS)
            return
        now = "No series is chosen now." if layer is None else f"{_named(layer)} is the series now."
        self._drop(f"{now} The {_listed(lost)} of {_named(old)} {_were(lost)} dropped.", before)
        session.update(series=layer, **NO_MASK, **NO_SLAB, **NO_LABELS)
        session.steps_changed.emit()

    def choose_anatomy(self, layer: Layer | None) -> None:
        """Use another anatomy."""
        if layer is not None or not self._is_gone(self._session.state.preparation.anatomy):
            self._session.update(anatomy=layer)

    def _is_gone(self, layer: Layer | None) -> bool:
        """Whether a layer in use was just removed: a list of layers may hear of it before `on_removed`."""
        return layer is not None and layer not in self._session.viewer.layers

    def on_removed(self, layer: Layer, index: int) -> None:
        """Drop what belongs to a layer that was deleted, unless the session removed it itself.

        If one series remains, it is chosen, without labels, mask and slab.
        """
        quiet = layer in self._quiet
        self._on_removed(layer, index)
        self._session.layers_changed.emit()
        if not quiet:
            self._choose_only_series()

    def _on_removed(self, layer: Layer, index: int) -> None:
        session, before = self._session, self._session.state
        uses = {name for name in LAYER_FIELDS if getattr(before.preparation, name) is layer}
        changes: dict[str, Any] = {}
        for name in uses:
            changes |= USES[name]
        empty = all(
            is_preview(other) for other in brain_layers(session.viewer)
        )  # the next head is another one
        lost = _belongings(before) if "series" in uses else _lost(uses)
        if layer in self._quiet:
            self._quiet.discard(layer)
            session.update(**dict.fromkeys(uses))
        elif lost or self._current is not None:
            if self._current is None:
                what = f"The {_listed(lost)} {_were(lost)} dropped with it." if "series" in uses else ""
                self._drop(f"{_named(layer)} was deleted. {what or _now(uses)}", before)
            self._add_removed(layer, index)
            session.update(**changes)
        else:
            session.update(**changes)
        if empty:
            if self._current is None:
                session.steps.clear()
            session.update(**_reset())
        if lost or empty:
            session.steps_changed.emit()

    def on_replaced(self, layer: Layer, old: HasVoxels, new: HasVoxels) -> None:
        """Drop labels, mask and slab of a series whose data were replaced by others of another shape."""
        session, before = self._session, self._session.state
        if layer is not before.preparation.series or layer is None:
            return
        lost = _belongings(before)
        same = tuple(old.data.shape) == tuple(new.data.shape) and (abs(old.affine - new.affine) < 1e-5).all()
        if lost and not same:
            self._drop(
                f"The data of {_named(layer)} were replaced by others of another size or position. Its "
                f"{_listed(lost)} {_were(lost)} dropped.",
                before,
                ((layer, old),),
            )
            session.update(**NO_MASK, **NO_SLAB, **NO_LABELS)
            session.steps_changed.emit()
        session.changed.emit("series")

    def remove_quietly(self, layer: Layer) -> None:
        """Register that the session removes a layer itself."""
        self._quiet.add(layer)

    def end_quiet(self, layer: Layer) -> None:
        """Forget a layer that was removed, or only hidden."""
        self._quiet.discard(layer)

    def _drop(self, message: str, before: State, replaced: tuple[tuple[Layer, HasVoxels], ...] = ()) -> None:
        """Begin a step that drops something; it ends when the event loop runs again."""
        dropped = Dropped(f"{message} Undo brings back everything.", before, replaced=replaced)
        name = "deletion" if "deleted" in message else "change of series"
        self._current = Step(name, before.scene, before.preparation, dropped=dropped)
        self._session.steps.append(self._current)
        QTimer.singleShot(0, partial(_end_turn, self._session_ref))

    def _add_removed(self, layer: Layer, index: int) -> None:
        steps, step = self._session.steps, self._current
        if step is not None and step.dropped is not None and steps and steps[-1] is step:
            dropped = replace(step.dropped, removed=(*step.dropped.removed, (index, layer)))
            self._current = steps[-1] = replace(step, dropped=dropped)

    def end_turn(self) -> None:
        """End the step of this turn of the event loop."""
        step, self._current = self._current, None
        window = getattr(getattr(self._session.viewer, "window", None), "_qt_window", None)
        if step is not None and step in self._session.steps and window is not None:
            self.dropped.emit(step)


USES: dict[str, dict[str, Any]] = {
    "series": {"series": None, **NO_MASK, **NO_SLAB, **NO_LABELS},
    "anatomy": {"anatomy": None},
    "mask_layer": NO_MASK,
    "slab_layer": NO_SLAB,
}
"""Uses of a layer, and what is dropped with it."""


def series_layers(session: Session) -> list[Layer]:
    """Images that can be decoded: series of volumes, without those that were made from others."""
    return [layer for layer, is_series in _images(session) if is_series and MADE not in layer.metadata]


def still_layers(session: Session) -> list[Layer]:
    """Images of a single volume."""
    return [layer for layer, is_series in _images(session) if not is_series]


def decodable_layers(session: Session) -> list[Layer]:
    """All series of volumes, to choose from by hand."""
    return [layer for layer, is_series in _images(session) if is_series]


def _images(session: Session) -> list[tuple[Layer, bool]]:
    layers = [layer for layer in session.viewer.layers if isinstance(layer, Image)]
    found = [(layer, session.volume(layer)) for layer in layers if HELPER not in layer.metadata]
    return [(layer, volume.is_series) for layer, volume in found if volume is not None]


def _kind(session: Session, layer: Layer) -> str:
    volume = session.volume(layer)
    return volume.kind if volume is not None else ""


def _belongings(state: State) -> list[str]:
    """What belongs to the series in use."""
    has = {
        "labels": state.labeling.table is not None or state.labeling.labels is not None,
        "mask": state.preparation.mask is not None,
        "slab": state.preparation.slab is not None,
    }
    return [name for name, is_set in has.items() if is_set]


def _lost(uses: set[str]) -> list[str]:
    return [name.removesuffix("_layer") for name in ("anatomy", "mask_layer", "slab_layer") if name in uses]


def _now(uses: set[str]) -> str:
    if "mask_layer" in uses:
        return "There is no mask now: all voxels are used."
    if "slab_layer" in uses:
        return "There is no slab now."
    return "No anatomy is chosen now."


def _named(layer: Layer) -> str:
    """The name of a layer, shortened in the middle."""
    name = str(layer.name)
    return (
        f"'{name}'"
        if len(name) <= NAME_LENGTH
        else f"'{name[: NAME_LENGTH // 2]}…{name[-NAME_LENGTH // 2 :]}'"
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _were(names: list[str]) -> str:
    return "was" if names in (["mask"], ["slab"]) else "were"


def _reset() -> dict[str, Any]:
    """The state without a head."""
    scene, preparation = Scene(), Preparation()
    names = ("frame", "angles", "pivot")
    return {
        **{name: getattr(scene, name) for name in names},
        **{name: getattr(preparation, name) for name in Preparation.__slots__},
    }


def _end_turn(session_ref: ref[Session]) -> None:
    session = session_ref()
    if session is not None:
        session.in_use.end_turn()
