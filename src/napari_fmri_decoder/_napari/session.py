"""What the docks of one viewer share: the choices so far, the layers added, and the way back.

Choices are a frozen `State`; a step of preparation is the state before it and the layers that it
added, so that it can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, ref

from napari.layers import Labels, Layer
from napari.utils.notifications import show_warning
from psygnal import Signal

from napari_fmri_decoder._napari.before import Before
from napari_fmri_decoder._napari.from_layer import adopt, keep_painted, rebuilt, volume_of
from napari_fmri_decoder._napari.layers import KEY, Placed, give, is_preview, to_layer, turn
from napari_fmri_decoder._napari.letters import Letters
from napari_fmri_decoder._napari.mixing import clash_of, refusal, warning
from napari_fmri_decoder._napari.state import PREPARED, State, Step
from napari_fmri_decoder._napari.turning import Turner
from napari_fmri_decoder._napari.view import (
    brain_layers,
    bring_into_sight,
    look_from_the_left,
    mirror,
    set_plane,
)
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder._napari.view import Plane
    from napari_fmri_decoder.volumes.volume import Volume

Part = TypeVar("Part")

_sessions: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


class Session:
    """The shared choices of one viewer; get it by `Session.of(viewer)`.

    Attributes
    ----------
    turns : Signal
        Sent while the head is turned, the new frame in the state and no layer turned yet: what is
        shown now (`show`) is drawn together with the turned layers, once.
    changed : Signal
        Sent with the name of a field of `State` after it changed.
    layers_changed : Signal
        Sent after layers came, went or were renamed.
    steps_changed : Signal
        Sent after a step was taken or undone.
    """

    turns = Signal()
    changed = Signal(str)
    layers_changed = Signal()
    steps_changed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = ref(viewer)
        self.state = State()
        self.steps: list[Step] = []
        self._was_3d = False
        self._axes_3d: tuple[Any, ...] | None = None  # that 3-D was last looked at with
        self._turner = Turner(self)
        self._parts: dict[type, Any] = {}
        for layer in viewer.layers:
            self._welcome(layer)
        if brain_layers(viewer):
            set_plane(viewer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.renamed.connect(self._on_renamed)
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)
        self._letters = Letters(self)

    @classmethod
    def of(cls, viewer: Viewer) -> Session:
        """The session of a viewer, made on the first call."""
        viewer = getattr(viewer, "__wrapped__", viewer)  # docks are given a proxy
        if viewer not in _sessions:
            _sessions[viewer] = cls(viewer)
        return _sessions[viewer]

    def part(self, kind: type[Part]) -> Part:
        """Get what lives as long as the session, such as its runs; made on the first call.

        Parameters
        ----------
        kind : type
            Is called with the session.
        """
        if kind not in self._parts:
            self._parts[kind] = kind(self)  # type: ignore[call-arg]
        made: Part = self._parts[kind]
        return made

    @property
    def viewer(self) -> Viewer:
        """The viewer; held weakly, so that a closed one is let go."""
        viewer = self._viewer()
        if viewer is None:
            raise ReferenceError("The viewer of this session was closed.")
        return viewer

    @property
    def series(self) -> Volume | None:
        """The chosen series."""
        return self.volume(self.state.series) if self.state.series is not None else None

    def volume(self, layer: Layer) -> Volume | None:
        """The true volume of a layer, in scanner space."""
        return volume_of(layer, self.state.frame)

    def update(self, **changes: Any) -> None:
        """Change fields of the state; the viewer follows some of them, listeners hear of each change."""
        old, self.state = self.state, replace(self.state, **changes)
        names = [f.name for f in fields(State) if getattr(old, f.name) is not getattr(self.state, f.name)]
        if "frame" in names:
            self._turner.turn(old.frame, self.state.frame)
        if "radiological" in names and self.viewer.dims.ndim > 2:
            mirror(self.viewer, radiological=self.state.radiological)
        for name in names:
            self.changed.emit(name)

    @property
    def turning(self) -> bool:
        """Whether layers are being turned or changed just now, and the sliders move for that alone."""
        return self._turner.turning

    def make_real(self, layers: Iterable[Layer] | None = None) -> None:
        """Let labels that are shown, all or these, be real arrays that can be painted: the head rests."""
        self._turner.make_real(self.viewer.layers if layers is None else layers)

    def look(self, plane: Plane) -> None:
        """Look at slices of a plane, left on the side that was chosen."""
        viewer = self.viewer
        if viewer.dims.ndim > 2:
            viewer.dims.ndisplay = 2
            set_plane(viewer, plane, radiological=self.state.radiological)

    def add(self, volume: Placed, **meta: Any) -> Layer:
        """Add a volume to the viewer, in its frame.

        Parameters
        ----------
        volume : Volume
        **meta
            What napari's layer is to have beyond, or other than, `layers.to_layer` says.

        Raises
        ------
        InputError
            If its first axis is not that of the series in the viewer.
        """
        self.refuse_mixing(volume)
        data, own, kind = to_layer(volume, self.state.frame)
        meta["metadata"] = {**meta.get("metadata", {}), **own["metadata"]}
        return self.viewer.add_layer(Layer.create(data, {**own, **meta}, kind))

    def show(self, layer: Layer, volume: Placed) -> None:
        """Let a layer that is there show another volume: safer than to remove it and add a new one.

        Parameters
        ----------
        layer : napari Layer
            Of as many axes.
        volume : Volume

        Raises
        ------
        InputError
            If its first axis is not that of the series in the viewer.
        """
        self.show_together({layer: volume})

    def show_together(self, volumes: Mapping[Layer, Placed], then: Callable[[], None] | None = None) -> None:
        """Let layers show other volumes, as `show` does, sliced and drawn once for all of them.

        Parameters
        ----------
        volumes : mapping of Layer to Volume
        then : callable, optional
            Moves the sliders along; not while the head is turned, which keeps its own place.
        """
        for layer, volume in volumes.items():
            self.refuse_mixing(volume, layer)
        changes = {layer: partial(give, layer, volume, self.state.frame) for layer, volume in volumes.items()}
        self._turner.show(changes, then)

    def refuse_mixing(self, volume: Placed, but: Layer | None = None) -> None:
        """Raise `InputError` if a volume's first axis differs from that of the series in the viewer."""
        clash = clash_of(self.viewer, volume, but)
        if clash is not None:
            raise InputError(refusal(volume, clash))

    def take_step(
        self, name: str, layers: Sequence[Layer] = (), *, hide: Sequence[Layer] = (), **changes: Any
    ) -> None:
        """Record a step that can be undone, and make its changes to the state.

        Parameters
        ----------
        name : str
            What the Undo button says.
        layers : sequence of Layer
            That the step added.
        hide : sequence of Layer
            That it hides: what it takes the place of.
        **changes
            Fields of the state.
        """
        hidden = tuple(layer for layer in hide if layer.visible)
        self.steps.append(Step(name, self.state, tuple(layers), hidden))
        for layer in hidden:
            layer.visible = False
        self.update(**changes)
        self.steps_changed.emit()

    def undo(self) -> Step | None:
        """Undo the last step: its layers go, the state before it comes back.

        What the docks after Prepare set meanwhile stays.
        """
        if not self.steps:
            return None
        step = self.steps.pop()
        for layer in step.hidden:
            layer.visible = True
        for layer in step.layers:
            self.remove(layer)
        before = {name: getattr(step.before, name) for name in PREPARED}
        if before["slab_layer"] not in self.viewer.layers:  # it was removed by hand
            before["slab_layer"] = None
        self.update(**before)
        self.steps_changed.emit()
        return step

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Around a step: if it fails, its layers go, and choices and layers are as they were before.

        Raises
        ------
        Exception
            That the step raised, after everything was put back.
        """
        before = Before.of(self)
        try:
            yield
        except BaseException:
            before.restore(self)
            raise

    def remove(self, layer: Layer) -> None:
        """Take a layer out of the viewer, in the way that does not crash.

        Found with napari 0.9.2 and software OpenGL: a Labels layer must not go while it is being
        painted, nor any layer once the viewer has been in 3-D and another is added. There it is
        hidden.
        """
        if layer not in self.viewer.layers:
            return
        layer.mode = "pan_zoom"
        layer.visible = False
        if not self._was_3d:
            self.viewer.layers.remove(layer)

    def _on_inserted(self, event: Any) -> None:
        self._welcome(event.value)
        self.layers_changed.emit()

    def _welcome(self, layer: Layer) -> None:
        """Bring a layer into the frame; one made elsewhere in millimetres becomes a brain layer."""
        if KEY not in layer.metadata:
            if layer.ndim > 2 and all(str(unit) == "millimeter" for unit in layer.units[-3:]):
                self.adopt(layer)
            return
        if not self.state.frame.is_identity:
            turn(layer, self.state.frame)
        self._watch(layer)

    def adopt(self, layer: Layer) -> None:
        """Let a layer that was made elsewhere turn with the head from now on."""
        if KEY not in layer.metadata:
            volume = rebuilt(layer, self.state.frame)
            if volume is not None:
                adopt(layer, volume)
                self._watch(layer)

    def _watch(self, layer: Layer) -> None:
        """Listen to a new brain layer; the first one sets the camera upright."""
        layer.events.data.connect(self._on_data)
        if isinstance(layer, Labels):
            layer.events.paint.connect(self._on_painted)
            layer.events.visible.connect(self._on_used)
            layer.events.mode.connect(self._on_used)
        if len(brain_layers(self.viewer)) == 1:
            set_plane(self.viewer, radiological=self.state.radiological)
        else:
            bring_into_sight(self.viewer, layer)
        volume = layer.metadata[KEY]
        clash = clash_of(self.viewer, volume, layer)
        if clash is not None:
            show_warning(warning(layer, clash))

    def _on_removed(self, event: Any) -> None:
        gone = event.value
        self.update(
            **{
                name: None
                for name in ("series", "anatomy", "slab_layer")
                if getattr(self.state, name) is gone
            }
        )
        if all(is_preview(layer) for layer in brain_layers(self.viewer)):
            self._begin_anew()
        self.layers_changed.emit()

    def _begin_anew(self) -> None:
        """Forget rotation, mask, slab and steps: the next head is another one."""
        self.steps.clear()
        self.update(**{name: getattr(State(), name) for name in PREPARED})
        self.steps_changed.emit()

    def _on_renamed(self, event: Any) -> None:
        self.layers_changed.emit()

    def _on_painted(self, event: Any) -> None:
        keep_painted(event.source, self.state.frame)

    def _on_used(self, event: Any) -> None:
        """Make labels real that came into sight, or are to be painted."""
        self.make_real([event.source])

    def _on_data(self, event: Any) -> None:
        """Believe new data that somebody else gave a layer."""
        if not self.turning:
            volume = rebuilt(event.source, self.state.frame)
            if volume is not None:
                adopt(event.source, volume)

    def _on_ndisplay(self, event: Any) -> None:
        """Set the head upright in 3-D the first time, and where another plane was looked at meanwhile."""
        viewer = self.viewer
        if viewer.dims.ndisplay != 3:
            return
        self._was_3d = True
        order = tuple(axis - viewer.dims.ndim for axis in viewer.dims.order[-3:])
        axes = (order, viewer.scene.camera.orientation)
        if self._axes_3d != axes and brain_layers(viewer):
            self._axes_3d = axes
            look_from_the_left(viewer)
