"""Controls that cannot be used now: disabled, with the reason in the tooltip."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


def set_available(widget: QWidget, why_not: str | None, tip: str | None = None) -> None:
    """Enable a widget, or disable it and give the reason in its tooltip.

    Parameters
    ----------
    widget : QWidget
    why_not : str or None
        Plain text; None or "" enables the widget.
    tip : str, optional
        What the widget does, as HTML; its "What's This" text by default.
    """
    widget.setEnabled(not why_not)
    widget.setToolTip(tooltip(widget.whatsThis() if tip is None else tip, why_not))


def tooltip(tip: str, why_not: str | None = None) -> str:
    """Write a tooltip as HTML: what a widget does, and in bold why it cannot be used now.

    Examples
    --------
    >>> tooltip("Stop the run.", "No job is running.")
    '<p>Stop the run.</p><p><b>No job is running.</b></p>'
    """
    return f"<p>{tip}</p>" + (f"<p><b>{escape(why_not)}</b></p>" if why_not else "")
