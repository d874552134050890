"""Turning the head, and letting layers show something else: all of them sliced and drawn once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from napari_fmri_decoder._napari.layers import turn, unreal
from napari_fmri_decoder._napari.view import (
    brain_layers,
    change_at_once,
    look_at,
    looked_at,
    show_in_frame,
    show_point,
)

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder.volumes.frames import Frame

    Changes = dict[Layer, Callable[[], None]]


class Turner:
    """Changes the layers of a session together.

    Attributes
    ----------
    turning : bool
        Whether layers are being turned or changed just now, and the sliders move for that alone.
    """

    def __init__(self, session: Session) -> None:
        self._session_ref = ref(session)
        self.turning = False
        self._together: Changes | None = None  # shown while the head is turned
        self._gaze: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None  # scanner mm, frame mm

    @property
    def _session(self) -> Session:
        session = self._session_ref()
        if session is None:
            raise ReferenceError("The viewer of this session was closed.")
        return session

    def turn(self, old: Frame, new: Frame) -> None:
        """Turn all brain layers; the crosshair, or the point in the middle of the view, stays there.

        The sliders move the latter to whole steps, which must not add up while a rotation is
        dragged: as long as nobody else moves the view, the point that it began with counts.
        """
        viewer, point = self._session.viewer, self._session.state.point
        if not brain_layers(viewer):
            return
        shown = self._shown_together()
        if point is not None:
            self._turn_about(np.array(point), old, new, shown)
            return
        seen = looked_at(viewer)
        if self._gaze is None or not np.allclose(seen, self._gaze[1]):
            self._gaze = old.to_scanner(seen), seen
        middle = self._gaze[0]
        with self._while_turning():
            show_in_frame(viewer, new, partial(look_at, viewer, new.to_frame(middle)), shown)
        self._gaze = middle, looked_at(viewer)

    def _turn_about(self, point: NDArray[np.float64], old: Frame, new: Frame, shown: Changes) -> None:
        """Turn all brain layers about a scanner point, which stays where it is on the canvas."""
        viewer = self._session.viewer
        aside = looked_at(viewer) - old.to_frame(point)

        def move() -> None:
            look_at(viewer, new.to_frame(point) + aside)
            show_point(viewer, new.to_frame(point))

        with self._while_turning():
            show_in_frame(viewer, new, move, shown)

    def _shown_together(self) -> Changes:
        """Let the docks say what else is to be shown in the new frame."""
        shown: Changes = {}
        self._together = shown
        try:
            self._session.turns.emit()
        finally:
            self._together = None
        return shown

    def make_real(self, layers: Iterable[Layer]) -> None:
        """Let labels that are shown be real arrays that can be painted: the head rests."""
        frame = self._session.state.frame
        changes = {layer: partial(turn, layer, frame, real=True) for layer in layers if unreal(layer)}
        if changes:
            with self._while_turning():
                change_at_once(self._session.viewer, changes)

    def show(
        self, changes: Mapping[Layer, Callable[[], None]], then: Callable[[], None] | None = None
    ) -> None:
        """Make changes of layers, and move the sliders along; see `Session.show_together`."""
        if self._together is not None:
            self._together |= changes
            return

        def move() -> None:
            if then is not None:
                self.turning = False  # whoever follows the sliders follows this move too
                then()
                self.turning = True

        with self._while_turning():
            change_at_once(self._session.viewer, changes, move)

    @contextmanager
    def _while_turning(self) -> Iterator[None]:
        self.turning = True
        try:
            yield
        finally:
            self.turning = False
