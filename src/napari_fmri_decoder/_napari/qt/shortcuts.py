"""Keyboard shortcuts of the plugin, registered as napari key bindings of a viewer.

napari 0.9 does not read the `keybindings` of a plugin's manifest, so they are bound to each viewer. Keys
that napari itself uses for the viewer or for a layer are not used here; a test compares.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from napari.utils.notifications import show_info

from napari_fmri_decoder._napari.qt.docks import focus_dock
from napari_fmri_decoder._napari.qt.frame import NAMES
from napari_fmri_decoder._napari.qt.help_dialog import show_help
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.shortcut_list import SHORTCUTS, Shortcut
from napari_fmri_decoder._napari.viewer.camera import brain_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

    from napari_fmri_decoder._napari.qt.lifetime import Lifetime
    from napari_fmri_decoder._napari.viewer.session import Session


class Shortcuts:
    """The key bindings of a session's viewer; get them with `session.part(Shortcuts)`.

    Parameters
    ----------
    session : Session
        Held weakly.
    """

    def __init__(self, session: Session) -> None:
        self._session = ref(session)
        self._provided: dict[str, Callable[[], None]] = {}
        for shortcut in SHORTCUTS:
            session.viewer.bind_key(shortcut.key, self._handler(shortcut), overwrite=True)

    def provide(self, action: str, method: Callable[[], None], life: Lifetime) -> None:
        """Let a dock do an action while it is open.

        Parameters
        ----------
        action : str
            Of one of `SHORTCUTS`.
        method : callable
        life : Lifetime
            Of the dock.
        """
        life.tie(partial(self._provided.update, {action: method}), partial(self._provided.pop, action, None))

    def _handler(self, shortcut: Shortcut) -> Callable[[Viewer], None]:
        """Make the function that napari calls; napari needs its name."""

        def press(viewer: Viewer) -> None:
            self._press(shortcut, viewer)

        return press

    def _press(self, shortcut: Shortcut, viewer: Viewer) -> None:
        """Do the action of a key."""
        session = self._session()
        if session is None:
            return
        with guard():
            method = self._provided.get(shortcut.action)
            if method is not None:
                method()
            elif shortcut.action in ("axial", "coronal", "sagittal"):
                if brain_layers(session.viewer):
                    session.look(shortcut.action)  # type: ignore[arg-type]
            elif shortcut.action == "play":
                play_or_stop(session.viewer)
            elif shortcut.action == "help":
                show_help(session.viewer)
            elif shortcut.action in NAMES:
                focus_dock(session.viewer, shortcut.action)
            elif shortcut.dock:
                show_info(f"Open the dock {shortcut.dock} first. Then {shortcut.key} works: {shortcut.does}.")


def play_or_stop(viewer: Viewer) -> None:
    """Play the volumes of a series, or stop."""
    dims: Any = getattr(getattr(viewer.window, "_qt_viewer", None), "dims", None)
    if dims is None or viewer.dims.ndim < 4:
        return
    if dims.is_playing:
        dims.stop()
    else:
        dims.play(viewer.dims.ndim - 4)
