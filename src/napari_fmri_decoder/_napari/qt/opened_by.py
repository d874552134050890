"""Whether a person or a script opens a dock."""

from __future__ import annotations

import sys

LIBRARIES = {
    *("app_model", "in_n_out", "magicgui", "napari", "napari_fmri_decoder", "npe2", "psygnal", "qtpy"),
    *("superqt", *sys.stdlib_module_names),
}
LOOPS = ("IPython", "ipykernel")
"""Packages that run Qt's events for a notebook or a terminal."""


def opened_by_hand() -> bool:
    """Whether the present call comes from a menu of the window, not from a script.

    The nearest caller that belongs to no library is a script; if there is none above Qt's event loop, a
    person opened the dock.
    """
    frame = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if module == "napari._qt.qt_event_loop" or package in LOOPS:
            return True
        if package not in LIBRARIES:
            return False
        frame = frame.f_back  # type: ignore[assignment]
    return True
