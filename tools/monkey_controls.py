"""Actions on the controls of docks, as a person with mouse, keyboard and clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy import QtTest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QToolButton,
    QWidget,
)

from monkey_data import paths

if TYPE_CHECKING:
    from random import Random

    from monkey_window import World

NUMBERS = "0 1 -1 2 3 7 0.5 1e-30 1e308 -1e308 1e999 nan inf 99999999999999999999 abc".split()
TEXTS = (
    *("", " ", "1", "1, 2", "2", "open", "open, closed", "face, house", "closed = open", "a = b; c = [d, e]"),
    *(
        "hidden = [2, 3]",
        "1, 2, 3, 4",
        "0, -1",
        "[",
        '"',
        "'",
        "=",
        ";",
        "\\",
        "..",
        "<b>bold</b>",
        "nan",
        "1e400",
    ),
    *(
        "4 closed, 4 open, 16 times",
        "x" * 400,
        "\N{GREEK SMALL LETTER BETA}\N{SNOWMAN}\u202e",
        "tcp://127.0.0.1:1",
    ),
)
KEYS = ("Tab", "Backtab", "Space", "Return", "Escape", "Up", "Down", "Left", "Right", "Home", "End", "Delete")
WHEEL = 120
MOUSE: Any = QtTest.QTest
"""Typed differently by each Qt binding."""

TRAINING = ("train_button", "resume_button", "check_button")
"""Buttons that start a run, which is made small first."""


def choose(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    """Choose a control of a random dock, and what to do with it."""
    roots = world.roots(world.viewer(viewer))
    if not roots:
        return None
    root = rng.choice(sorted(roots))
    controls = list(world.controls(roots[root]))
    if not controls:
        return None
    kind, name, widget = rng.choice(controls)
    value = _value(rng, world, kind, widget)
    return {"root": root, "control": kind, "name": name, "value": value}


def _value(rng: Random, world: World, kind: str, widget: Any) -> Any:
    if kind == "spin":
        edges = [f"{n:g}" for n in _edges(widget)]
        return rng.choice([rng.choice(edges or NUMBERS), rng.choice(NUMBERS), rng.choice((-10, -1, 1, 10))])
    if kind == "line":
        return rng.choice(paths() if rng.random() < 0.4 else TEXTS)
    if kind == "combo":
        texts = [widget.itemText(i) for i in range(widget.count())]
        return rng.choice([*texts, *TEXTS]) if widget.isEditable() else rng.choice(texts or [""])
    if kind == "slider":
        low, high = int(widget.minimum()), int(widget.maximum())
        if isinstance(widget.value(), (tuple, list)):  # of a range
            return sorted(rng.randint(low, max(low, high)) for _ in range(2))
        return rng.choice((low, high, rng.randint(low, max(low, high))))
    if kind == "tab":
        return rng.randrange(max(widget.count(), 1))
    if kind in ("plot", "list"):
        return [rng.choice(("click", "double", "wheel", "drag", "right")), rng.random(), rng.random()]
    return rng.randrange(8)  # of a button: the entry of its menu


def _edges(widget: Any) -> list[float]:
    """Limits of a spin box, and numbers next to them."""
    if not hasattr(widget, "minimum"):
        return []
    low, high = widget.minimum(), widget.maximum()
    return [low, high, low - 1, high + 1, (low + high) / 2, 10 * high, 10 * low]


def do(world: World, viewer: int, root: str, control: str, name: str, value: Any) -> None:
    """Use a control, if it is there."""
    widget: Any = world.control(world.viewer(viewer), root, control, name)
    if widget is None:
        return
    value = world.path(value)
    if control == "spin":
        _spin(widget, value)
    elif control == "line":
        type_into(widget, value)
    elif control == "combo":
        if widget.isEditable() and widget.findText(value) < 0:
            type_into(widget.lineEdit(), value)
        elif widget.findText(value) >= 0:
            widget.setCurrentIndex(widget.findText(value))
            widget.activated.emit(widget.currentIndex())
    elif control == "slider":
        widget.setValue(value)
    elif control == "tab":
        widget.setCurrentIndex(value % max(widget.count(), 1))
    elif control in ("plot", "list"):
        _point(widget, *value)
    else:
        press(world, viewer, widget, value)


def press(world: World, viewer: int, button: QAbstractButton, entry: int = 0) -> None:
    """Press a button, or choose an entry of its menu."""
    menu = button.menu() if isinstance(button, QToolButton) or hasattr(button, "menu") else None
    if menu is not None:
        menu.aboutToShow.emit()
        actions = [action for action in menu.actions() if action.isEnabled() and not action.isSeparator()]
        if actions:
            actions[entry % len(actions)].trigger()
        return
    if button.objectName() in TRAINING:
        make_small(world, viewer)
    button.click()


def make_small(world: World, viewer: int) -> None:
    """Make what Train would train small, so that a run of the monkey trains often."""
    from napari_fmri_decoder._napari.train.dock import TrainDock

    for root in world.roots(world.viewer(viewer)).values():
        dock: Any = getattr(root, "_magic_widget", None)
        if not isinstance(dock, TrainDock):
            continue
        small: dict[str, Any] = {
            "epochs": 3,
            "threads": 1,
            "seeds": 1,
            "hidden": (4,),
            "filters": (2,),
            "dense": (3,),
        }
        for form in (dock.decoder, dock.training, dock.permutation):
            given = form.asdict()
            for key in small.keys() & given.keys():
                now = given[key]
                big = now is None or (isinstance(now, (int, float)) and now > 20) or isinstance(now, tuple)
                if big and now != small[key]:
                    form.update({key: small[key]})
            if given.get("n") is not None:
                form.update({"n": min(given["n"], 3)})
        dock.location.processes.value = min(dock.location.processes.value, 2)
        folder: Any = dock.runs_folder
        folder.value = str(world.folder.parent / "runs")


def _spin(widget: QAbstractSpinBox, value: Any) -> None:
    if isinstance(value, int):
        widget.stepBy(value)
        return
    line = widget.lineEdit()
    if line is not None:
        line.selectAll()
        line.insert(value)  # as from the clipboard
    MOUSE.keyClick(widget, Qt.Key.Key_Return)


def type_into(line: QLineEdit, text: str) -> None:
    """Replace the text of a line as from the clipboard, and press Return."""
    line.selectAll()
    line.insert(text)
    MOUSE.keyClick(line, Qt.Key.Key_Return)


def poke(world: World, viewer: int, root: str, what: str, x: float, y: float) -> None:
    """Use the mouse at a random position of a dock, also where there is no control."""
    found = world.roots(world.viewer(viewer)).get(root)
    if found is None:
        return
    at = QPoint(int(x * found.width()), int(y * found.height()))
    target = found.childAt(at)
    if target is None or (isinstance(target, QAbstractButton) and what != "wheel"):
        return  # buttons are pressed by `do`, which makes runs small
    _point_at(target, what, QPointF(target.mapFrom(found, at)).toPoint())


def _point(widget: QWidget, what: str, x: float, y: float) -> None:
    target: Any = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    _point_at(target, what, QPoint(int(x * target.width()), int(y * target.height())))


def _point_at(target: QWidget, what: str, at: QPoint) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    if what == "click":
        MOUSE.mouseClick(target, left, none, at)
    elif what == "right":
        MOUSE.mouseClick(target, Qt.MouseButton.RightButton, none, at)
    elif what == "double":
        MOUSE.mouseDClick(target, left, none, at)
    elif what == "drag":
        MOUSE.mousePress(target, left, none, at)
        MOUSE.mouseMove(target, at + QPoint(25, 10))
        MOUSE.mouseRelease(target, left, none, at + QPoint(40, 15))
    else:
        event = QWheelEvent(
            *(QPointF(at), QPointF(target.mapToGlobal(at)), QPoint(), QPoint(0, WHEEL)),
            *(Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False),
        )
        QApplication.sendEvent(target, event)


def press_key(world: World, viewer: int, key: str, modifier: str) -> None:
    """Press a key in the widget that has the focus, else in the canvas."""
    window = world.viewer(viewer).window._qt_window
    target = QApplication.focusWidget() or window
    if target.window() is not window:
        target = window
    if isinstance(target, QAbstractButton) and target.objectName() in TRAINING:
        make_small(world, viewer)
    modifiers = {
        "": Qt.KeyboardModifier.NoModifier,
        "ctrl": Qt.KeyboardModifier.ControlModifier,
        "shift": Qt.KeyboardModifier.ShiftModifier,
    }
    MOUSE.keyClick(target, getattr(Qt.Key, f"Key_{key}"), modifiers[modifier])
