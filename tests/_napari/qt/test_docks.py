"""Docks opened from napari's menu, by scripts and by other docks; controls that are pointed to."""

from itertools import pairwise
from typing import Any

import pytest
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QDockWidget, QTabBar, QWidget

from napari_fmri_decoder._napari.qt.docks import PLUGIN, go_to, open_dock
from napari_fmri_decoder._napari.qt.frame import NAMES
from napari_fmri_decoder._napari.qt.lifetime import dock_of

COMMANDS = dict(zip(NAMES, ("view", "prepare", "labels", "train", "look_inside"), strict=True))


def choose(viewer: Any, name: str) -> None:
    """Choose the entry of a dock in napari's menu Plugins."""
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(f"{PLUGIN}.{COMMANDS[name]}").result()


def _status(name: str) -> bool:
    """Whether napari's menu shows a check mark."""
    from napari._qt._qplugins._qnpe2 import _get_current_dock_status

    return bool(_get_current_dock_status(f"{name} ({PLUGIN})"))


def frames(viewer: Any) -> list[Any]:
    """The frames of the plugin's docks."""
    found = viewer.window._qt_window.findChildren(QDockWidget)
    return [frame for frame in found if PLUGIN in frame.objectName()]


def in_front(viewer: Any, name: str) -> bool:
    """Whether a dock can be seen: not hidden, and not behind another tab."""
    frame = dock_of(viewer.window.dock_widgets[f"{name} ({PLUGIN})"].native)
    return not frame.visibleRegion().isEmpty()


def test_docks_from_the_menu_are_tabs_with_short_titles_that_are_not_cut(viewer: Any, qtbot: Any) -> None:
    for name in NAMES:
        choose(viewer, name)
    docks = frames(viewer)
    qtbot.waitUntil(lambda: len(viewer.window._qt_window.tabifiedDockWidgets(docks[0])) == len(NAMES) - 1)
    qtbot.waitUntil(lambda: in_front(viewer, NAMES[-1]))
    bars = viewer.window._qt_window.findChildren(QTabBar)
    (bar,) = [b for b in bars if [b.tabText(i) for i in range(b.count())] == list(NAMES)]
    for i, name in enumerate(NAMES):
        assert bar.tabRect(i).width() >= bar.fontMetrics().horizontalAdvance(name)
        assert bar.rect().contains(bar.tabRect(i)), "no arrows to scroll"
    assert all(one.right() < other.right() for one, other in pairwise(map(bar.tabRect, range(5))))
    assert viewer.window._qt_window.width() <= 1366


def test_the_menu_raises_a_dock_behind_another_tab_and_toggles_the_one_in_front(
    viewer: Any, qtbot: Any
) -> None:
    choose(viewer, "Prepare")
    choose(viewer, "Train")
    qtbot.waitUntil(lambda: in_front(viewer, "Train") and not in_front(viewer, "Prepare"))
    choose(viewer, "Prepare")
    qtbot.waitUntil(lambda: in_front(viewer, "Prepare"))
    assert _status("Prepare")
    choose(viewer, "Prepare")
    qtbot.waitUntil(lambda: in_front(viewer, "Train"))
    assert not _status("Prepare")
    choose(viewer, "Prepare")
    qtbot.waitUntil(lambda: in_front(viewer, "Prepare"))
    assert len(frames(viewer)) == 2


def test_a_dock_is_one_for_menu_script_and_demo(viewer: Any, qtbot: Any) -> None:
    choose(viewer, "Train")
    train = viewer.window.dock_widgets[f"Train ({PLUGIN})"]
    assert viewer.window.add_plugin_dock_widget(PLUGIN, "Train")[1] is train
    assert open_dock(viewer, "Train") is train
    assert len(frames(viewer)) == 1


def test_a_closed_dock_opens_anew(viewer: Any, qtbot: Any) -> None:
    first = open_dock(viewer, "Labels")
    frame = dock_of(first.native)
    frame.destroyOnClose()  # the cross
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    choose(viewer, "Labels")
    again = viewer.window.dock_widgets[f"Labels ({PLUGIN})"]
    assert again is not first
    qtbot.waitUntil(lambda: in_front(viewer, "Labels"))
    assert dock_of(again.native).windowTitle() == "Labels"


def test_a_floating_dock_is_raised_where_it_is(viewer: Any, qtbot: Any) -> None:
    open_dock(viewer, "View")
    frame = dock_of(open_dock(viewer, "Prepare").native)
    frame.setFloating(True)
    open_dock(viewer, "Prepare")
    assert frame.isFloating()
    assert frame.isVisible()


@pytest.mark.parametrize("control", ["preparation.detrend", "threads", "train_button"])
def test_go_to_shows_focuses_and_marks_a_control_wherever_it_is(
    viewer: Any, qtbot: Any, control: str
) -> None:
    train = open_dock(viewer, "Train")
    train.tabs.setCurrentIndex(2)
    open_dock(viewer, "Labels")
    found = go_to(viewer, "Train", control)
    qtbot.waitUntil(lambda: in_front(viewer, "Train"))
    qtbot.waitUntil(lambda: bool(dock_of(found).findChildren(QWidget, "control_mark")))
    mark = dock_of(found).findChild(QWidget, "control_mark")
    qtbot.waitUntil(mark.isVisible)
    qtbot.waitUntil(lambda: found.visibleRegion().boundingRect().height() == found.height())
    focused = viewer.window._qt_window.focusWidget()
    assert focused is found or found.isAncestorOf(focused) or not found.isEnabled()
    assert mark.geometry().contains(found.mapTo(dock_of(found), found.rect().center()))
    qtbot.waitUntil(lambda: not dock_of(found).findChildren(QWidget, "control_mark"))


def test_a_mark_ends_with_its_dock(viewer: Any, qtbot: Any) -> None:
    found = go_to(viewer, "Labels", "source")
    frame = dock_of(found)
    qtbot.waitUntil(lambda: bool(frame.findChildren(QWidget, "control_mark")))
    with qtbot.waitSignal(frame.destroyed):
        frame.destroyOnClose()


def test_names_that_do_not_exist_are_refused(viewer: Any) -> None:
    with pytest.raises(ValueError, match="one of View, Prepare, Labels, Train, Look inside; got 'Tran'"):
        open_dock(viewer, "Tran")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Labels must have the control, but 'nothing\.here' is not in it"):
        go_to(viewer, "Labels", "nothing.here")
