"""Scroll areas, sections that collapse, and texts, for the layout of docks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QTabWidget,
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
        self.button.setObjectName(f"{name}_title")
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        head = QHBoxLayout()
        head.addWidget(self.button)
        head.addStretch(1)
        if reset is not None:
            back = _flat_button("Reset")
            back.setObjectName(f"{name}_reset")
            back.setToolTip(f"<p>Reset to defaults: all options under {title}.</p>")
            self._reset = reset
            back.clicked.connect(self._on_reset)
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

    def _on_reset(self) -> None:
        self._reset()

    def open(self) -> None:
        """Expand it."""
        self.button.setChecked(True)

    def _show(self, open_: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.content.setVisible(open_)


def reveal(control: QWidget) -> None:
    """Show a control of a dock, and give it the focus: expand its sections, show its tab, scroll to it."""
    inner, areas = control, list[QScrollArea]()
    while (parent := inner.parentWidget()) is not None and not isinstance(inner, QDockWidget):
        if isinstance(parent, _Section):
            parent.open()
        elif isinstance(parent, QStackedWidget) and isinstance(tabs := parent.parentWidget(), QTabWidget):
            tabs.setCurrentWidget(inner)
        elif isinstance(parent, QScrollArea):
            areas.append(parent)
        inner = parent
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)  # its place, after sections were expanded
    for area in areas:
        area.ensureWidgetVisible(control)
    control.setFocus(Qt.FocusReason.ShortcutFocusReason)


_AROUND = 10, 30
"""Pixels to the sides and above and below a control that stay in sight."""


def scroll_to(control: QWidget) -> None:
    """Scroll the areas around a control until it is in sight; the focus stays where it is."""
    part = control.parentWidget()
    while part is not None and not isinstance(part, QDockWidget):
        if isinstance(part, QScrollArea) and control.isVisible():
            content = part.widget()
            layout = content.layout() if content is not None else None
            if layout is not None:
                layout.activate()  # a dock that was just opened has not placed its controls yet
            part.ensureWidgetVisible(control, *_AROUND)
        part = part.parentWidget()


def focus_inside(content: QWidget) -> None:
    """Give the focus to the control in a dock that had it last, else to the first."""
    last = content.focusWidget()
    if last is None or not (last.isVisible() and last.isEnabled()):
        last = content.nextInFocusChain()
        while last is not None and last is not content and not _takes_tab(last, content):
            last = last.nextInFocusChain()
    if last is not None and last is not content:
        last.setFocus(Qt.FocusReason.ShortcutFocusReason)


def _takes_tab(control: QWidget, content: QWidget) -> bool:
    """Whether the Tab key reaches a control of a dock now; a scroll area is none."""
    by_tab = bool(control.focusPolicy() & Qt.FocusPolicy.TabFocus) and not isinstance(control, QScrollArea)
    return by_tab and control.isVisible() and control.isEnabled() and content.isAncestorOf(control)


class LinkLabel(QLabel):
    """A text that wraps, whose links have the color of the text in any theme, and work with the keyboard."""

    def __init__(self, text: str = "", name: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._text, self._color = text, ""
        self.set_html(text)

    def set_html(self, text: str) -> None:
        """Set the text; its links begin with ``<a href``."""
        self._text, self._color = text, self._color_of_text()
        self.setText(text.replace("<a href", f'<a style="color:{self._color}" href'))

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the colors of the theme."""
        super().changeEvent(event)
        if self._color_of_text() != self._color:
            self.set_html(self._text)

    def _color_of_text(self) -> str:
        return self.palette().color(QPalette.ColorRole.WindowText).name()


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


def column(*parts: QWidget) -> QWidget:
    """Put Qt widgets below each other, at the top."""
    content = QWidget()
    rows = QVBoxLayout(content)
    rows.setContentsMargins(2, 4, 2, 4)
    for part in parts:
        rows.addWidget(part)
    rows.addStretch(1)
    return content


def native_row(*widgets: QWidget) -> QWidget:
    """Put Qt widgets next to each other."""
    row = QWidget()
    grid = QGridLayout(row)
    grid.setContentsMargins(0, 0, 0, 0)
    for column, widget in enumerate(widgets):
        grid.addWidget(widget, 0, column)
    return row
