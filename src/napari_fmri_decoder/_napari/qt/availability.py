"""Controls that cannot be used now: disabled, with the reason in the tooltip."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from magicgui.widgets.bases import Widget
    from qtpy.QtWidgets import QWidget


def set_available(widget: QWidget | Widget, why_not: str | None, tip: str | None = None) -> None:
    """Enable a widget, or disable it and give the reason in its tooltip.

    Parameters
    ----------
    widget : QWidget or magicgui widget
    why_not : str or None
        Plain text; None or "" enables the widget.
    tip : str, optional
        What the widget does, as HTML; its "What's This" text by default.
    """
    native = _native(widget)
    native.setEnabled(not why_not)
    set_tooltip(widget, tooltip(native.whatsThis() if tip is None else tip, why_not))


def set_tooltip(widget: QWidget | Widget, text: str) -> None:
    """Set the tooltip of a widget and, of a magicgui widget, of its label and its parts."""
    native = _native(widget)
    native.setToolTip(text)
    if native is not widget:
        widget.tooltip = text  # type: ignore[union-attr]


def tooltip(tip: str, why_not: str | None = None) -> str:
    """Write a tooltip as HTML: what a widget does, and in bold why it cannot be used now.

    Examples
    --------
    >>> tooltip("Stop the run.", "No job is running.")
    '<p>Stop the run.</p><p><b>No job is running.</b></p>'
    """
    return f"<p>{tip}</p>" + (f"<p><b>{escape(why_not)}</b></p>" if why_not else "")


def _native(widget: QWidget | Widget) -> QWidget:
    """The Qt widget of a magicgui widget, or the Qt widget itself."""
    native: QWidget = widget.native if hasattr(widget, "native") else widget
    return native
