"""The list of keyboard shortcuts, which the key bindings, the window's help and the docs share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key and what it does.

    Attributes
    ----------
    key : str
        As napari writes it.
    action : str
        Name of the action; see `Shortcuts.provide`.
    does : str
        For the list of shortcuts.
    dock : str
        Title of the dock that provides it; "" if it always works.
    """

    key: str
    action: str
    does: str
    dock: str = ""


SHORTCUTS = (
    Shortcut("8", "axial", "Show axial slices"),
    Shortcut("9", "coronal", "Show coronal slices"),
    Shortcut("0", "sagittal", "Show sagittal slices"),
    Shortcut("K", "play", "Play or stop the volumes of a series"),
    Shortcut("H", "crosshair", "Show or hide the crosshair", "View"),
    Shortcut(",", "lower", "Lower the threshold of the map", "View"),
    Shortcut(".", "raise", "Raise the threshold of the map", "View"),
    Shortcut("U", "undo", "Undo the last step", "Prepare"),
    Shortcut("F1", "help", "Show this list"),
    Shortcut("F5", "View", "Go to the dock View"),
    Shortcut("F6", "Prepare", "Go to the dock Prepare"),
    Shortcut("F7", "Labels", "Go to the dock Labels"),
    Shortcut("F8", "Train", "Go to the dock Train"),
    Shortcut("F9", "Look inside", "Go to the dock Look inside"),
)
"""All shortcuts, as the window and the docs list them."""

CONTROL_KEYS = (
    ("Tab, Shift+Tab", "Go to the next or the previous control"),
    ("Space", "Press a button, tick a box, open a section"),
    ("Enter", "Finish typing"),
    ("Arrows", "Choose from a list, change a number, go to another tab"),
    ("Alt+Down", "Open a list"),
)
"""Keys of the controls in docks."""
