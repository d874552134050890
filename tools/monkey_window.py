"""The windows that the monkey plays with: viewers, docks, and the controls in them, each found by a name."""

from __future__ import annotations

import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QGraphicsView,
    QLineEdit,
    QMessageBox,
    QScrollBar,
    QTabBar,
    QWidget,
)

from monkey_data import DATA, paths
from monkey_watch import Findings, Hooks, Watchdog
from napari_fmri_decoder._napari.qt.running import running_jobs
from napari_fmri_decoder._napari.viewer.session import Session

PLUGIN = "napari-fmri-decoder"
KINDS: dict[str, type[QWidget]] = {
    "spin": QAbstractSpinBox,
    "combo": QComboBox,
    "line": QLineEdit,
    "button": QAbstractButton,
    "slider": QAbstractSlider,
    "tab": QTabBar,
    "list": QAbstractItemView,
    "plot": QGraphicsView,
}
SIZE = 1366, 768
_TEST: Any = QTest
"""Typed differently by each Qt binding."""


class World:
    """All open viewers.

    Parameters
    ----------
    folder : Path
        With the data.
    findings : Findings
    gap : float
        Longest gap of the event loop, in CPU seconds.

    Attributes
    ----------
    viewers : list of napari Viewer
    was_3d : set of int
        Identities of viewers that have shown 3-D: napari crashes if a layer is removed there.
    gone : list of weak references
        Closed viewers.
    answer : int
        Chooses what modal dialogs and menus are answered with.
    """

    def __init__(self, folder: Path, findings: Findings, gap: float) -> None:
        self.folder, self.findings = folder, findings
        self.viewers: list[napari.Viewer] = []
        self.was_3d: set[int] = set()
        self.gone: list[weakref.ref[napari.Viewer]] = []
        self.answer = 0
        self.open_viewer()
        _warm_up(self.viewers[0])
        self.hooks = Hooks(findings)
        self.watchdog = Watchdog(findings, gap)
        self._patch_file_dialogs()
        self._modal_beats = 0
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(10)
        self.watchdog.start()

    # Viewers

    def open_viewer(self) -> napari.Viewer:
        """Open another viewer."""
        viewer = napari.Viewer()
        viewer.window._qt_window.resize(*SIZE)
        was_3d, number = self.was_3d, len(self.gone) + len(self.viewers)

        def on_ndisplay(event: Any) -> None:
            if event.value == 3:
                was_3d.add(number)

        viewer.dims.events.ndisplay.connect(on_ndisplay)
        self._numbers: dict[int, int] = getattr(self, "_numbers", {})
        self._numbers[id(viewer)] = number
        self.viewers.append(viewer)
        return viewer

    def keeps_layers(self, viewer: napari.Viewer) -> bool:
        """Whether no layer may be removed from a viewer, because napari would crash."""
        return self._numbers[id(viewer)] in self.was_3d

    def close_viewer(self, index: int) -> None:
        """Close a viewer; there is always one."""
        viewer = self.viewers.pop(index)
        self.gone.append(weakref.ref(viewer))
        viewer.close()

    def viewer(self, index: int) -> napari.Viewer:
        """A viewer; in a replay there may be fewer than there were."""
        return self.viewers[index % len(self.viewers)]

    # Docks and controls

    def frames(self, viewer: napari.Viewer) -> list[QtViewerDockWidget]:
        """The frames of the plugin's docks, open or hidden."""
        found = viewer.window._qt_window.findChildren(QtViewerDockWidget)
        return [frame for frame in found if PLUGIN in frame.objectName() and frame.widget() is not None]

    def roots(self, viewer: napari.Viewer) -> dict[str, QWidget]:
        """The plugin's docks by name."""
        return {frame.objectName(): frame.widget() for frame in self.frames(viewer)}

    def controls(self, root: QWidget) -> Iterator[tuple[str, str, QWidget]]:
        """Visible and enabled controls of a dock: kind, name, widget."""
        count: Counter[str] = Counter()
        for widget in root.findChildren(QWidget):
            kind = kind_of(widget)
            if kind is None or not widget.isVisible() or not widget.isEnabled():
                continue
            name = widget.objectName() or widget.accessibleName()
            if not name and isinstance(widget, QAbstractButton):
                name = widget.text()
            name = f"{type(widget).__name__}/{name}"
            count[name] += 1
            yield kind, f"{name}/{count[name]}", widget

    def control(self, viewer: napari.Viewer, root: str, kind: str, name: str) -> QWidget | None:
        """A control by its name, if it is there now."""
        found = self.roots(viewer).get(root)
        if found is None:
            return None
        each = self.controls(found)
        return next((widget for own, given, widget in each if (own, given) == (kind, name)), None)

    # Time

    def settle(self, milliseconds: int = 20) -> None:
        """Run the event loop."""
        _TEST.qWait(milliseconds)
        self.hooks.install()

    def wait_for(self, done: Callable[[], bool], seconds: float) -> bool:
        """Run the event loop until something holds."""
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            _TEST.qWait(50)
        return done()

    def _beat(self) -> None:
        """Count a turn of the event loop, and answer a dialog or menu that waits for the user."""
        self.watchdog.beat()
        waiting = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        self._modal_beats = self._modal_beats + 1 if waiting is not None else 0
        if waiting is not None and self._modal_beats > 5:
            self._modal_beats = 0
            answer(waiting, self.answer)

    def _patch_file_dialogs(self) -> None:
        """Answer file dialogs without showing them: they are Qt's or the desktop's."""
        from magicgui.application import use_app

        def chosen(*args: Any, **options: Any) -> str:
            known = paths()
            return str(self.path(known[self.answer % len(known)]))

        def one(*args: Any, **options: Any) -> tuple[str, str]:
            return chosen(), ""

        def several(*args: Any, **options: Any) -> tuple[list[str], str]:
            return [chosen()], ""

        def saved(*args: Any, **options: Any) -> tuple[str, str]:
            name = ("", "x.png", "x.svg", "x.csv", "x.tsv", "x.nii.gz", "x", "no/folder/x.nii")[
                self.answer % 8
            ]
            return str(self.folder.parent / name) if name else "", ""

        for name, function in (
            ("getOpenFileName", one),
            ("getOpenFileNames", several),
            ("getSaveFileName", saved),
            ("getExistingDirectory", chosen),
        ):
            setattr(QFileDialog, name, staticmethod(function))
        backend = use_app()
        get = backend.get_obj
        backend.get_obj = lambda name: chosen if name == "show_file_dialog" else get(name)  # type: ignore[method-assign]

    def path(self, text: Any) -> Any:
        """Fill the folder of the data into a text of an action, which has it in no machine's words."""
        return text.replace(DATA, str(self.folder)) if isinstance(text, str) else text

    # What must hold

    def check(self) -> None:
        """Look for what must never be: choices of layers that are gone, labels of another length."""
        for viewer in self.viewers:
            for name, layer in _layers_in_use(viewer, self.roots(viewer)):
                if layer is not None and layer not in viewer.layers:
                    self.findings.add("deleted layer", f"{name} is still the deleted layer {layer.name!r}")
            session = Session.of(viewer)
            table, series = session.state.labeling.table, session.series
            if table is not None and series is not None and len(table) != series.n_volumes:
                text = f"{len(table)} labels, but {series.n_volumes} volumes in {series.name}"
                self.findings.add("labels of another series", text)

    def stop_jobs(self, seconds: float = 120) -> None:
        """Stop all jobs, and wait until they have ended."""
        for job in running_jobs():
            job.stop()
        if not self.wait_for(lambda: not running_jobs(), seconds):
            names = ", ".join(job.description for job in running_jobs())
            self.findings.add("job", f"{names} did not stop within {seconds:g} s")


