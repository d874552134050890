"""Keys do what the list says, and napari uses none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_model.types import KeyBinding
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QPushButton

from napari_fmri_decoder._napari.qt.help_dialog import NAME, HelpDialog
from napari_fmri_decoder._napari.qt.shortcut_list import CONTROL_KEYS, SHORTCUTS
from napari_fmri_decoder._napari.view.dock import TABS
from napari_fmri_decoder._napari.viewer.camera import plane_of
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.volumes.volume import Volume

PAGE = Path(__file__).parents[3] / "docs" / "keyboard.md"


def test_napari_and_its_layers_use_no_key_of_ours(viewer: Any) -> None:
    import napari.layers
    from napari.components import ViewerModel
    from napari.utils.shortcuts import default_shortcuts

    ours = {KeyBinding.from_str(one.key) for one in SHORTCUTS}
    assert len(ours) == len(SHORTCUTS)
    theirs = {key for keys in default_shortcuts.values() for key in keys}
    known = [ViewerModel, *(getattr(napari.layers, name) for name in napari.layers.__all__)]
    for keymap in (getattr(one, "class_keymap", {}) for one in known):
        theirs |= {key for key in keymap if isinstance(key, KeyBinding)}
    assert len(theirs) > 60, "napari's keys were found"
    assert not ours & theirs
    menus = {
        action.shortcut().toString()
        for action in viewer.window._qt_window.findChildren(type(viewer.window.view_menu.actions()[0]))
    }
    assert not {QKeySequence(one.key).toString() for one in SHORTCUTS} & menus


def test_the_page_and_the_dialog_list_all_keys(viewer: Any, person: Any) -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    assert [row for row in rows if len(row) == 2][1:] == [list(pair) for pair in CONTROL_KEYS]
    assert [row for row in rows if len(row) == 3][1:] == [[s.key, s.does, s.dock] for s in SHORTCUTS]
    dock = person.dock("View")
    person.press(dock, "keys")
    dialog = viewer.window._qt_window.findChild(HelpDialog, NAME)
    assert dialog.isVisible()
    text = dialog.text.text()
    assert all(one.key in text and one.does in text for one in SHORTCUTS)
    dialog.close()


@pytest.fixture
def scan(viewer: Any) -> Any:
    session = Session.of(viewer)
    values = np.random.default_rng(0).normal(size=(12, 14, 10, 6)).astype(np.float32)
    session.add(Volume(values + 500, np.diag([3.0, 3, 3, 1]), "bold", 2.0, name="scan"))
    return session.add(Volume(values[..., 0] * 3, np.diag([3.0, 3, 3, 1]), "stat", name="z"))


def test_keys_work_from_a_button_of_a_dock(viewer: Any, person: Any, qtbot: Any, scan: Any) -> None:
    view, prepare = person.dock("View"), person.dock("Prepare")
    view.tabs.setCurrentIndex(TABS.index("views"))
    window = viewer.window._qt_window
    button = person.find(view, "views_axial")
    assert isinstance(button, QPushButton)

    def press(key: Any) -> None:
        qtbot.keyClick(button, key)

    for key, plane in ((Qt.Key.Key_9, "coronal"), (Qt.Key.Key_0, "sagittal"), (Qt.Key.Key_8, "axial")):
        press(key)
        assert plane_of(viewer) == plane
        assert view.views.planes[plane].value, "the button of the plane is pressed, too"
    press(Qt.Key.Key_H)
    assert not view.views.lines.value
    assert not view.views.crosshair.visible
    press(Qt.Key.Key_H)
    assert view.views.crosshair.visible
    view.map.layer.value = "z"
    view.map.threshold.value = 2.0
    press(Qt.Key.Key_Period)
    raised = view.map.threshold.value
    assert 2.0 < raised < 3.0
    press(Qt.Key.Key_Comma)
    assert view.map.threshold.value == pytest.approx(2.0, abs=0.05)
    dims = viewer.window._qt_viewer.dims
    press(Qt.Key.Key_K)
    qtbot.waitUntil(lambda: dims.is_playing)
    press(Qt.Key.Key_K)
    qtbot.waitUntil(lambda: not dims.is_playing)
    prepare.session.take_step("Mask")
    press(Qt.Key.Key_U)
    assert not prepare.session.steps
    press(Qt.Key.Key_F1)
    dialog = window.findChild(HelpDialog, NAME)
    assert dialog.isVisible()
    dialog.close()


def test_a_key_of_a_closed_dock_says_which_to_open(
    viewer: Any, person: Any, qtbot: Any, scan: Any, notified: list[Any]
) -> None:
    view = person.dock("View")
    person.dock("Prepare")
    viewer.window.remove_dock_widget(view.native.parentWidget())
    qtbot.keyClick(viewer.window._qt_window, Qt.Key.Key_H)
    assert "Open the dock View first" in str(notified[-1].message)
