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
    QVBoxLayout,
    QWidget,
)

from napari_fmri_decoder._napari.qt.availability import set_tooltip, tooltip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """Let the Tab key go through widgets, and the controls in them, in this order.

    Also those that give the focus to a control in them: behind that control, Tab would return to it forever.
    """
    parts = [part for widget in widgets for part in (widget, *widget.findChildren(QWidget))]
    parts = [part for part in parts if _has_focus(part) and part.window() is parts[0].window()]
    given = [(part, proxy) for part in parts if (proxy := part.focusProxy()) and part.isAncestorOf(proxy)]
    for part, _ in given:  # Qt would move the control in place of what it is in, and lose other controls
        part.setFocusProxy(None)
        part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    for one, other in pairwise(parts):
        QWidget.setTabOrder(one, other)
    for part, proxy in given:
        part.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        part.setFocusProxy(proxy)


def _has_focus(part: QWidget) -> bool:
    """Whether a widget can have the focus, or gives it to a part of it: a control, or a text with links."""
    is_text = isinstance(part, QLabel) and part.focusPolicy() == Qt.FocusPolicy.StrongFocus
    proxy = part.focusProxy()
    return is_text or isinstance(part, CONTROLS) or (proxy is not None and part.isAncestorOf(proxy))


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
    """Gives the labels of containers one width whenever its own container is shown.

    magicgui measures them in the font of the application, and not at all if the widgets were given to the
    constructor.
    """

    def __init__(self, container: QWidget) -> None:
        super().__init__(container)
        self.containers: Sequence[QWidget] = (container,)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show:
            self.align()
        return False

    def align(self) -> None:
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        rows = [row for one in self.containers for row in one.findChildren(QWidget, options=direct)]
        labels = [label for row in rows for label in row.findChildren(QLabel, options=direct)]
        for label in labels:
            label.ensurePolished()
        width = max((label.sizeHint().width() for label in labels), default=0)
        for label in labels:
            label.setMinimumWidth(width)


def _aligner(container: QWidget) -> _Aligner | None:
    return container.findChild(_Aligner, options=Qt.FindChildOption.FindDirectChildrenOnly)


def set_label_widths(container: QWidget) -> None:
    """Give the labels of a container one width, as wide as its style needs; see `align_labels`."""
    (_aligner(container) or _Aligner(container)).align()


def align_labels(*containers: Widget | QWidget) -> None:
    """Keep the fields of containers in one column, whatever column they were in before."""
    natives: list[QWidget] = [one if isinstance(one, QWidget) else one.native for one in containers]
    for native in natives:
        aligner = _aligner(native)
        if aligner is None:
            aligner = _Aligner(native)
            native.installEventFilter(aligner)
        aligner.containers = natives


def aligned_column(name: str) -> QWidget:
    """Make a widget for fields below one another, with their labels in one column."""
    column = QWidget()
    column.setObjectName(name)
    QVBoxLayout(column).setContentsMargins(0, 0, 0, 0)
    align_labels(column)
    return column


def narrow(box: QComboBox, letters: int = 12) -> None:
    """Let a combo box be narrower than its longest choice."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(letters)
