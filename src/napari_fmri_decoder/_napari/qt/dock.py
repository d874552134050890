"""Base class of the docks, and how they open as tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from magicgui.widgets.bases import Widget
from napari.utils.theme import get_theme
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSizePolicy, QSpacerItem, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.context_menu import offer_saving
from napari_fmri_decoder._napari.qt.focus_ring import show_focus
from napari_fmri_decoder._napari.qt.frame import Frame, mark_as_dock, tabify
from napari_fmri_decoder._napari.qt.lifetime import Lifetime, dock_of
from napari_fmri_decoder._napari.qt.opened_by import opened_by_hand
from napari_fmri_decoder._napari.qt.shortcuts import Shortcuts
from napari_fmri_decoder._napari.qt.undo_notice import DropNotifier, UndoNotice
from napari_fmri_decoder._napari.viewer.session import Session

if TYPE_CHECKING:
    from napari import Viewer

WIDTH = 400
"""Width in pixels; leaves room for the canvas on screens of 1366 pixels."""


class Dock(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Base of the docks: has the session, and opens as a tab next to the plugin's other docks.

    Parameters
    ----------
    viewer : napari Viewer
    name : str

    Attributes
    ----------
    session : Session
    life : Lifetime
    shortcuts : Shortcuts
    remembered : list of Remember
        Forms whose options come back when the dock is first opened from a menu.
    dropped : UndoNotice
        What was dropped with a deleted layer, with Undo.
    rows : QVBoxLayout
        Always visible; add a `scrolled` widget for everything else.
    """

    def __init__(self, viewer: Viewer, name: str) -> None:
        super().__init__(name=name, labels=False)
        self.session = Session.of(viewer)
        offer_saving()
        self.session.in_use.accept_all()
        self.native.setObjectName(name)
        mark_as_dock(self.native)
        show_focus(self.native)
        self.shortcuts = self.session.part(Shortcuts)
        self.margins = (4, 4, 4, 4)
        self.rows: QVBoxLayout = self.native.layout()
        self.rows.addItem(_wide(WIDTH - 8))
        self.session.part(DropNotifier)
        self.dropped = UndoNotice(self.session)
        self.rows.addWidget(self.dropped)
        self._placed = False
        self._soon = QTimer(self.native)  # deleted with the dock
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.become_tab)
        self.remembered: list[Any] = []
        self.life = Lifetime()
        self.life.watch(self.native)
        self.life.tie(self._follow_steps, self._leave_steps)
        self.life.closed.connect(self._on_closed)
        self.life.reopened.connect(self.catch_up)
        self.life.shown.connect(self.on_shown)
        self.follow(viewer.events.theme, self._on_theme)
        self._on_theme()

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse ``dock.use_slab = False``: widgets have values."""
        if isinstance(self.__dict__.get(name), Widget) and not isinstance(value, Widget):
            raise AttributeError(f"'{name}' is a widget. To set its value, use {name}.value = {value!r}.")
        super().__setattr__(name, value)

    @property
    def viewer(self) -> Viewer:
        """The viewer that the dock belongs to."""
        return self.session.viewer

    def follow(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of the session, or an event of the viewer, while the dock is open."""
        self.life.follow(signal, slot)

    def _on_theme(self, event: Any = None) -> None:
        """Write the examples in empty lines in the color of other texts; Qt's is half transparent."""
        text = get_theme(self.viewer.theme).text.as_hex()
        self.native.setStyleSheet(f"QLineEdit {{ placeholder-text-color: {text}; }}")

    def _follow_steps(self) -> None:
        self.session.steps_changed.connect(self.dropped.refresh)
        self.dropped.refresh()

    def _leave_steps(self) -> None:
        self.session.steps_changed.disconnect(self.dropped.refresh)

    def catch_up(self) -> None:
        """Show the present state, after the dock was closed and reopened."""

    def on_shown(self) -> None:
        """Get a short title, and become a tab next to the plugin's other docks, when first shown."""
        restored, self.remembered = self.remembered, []
        if restored and self.session.state.recipe is None and opened_by_hand():
            for form in restored:
                form.restore()
        frame = dock_of(self.native)
        if frame is not None and frame.findChild(Frame) is None:
            Frame(frame)
        if not self._placed:
            self._placed = True
            self._soon.start(0)

    def become_tab(self) -> None:
        """Become a tab next to the plugin's other docks, in front of them."""
        self._placed = True
        self._soon.stop()
        tabify(self.native)

    def _on_closed(self) -> None:
        self._placed = False


def _wide(width: int) -> QSpacerItem:
    """Make a layout prefer a width; it can still be narrower."""
    return QSpacerItem(width, 0, QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)


def to_front(widget: QWidget) -> None:
    """Bring the dock of `widget` to the front of its tabs."""
    own = dock_of(widget)
    if own is not None:
        own.raise_()