def _warm_up(viewer: napari.Viewer) -> None:
    """Show what napari compiles or loads when it is first shown: that time is napari's, once per process."""
    image, labels = np.random.default_rng(0).random((5, 6, 7)), np.ones((5, 6, 7), dtype=np.uint8)
    square = np.array([[1.0, 1, 1], [1, 1, 4], [1, 4, 4], [1, 4, 1]])
    for layer in (
        viewer.add_image(image),
        viewer.add_labels(labels),
        viewer.add_points(square),
        viewer.add_shapes([square], shape_type="polygon"),
        viewer.add_vectors(np.stack([square, square], axis=1)),
        viewer.add_surface((square, np.array([[0, 1, 2]]))),
    ):
        viewer.layers.selection.active = layer
        viewer.dims.set_current_step(0, 2)
        _TEST.qWait(100)
    viewer.layers.clear()
    _TEST.qWait(100)


def kind_of(widget: QWidget) -> str | None:
    """Kind of a control; parts of controls, such as the line of a spin box, have none."""
    parent = widget.parentWidget()
    if isinstance(widget, QScrollBar) or widget.objectName() == "qt_scrollarea_viewport":
        return None
    if isinstance(parent, (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar)):
        return None
    return next((kind for kind, one in KINDS.items() if isinstance(widget, one)), None)


def answer(widget: QWidget, number: int) -> None:
    """Answer a dialog or menu; `number` chooses how."""
    if isinstance(widget, QMessageBox) and widget.buttons():
        widget.buttons()[number % len(widget.buttons())].click()
    elif isinstance(widget, QDialog):
        (widget.accept if number % 2 else widget.reject)()
    else:
        widget.close()


def _layers_in_use(viewer: napari.Viewer, roots: dict[str, QWidget]) -> Iterator[tuple[str, Any]]:
    """Layers that the session and the docks hold, with what holds them."""
    preparation = Session.of(viewer).state.preparation
    for name in ("series", "anatomy", "slab_layer"):
        yield f"{name} of the session", getattr(preparation, name)
    for title, root in roots.items():
        for part in (root, *root.findChildren(QWidget)):
            widget: Any = getattr(part, "_magic_widget", None)
            if type(widget).__name__ == "LayerChoice":
                yield f"{title}: {widget.label}", widget.value


def flush_deleted() -> None:
    """Let Qt delete what is to be deleted later."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def top_level(kind: type[QObject]) -> list[Any]:
    """Windows of a kind that Qt still has."""
    return [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind)]
