"""Somebody who opens napari for the first time: clicks on what can be seen, and counts the clicks."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QMenu, QPushButton, QTabBar, QWidget

LEFT = Qt.MouseButton.LeftButton
PLUGIN = "napari-fmri-decoder"


class Newcomer:
    """Clicks with the mouse, and remembers what and how often.

    Parameters
    ----------
    viewer : napari Viewer
    wait : callable
        Waits until a function returns True; called with it.

    Attributes
    ----------
    clicked : list of str
        The texts of everything that was clicked.
    """

    def __init__(self, viewer: Any, wait: Any) -> None:
        self.viewer, self.wait = viewer, wait
        self.clicked: list[str] = []

    @property
    def window(self) -> Any:
        """Looked up each time, because a test keeps this object longer than its window."""
        return self.viewer.window._qt_window

    def click(self, widget: QWidget, what: str, at: QPoint | None = None) -> None:
        """Click on a widget that can be seen there."""
        point = widget.rect().center() if at is None else at
        self.wait(lambda: widget.isVisible() and widget.visibleRegion().contains(point))
        assert widget.isEnabled(), f"{what}: {widget.toolTip()}"
        self.clicked.append(what)
        QTest.mouseClick(widget, LEFT, Qt.KeyboardModifier.NoModifier, point)

    def menu(self, *texts: str) -> None:
        """Choose an entry of the menu bar."""
        bar: Any = self.window.menuBar()
        for text in texts:
            action = next(a for a in bar.actions() if entry(a.text()) == text)
            self.click(bar, text, bar.actionGeometry(action).center())
            if action.menu() is not None:
                bar = action.menu()
                self.wait(bar.isVisible)
        for popup in QApplication.topLevelWidgets():
            if isinstance(popup, QMenu):
                popup.hide()

    def dock(self, name: str) -> Any:
        """The content of a dock that is in front."""
        key = f"{name} ({PLUGIN})"
        self.wait(lambda: key in self.viewer.window.dock_widgets)
        dock = self.viewer.window.dock_widgets[key]
        self.wait(lambda: not dock.native.visibleRegion().isEmpty())
        return dock

    def button(self, dock: str, text: str) -> None:
        """Press a button of a dock by its text."""
        content = self.dock(dock).native

        def found() -> list[QPushButton]:
            parts = content.findChildren(QPushButton)
            return [b for b in parts if b.text().strip("\u2713\u25b6 ") == text and b.isVisible()]

        self.wait(lambda: bool(found()))
        self.click(found()[0], text)

    def tab(self, title: str) -> None:
        """Raise a dock by its tab."""
        bars = [
            bar for bar in self.window.findChildren(QTabBar) if isinstance(bar.parent(), type(self.window))
        ]
        for bar in bars:
            for i in range(bar.count()):
                if bar.tabText(i) == title:
                    self.click(bar, title, bar.tabRect(i).center())
                    return
        raise AssertionError(f"no tab {title}")

    def type_choice(self, dock: str, name: str, label: str, letters: str) -> None:
        """Click on a combo box, and type the beginning of a choice."""
        box = self.dock(dock).native.findChild(QWidget, name)
        self.click(box, label)
        self.wait(box.view().isVisible)
        QTest.keyClicks(box.view(), letters)
        QTest.keyClick(box.view(), Qt.Key.Key_Return)

    def frames(self) -> list[QDockWidget]:
        """The frames of the plugin's docks."""
        return [f for f in self.window.findChildren(QDockWidget) if PLUGIN in f.objectName()]


def entry(text: str) -> str:
    """The name of a menu entry: napari appends the plugin's to those of docks."""
    return text.replace("&", "").removesuffix(f" ({PLUGIN})")


def train_sample(person: Newcomer) -> None:
    """From an empty napari to the first activation layer on the phantom, as the README says."""
    person.menu("Plugins", PLUGIN, "View")
    person.button("View", "Phantom: eyes open or closed")
    start = person.dock("View").start
    person.wait(lambda: bool(start.message.text()))
    person.button("View", "Train")
    person.button("Train", "Train")
    train = person.dock("Train")
    person.wait(lambda: train.job is None and train.session.state.results.result is not None)
    person.button("Train", "Show activations")
    person.wait(lambda: _activations(person).visible)


def train_bids(person: Newcomer) -> None:
    """The same on a BIDS folder; choosing it counts as one click, and the network is typed into its list."""
    person.menu("Plugins", PLUGIN, "View")
    person.button("View", "BIDS folder…")
    person.clicked.append("choose the folder")
    labels = person.dock("Labels")
    person.button("Labels", "Open selected runs")
    person.wait(lambda: labels.session.state.labeling.table is not None)
    person.tab("Train")
    person.type_choice("Train", "name", "Name", "cnn2d")
    person.button("Train", "Train")
    train = person.dock("Train")
    person.wait(lambda: train.job is None and train.session.state.results.result is not None)
    person.button("Train", "Show activations")
    person.wait(lambda: _activations(person).visible)


def _activations(person: Newcomer) -> Any:
    return next(layer for layer in person.viewer.layers if "conv1" in layer.name)
