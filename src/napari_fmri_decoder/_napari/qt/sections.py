"""Scroll areas, sections that collapse, and texts, for the layout of docks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """Put a widget into an area that scrolls only vertically."""
    area = _Area()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area


class _Area(QScrollArea):
    def minimumSizeHint(self) -> QSize:
        """Be as wide as the content needs."""
        style = self.style() or QApplication.style()
        bar = style.pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent) if style is not None else 16
        content = self.widget()
        return QSize((content.minimumSizeHint().width() if content else 0) + bar + 4, 80)


def section(
    title: str, *widgets: QWidget, name: str, open_: bool = True, reset: Callable[[], object] | None = None
) -> QWidget:
    """Put widgets under a title that expands and collapses them.

    Parameters
    ----------
    title : str
    *widgets : QWidget
    name : str
        objectName.
    open_ : bool
        Whether expanded at first.
    reset : callable, optional
        Sets the defaults; adds a button for it.
    """
    return _Section(title, widgets, name, open_, reset)


class _Section(QWidget):
    def __init__(
        self,
        title: str,
        widgets: Sequence[QWidget],
        name: str,
        open_: bool,
        reset: Callable[[], object] | None,
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.button = _flat_button(f" {title}", "font-weight: bold;")
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        head = QHBoxLayout()
        head.addWidget(self.button)
        head.addStretch(1)
        if reset is not None:
            back = _flat_button("Reset")
            back.setObjectName(f"{name}_reset")
            back.setToolTip(f"<p>Reset to defaults: all options under {title}.</p>")
            back.clicked.connect(reset)
            head.addWidget(back)
        self.content = QWidget()
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(12, 0, 0, 6)
        for widget in widgets:
            inner.addWidget(widget)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        rows.addLayout(head)
        rows.addWidget(self.content)
        self.button.toggled.connect(self._show)
        self.button.setChecked(open_)
        self._show(open_)

    def _show(self, open_: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.content.setVisible(open_)


def _flat_button(text: str, style: str = "") -> QToolButton:
    """A button that looks like its text."""
    button = QToolButton()
    button.setText(text)
    button.setStyleSheet(
        f"QToolButton, QToolButton:checked {{ background: transparent; border: none; {style} }}"
    )
    return button


def text_label(text: str = "", name: str = "") -> QLabel:
    """Make a label that wraps and whose text can be selected."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label


def native_row(*widgets: QWidget) -> QWidget:
    """Put Qt widgets next to each other."""
    row = QWidget()
    grid = QGridLayout(row)
    grid.setContentsMargins(0, 0, 0, 0)
    for column, widget in enumerate(widgets):
        grid.addWidget(widget, 0, column)
    return row
