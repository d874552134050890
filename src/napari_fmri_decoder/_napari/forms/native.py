"""The Qt widgets of controls: their names, for accessibility and for tests, and the mouse wheel."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QWidget,
)

from napari_fmri_decoder._napari.qt.availability import set_tooltip, tooltip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from magicgui.widgets.bases import Widget


CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
"""Kinds of Qt widgets that can have the focus."""


class WheelGuard(QObject):
    """Keeps the mouse wheel from changing controls while a dock is scrolled."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass the wheel event to the dock unless the control has the focus."""
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        event.ignore()
        return True


def child(container: Iterable[Widget], name: str) -> Widget | None:
    """The widget of a container with a name; magicgui 0.10.0 has no `get_widget`."""
    return next((widget for widget in container if widget.name == name), None)


def keep_order(*widgets: QWidget) -> None:
    """Let the Tab key go through widgets, and the controls in them, in this order."""
    parts = [part for widget in widgets for part in (widget, *widget.findChildren(QWidget))]
    parts = [part for part in parts if isinstance(part, CONTROLS) and part.window() is parts[0].window()]
    for one, other in pairwise(parts):
        QWidget.setTabOrder(one, other)


def ignore_wheel(widget: QWidget) -> None:
    """Let the mouse wheel change a control, and those in it, only after a click on it."""
    for part in (widget, *widget.findChildren(QWidget)):
        if isinstance(part, (QAbstractSpinBox, QComboBox, QAbstractSlider)):
            part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            if part.findChild(WheelGuard) is None:
                part.installEventFilter(WheelGuard(part))


def prepare_control(widget: Widget, name: str, label: str, description: str) -> None:
    """Name a control and describe it to screen readers; the mouse wheel changes it only after a click."""
    native: QWidget = widget.native
    if description:
        set_tooltip(widget, tooltip(description))
    if isinstance(native, QAbstractSpinBox):
        native.setAlignment(Qt.AlignmentFlag.AlignRight)
    inner = native.focusProxy()
    (native if inner is None or isinstance(inner, QAbstractButton) else inner).setObjectName(name)
    for part in (native, *native.findChildren(QWidget)):
        if part is native or isinstance(part, CONTROLS):
            text = part.text() if isinstance(part, QAbstractButton) and part is not native else ""
            part.setAccessibleName(f"{label}: {text}" if text else label)
            part.setAccessibleDescription(description)
    ignore_wheel(native)


class _Aligner(QObject):
    """Gives the labels of a container one width whenever it is shown.

    magicgui measures them in the font of the application, and not at all if the widgets were given to the
    constructor.
    """

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show and isinstance(watched, QWidget):
            set_label_widths(watched)
        return False


def set_label_widths(container: QWidget) -> None:
    """Give the labels of a container one width, as wide as its style needs."""
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    rows = container.findChildren(QWidget, options=direct)
    labels = [label for row in rows for label in row.findChildren(QLabel, options=direct)]
    for label in labels:
        label.ensurePolished()
    width = max((label.sizeHint().width() for label in labels), default=0)
    for label in labels:
        label.setMinimumWidth(width)


def align_labels(container: Widget) -> None:
    """Keep the fields of a container in one column."""
    container.native.installEventFilter(_Aligner(container.native))


def narrow(box: QComboBox, letters: int = 12) -> None:
    """Let a combo box be narrower than its longest choice."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(letters)
