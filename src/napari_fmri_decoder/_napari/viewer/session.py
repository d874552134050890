"""What the docks of one viewer share: the choices so far, the layers added, and the steps to undo.

Choices are a frozen `State`; a step of preparation records the earlier choices and the layers that it
added, so that it can be undone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, ref

from napari.layers import Layer
from psygnal import Signal

from napari_fmri_decoder._napari.layers.from_layer import volume_of
from napari_fmri_decoder._napari.layers.to_layer import set_volume, to_layer
from napari_fmri_decoder._napari.viewer.camera import brain_layers, mirror, set_plane
from napari_fmri_decoder._napari.viewer.first_axis import find_clash, refusal_message
from napari_fmri_decoder._napari.viewer.in_use import LayersInUse
from napari_fmri_decoder._napari.viewer.layer_events import LayerEvents
from napari_fmri_decoder._napari.viewer.orientation_labels import OrientationLabels
from napari_fmri_decoder._napari.viewer.rotation import HeadRotation
from napari_fmri_decoder._napari.viewer.state import State, Step
from napari_fmri_decoder._napari.viewer.undo import bring_back, restore_preparation
from napari_fmri_decoder._napari.viewer.view_3d import View3D
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from napari import Viewer

    from napari_fmri_decoder._napari.layers.voxels import HasVoxels
    from napari_fmri_decoder._napari.viewer.camera import Plane
    from napari_fmri_decoder.volumes.volume import Volume

Part = TypeVar("Part")

_sessions: WeakKeyDictionary[Viewer, Session] = WeakKeyDictionary()


class Session:
    """The shared choices of one viewer; get it by `Session.of(viewer)`.

    Attributes
    ----------
    state : State
        Changed by `update` and `take_step`.
    steps : list of Step
        That can be undone, last one last.
    rotating : Signal
        Sent before the layers are rotated: the state has the new frame, but no layer is rotated
        yet. Listeners may call `show`; this is then drawn together with the rotated layers, once.
    changed : Signal
        Sent with the name of a field of the state after it changed.
    layers_changed : Signal
        Sent after layers were added, removed or renamed.
    steps_changed : Signal
        Sent after a step was taken or undone.
    in_use : LayersInUse
        Chooses the only series, and drops what belonged to a deleted one.
    """

    rotating = Signal()
    changed = Signal(str)
    layers_changed = Signal()
    steps_changed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = ref(viewer)
        self.state = State()
        self.steps: list[Step] = []
        self._parts: dict[type, Any] = {}
        self._rotation = HeadRotation(viewer, self.rotating.emit)
        self.in_use = LayersInUse(self)
        self._layer_events = LayerEvents(viewer, self._rotation, self.in_use.on_replaced)
        for layer in viewer.layers:
            self._layer_events.add(layer, radiological=False)
        if brain_layers(viewer):
            set_plane(viewer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.renamed.connect(self._on_renamed)
        self._view_3d = View3D(viewer)
        self._orientation_labels = OrientationLabels(viewer)
        self.layers_changed.connect(self._orientation_labels.update)
        self.in_use.choose_only()

    @classmethod
    def of(cls, viewer: Viewer) -> Session:
        """The session of a viewer, made on the first call."""
        viewer = getattr(viewer, "__wrapped__", viewer)  # docks are given a proxy
        if viewer not in _sessions:
            _sessions[viewer] = cls(viewer)
        return _sessions[viewer]

    def part(self, kind: type[Part]) -> Part:
        """Get an object that exists once per session, such as its runs; made on the first call.

        Parameters
        ----------
        kind : type
            Called with the session.
        """
        if kind not in self._parts:
            self._parts[kind] = kind(self)  # type: ignore[call-arg]
        made: Part = self._parts[kind]
        return made

    @property
    def viewer(self) -> Viewer:
        """The viewer; held weakly, so that a closed one is freed."""
        viewer = self._viewer()
        if viewer is None:
            raise ReferenceError("The viewer of this session was closed.")
        return viewer

    @property
    def series(self) -> Volume | None:
        """The series chosen in Prepare."""
        layer = self.state.preparation.series
        return self.volume(layer) if layer is not None else None

    def volume(self, layer: Layer) -> Volume | None:
        """The volume of a layer with its original voxels, in scanner space."""
        return volume_of(layer, self.state.scene.frame)

    def update(self, **changes: Any) -> None:
        """Change fields of the state, given by name; the viewer and all listeners follow.

        Parameters
        ----------
        **changes
            Fields of any part of the state, such as `mask` or `table`.

        Raises
        ------
        TypeError
            If the state has no field of that name.
        """
        old, self.state = self.state, self.state.with_changes(**changes)
        names, scene = self.state.changed_fields(old), self.state.scene
        if "frame" in names:
            self._rotation.set_frame(scene.frame, scene.point)
            self._orientation_labels.set_frame(scene.frame)
        if "radiological" in names and self.viewer.dims.ndim > 2:
            mirror(self.viewer, radiological=scene.radiological)
        for name in names:
            self.changed.emit(name)

    @property
    def changing_layers(self) -> bool:
        """Whether layers are being rotated or changed, so that moves of the sliders only follow from that."""
        return self._rotation.changing_layers

    def materialize_labels(self, layers: Iterable[Layer] | None = None) -> None:
        """Load visible labels of all layers, or of these, into memory, so that they can be painted."""
        self._rotation.materialize_labels(self.viewer.layers if layers is None else layers)

    def look(self, plane: Plane) -> None:
        """Show slices of a plane; left is on the side that the user chose."""
        viewer = self.viewer
        if viewer.dims.ndim > 2:
            viewer.dims.ndisplay = 2
            set_plane(viewer, plane, radiological=self.state.scene.radiological)

    def add(self, volume: HasVoxels, **meta: Any) -> Layer:
        """Add a volume to the viewer, in its frame.

        Parameters
        ----------
        volume : Volume
        **meta
            Properties of the layer that replace or complete those of `to_layer`.

        Raises
        ------
        InputError
            If its first axis is not that of the series in the viewer.
        """
        self.refuse_mixing(volume)
        data, own, kind = to_layer(volume, self.state.scene.frame)
        meta["metadata"] = {**meta.get("metadata", {}), **own["metadata"]}
        return self.viewer.add_layer(Layer.create(data, {**own, **meta}, kind))

    def adopt(self, layer: Layer) -> None:
        """Rotate a layer that was made elsewhere together with the brain layers from now on."""
        self._layer_events.adopt(layer, radiological=self.state.scene.radiological)

    def remove(self, layer: Layer) -> None:
        """Remove a layer without a message, or hide it where removing would crash; see `View3D.remove`."""
        self.in_use.remove_quietly(layer)
        self._view_3d.remove(layer)
        self.in_use.end_quiet(layer)

    def show(self, layer: Layer, volume: HasVoxels) -> None:
        """Show another volume in an existing layer: safer than removing it and adding a new one.

        Parameters
        ----------
        layer : napari Layer
            With as many axes.
        volume : Volume

        Raises
        ------
        InputError
            If its first axis is not that of the series in the viewer.
        """
        self.show_together({layer: volume})

    def show_together(
        self, volumes: Mapping[Layer, HasVoxels], then: Callable[[], None] | None = None
    ) -> None:
        """Show other volumes in several layers, as `show` does, sliced and drawn once for all of them.

        Parameters
        ----------
        volumes : mapping of Layer to Volume
        then : callable, optional
            Moves the sliders; not called during a rotation, which keeps the position.
        """
        for layer, volume in volumes.items():
            self.refuse_mixing(volume, layer)
        frame = self.state.scene.frame
        changes = {layer: partial(set_volume, layer, volume, frame) for layer, volume in volumes.items()}
        self._rotation.show(changes, then)

    def refuse_mixing(self, volume: HasVoxels, but: Layer | None = None) -> None:
        """Raise `InputError` if a volume's first axis differs from that of the series in the viewer."""
        clash = find_clash(self.viewer, volume, but)
        if clash is not None:
            raise InputError(refusal_message(volume, clash))

    def take_step(
        self, name: str, layers: Sequence[Layer] = (), *, hide: Sequence[Layer] = (), **changes: Any
    ) -> None:
        """Record a step that can be undone, and make its changes to the state.

        Parameters
        ----------
        name : str
            Shown on the Undo button.
        layers : sequence of Layer
            Added by the step.
        hide : sequence of Layer
            Hidden by the step, because it replaces them.
        **changes
            Fields of the state.
        """
        hidden = tuple(layer for layer in hide if layer.visible)
        self.steps.append(Step(name, self.state.scene, self.state.preparation, tuple(layers), hidden))
        for layer in hidden:
            layer.visible = False
        self.update(**changes)
        self.steps_changed.emit()

    def undo(self) -> Step | None:
        """Undo the last step: remove its layers and restore the earlier preparation and rotation.

        What later docks have set since then is kept. A deletion is undone with all that was dropped.

        Raises
        ------
        InputError
            If a deleted series cannot be shown together with one that was opened since; nothing changes.
        """
        if not self.steps:
            return None
        step = self.steps[-1]
        if step.dropped is not None:
            bring_back(self, step.dropped)
        self.steps.remove(step)
        for layer in step.hidden:
            layer.visible = True
        for layer in step.layers:
            self.remove(layer)
        if step.dropped is None:
            restore_preparation(self, step)
        self.steps_changed.emit()
        return step

    def _on_inserted(self, event: Any) -> None:
        self._layer_events.add(event.value, radiological=self.state.scene.radiological)
        self.layers_changed.emit()
        self.in_use.choose_only()

    def _on_removed(self, event: Any) -> None:
        self.in_use.on_removed(event.value, event.index)

    def _on_renamed(self, event: Any) -> None:
        self.layers_changed.emit()
