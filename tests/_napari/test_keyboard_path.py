"""From a sample to its activations with the keyboard alone: Tab, Space, Enter and arrows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractButton, QApplication, QCheckBox, QComboBox, QLineEdit, QWidget
from small_sample import two_runs_of_the_phantom

from napari_fmri_decoder._napari.guide.samples import SAMPLES
from napari_fmri_decoder._napari.qt.frame import is_behind, is_plugin_dock
from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.viewer.dims import filter_shown
from napari_fmri_decoder.decoders import registry

MOST_TABS = 250
"""More than all controls of the window."""
Key = Qt.Key


class NoMouse(QObject):
    """Fails on any click that Qt delivers."""

    clicks = 0

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.MouseButtonPress:
            self.clicks += 1
        return False


class Keyboard:
    """Somebody without a mouse. Each key goes to the control with the focus, which must be in sight."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        self.viewer, self.qtbot = viewer, qtbot

    @property
    def focus(self) -> QWidget:
        control = QApplication.focusWidget()
        assert control is not None, "the focus is lost"
        dock = dock_of(control)
        if dock is not None and is_plugin_dock(dock):
            assert not is_behind(dock), f"{control.objectName()!r} has the focus behind another dock"
        return control

    def press(self, key: Any, times: int = 1, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        for _ in range(times):
            self.qtbot.keyClick(self.focus, key, modifier)
            QApplication.processEvents()
            self.look()

    def look(self) -> None:
        """See where the focus is."""
        dock = dock_of(self.focus)
        if dock is not None and is_plugin_dock(dock):
            name = self.focus.objectName() or type(self.focus).__name__
            try:
                self.wait(lambda: not self.focus.visibleRegion().isEmpty())
            except TimeoutError:
                raise AssertionError(f"{name} has the focus out of sight") from None

    def go(self, name: str, dock: str = "", part: str = "") -> QWidget:
        """Press Tab until a control has the focus; of those with the same name, the one in `part`."""
        passed = []
        for _ in range(MOST_TABS):
            control = self.focus
            frame = dock_of(control)
            inside = frame is not None and frame.windowTitle() == dock if dock else True
            if control.objectName() == name and inside and (not part or _is_in(control, part)):
                return control
            passed.append(control.objectName() or type(control).__name__)
            self.press(Key.Key_Tab)
        raise AssertionError(f"Tab does not reach {name} in {dock}: {passed}")

    def back(self, name: str, dock: str) -> None:
        """Press Shift+Tab until a control has the focus."""
        passed = []
        for _ in range(MOST_TABS):
            control = self.focus
            frame = dock_of(control)
            if control.objectName() == name and frame is not None and frame.windowTitle() == dock:
                return
            passed.append(control.objectName() or type(control).__name__)
            self.press(Key.Key_Backtab, modifier=Qt.KeyboardModifier.ShiftModifier)
        raise AssertionError(f"Shift+Tab does not reach {name} in {dock}: {passed}")

    def push(self, name: str, dock: str) -> None:
        """Go to a button, and press Space."""
        button = self.go(name, dock)
        assert isinstance(button, QAbstractButton)
        self.press(Key.Key_Space)

    def choose(self, name: str, text: str, dock: str) -> None:
        """Go to a list, and press arrows until it shows a text."""
        box = self.go(name, dock)
        assert isinstance(box, QComboBox)
        step = Key.Key_Down if box.findText(text) > box.currentIndex() else Key.Key_Up
        for _ in range(box.count()):
            if box.currentText() == text:
                return
            self.press(step)
        raise AssertionError(f"{name} cannot be {text}")

    def type(self, text: Any) -> None:
        """Replace the text of the control with the focus, and press Enter."""
        self.press(Key.Key_A, modifier=Qt.KeyboardModifier.ControlModifier)
        self.qtbot.keyClicks(self.focus, str(text))
        self.press(Key.Key_Return)

    def expand(self, name: str, dock: str) -> None:
        """Open a section, if it is closed."""
        title = self.go(f"{name}_title", dock)
        assert isinstance(title, QAbstractButton)
        if not title.isChecked():
            self.press(Key.Key_Space)
        assert title.isChecked()

    def wait(self, done: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(done)


def _is_in(control: QWidget, name: str) -> bool:
    part = control.parentWidget()
    while part is not None and part.objectName() != name:
        part = part.parentWidget()
    return part is not None


@pytest.fixture
def keys(viewer: Any, qtbot: Any) -> Any:
    window = viewer.window._qt_window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    watcher = NoMouse()
    QApplication.instance().installEventFilter(watcher)
    yield Keyboard(viewer, qtbot)
    QApplication.instance().removeEventFilter(watcher)
    assert not watcher.clicks


def test_from_a_sample_to_the_settings_of_train_by_keyboard(
    viewer: Any, person: Any, keys: Keyboard, tmp_path: Path, notified: list[Any]
) -> None:
    view = person.dock("View")  # napari's menu
    session = view.session
    viewer.window._qt_window.setFocus()

    keys.push("sample_phantom", "View")
    keys.wait(lambda: session.series is not None and view.start._opener.job is None)
    assert keys.focus.objectName() == "sample_phantom", "the button has the focus again"

    keys.push("step_1", "View")
    keys.wait(lambda: QApplication.focusWidget().objectName() == "mask_strategy")
    prepare = viewer.window.dock_widgets["Prepare (napari-fmri-decoder)"]
    before = session.state.preparation.mask
    keys.choose("mask_strategy", "threshold", "Prepare")
    keys.go("above", "Prepare")
    means = np.mean([session.series.at(i) for i in range(session.series.n_volumes)], axis=0)
    above = round(float(np.median(means[before.at(0) > 0])))
    keys.type(above)
    assert prepare.mask.above.value == above
    keys.push("apply_mask", "Prepare")
    keys.wait(lambda: prepare.jobs.job is None)
    mask = session.state.preparation.mask
    assert mask is not before
    assert np.count_nonzero(before.at(0)) / 4 < np.count_nonzero(mask.at(0)) < np.count_nonzero(before.at(0))
    keys.wait(lambda: QApplication.focusWidget().objectName() == "apply_mask")

    angle = prepare.rotation.rotate_x.value
    slider = keys.go("rotate_x_slider", "Prepare")
    keys.press(Key.Key_Right, 5)
    assert slider.hasFocus()
    assert prepare.rotation.rotate_x.value == pytest.approx(angle + 0.5)
    keys.go("rotate_z", "Prepare")
    keys.type(4)
    keys.wait(lambda: session.state.scene.angles == pytest.approx((angle + 0.5, 0, 4)))
    keys.push("cut_slab", "Prepare")
    keys.wait(lambda: prepare.jobs.job is None)
    slab = session.state.preparation.slab
    assert (slab.rotate_x, slab.rotate_z) == pytest.approx((angle + 0.5, 4))

    keys.press(Key.Key_F7)
    labels = viewer.window.dock_widgets["Labels (napari-fmri-decoder)"]
    table = session.state.labeling.table
    keys.push("apply_labels", "Labels")
    assert session.state.labeling.table is not table, "read again"
    assert session.state.labeling.table.equals(table)
    assert "2 classes in 6 runs" in labels.native.findChild(QWidget, "label_counts").text()

    keys.press(Key.Key_F8)
    train = viewer.window.dock_widgets["Train (napari-fmri-decoder)"]
    keys.choose("name", "mlp", "Train")
    auto = keys.go("auto", "Train", "epochs")
    assert isinstance(auto, QCheckBox)
    if auto.isChecked():
        keys.press(Key.Key_Space)
    keys.press(Key.Key_Tab)
    keys.type(2)
    assert train.training.epochs.value == 2
    keys.expand("section_advanced", "Train")
    keys.expand("section_folder", "Train")
    assert isinstance(keys.go("runs_folder", "Train"), QLineEdit)
    keys.type(tmp_path / "runs")
    assert str(tmp_path / "runs") in str(train.native.findChild(QLineEdit, "runs_folder").text())
    assert not notified, [str(n.message) for n in notified]


def test_from_a_sample_to_its_activations_by_keyboard(
    viewer: Any,
    person: Any,
    keys: Keyboard,
    tmp_path: Path,
    notified: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})
    monkeypatch.setitem(SAMPLES, "phantom", replace(SAMPLES["phantom"], make=two_runs_of_the_phantom))
    view = person.dock("View")
    session = view.session
    viewer.window._qt_window.setFocus()

    keys.push("sample_phantom", "View")
    keys.wait(lambda: session.state.recipe is not None and view.start._opener.job is None)
    keys.push("step_3", "View")
    keys.wait(lambda: keys.focus.objectName() == "train_button")
    train = viewer.window.dock_widgets["Train (napari-fmri-decoder)"]
    keys.press(Key.Key_Space)
    assert train.job is not None
    assert view.start.texts[3].text().endswith("Stop is there as well."), "no longer: press Train"
    assert not view.start.message.isVisible()
    assert not train.links.report.enabled
    keys.wait(lambda: train.job is None and session.state.results.result is not None)
    assert "predictions" in viewer.layers
    features = session.state.results.result.prepared.samples.X.shape[1]
    keys.wait(lambda: f"Mask: {features:,} voxels in the slab" in train.setup.data.text())
    assert keys.focus.objectName() == "train_button", "the button has the focus again"

    keys.back("step_4", "View")
    keys.press(Key.Key_Space)
    keys.wait(lambda: keys.focus.objectName() == "layer")
    look = viewer.window.dock_widgets["Look inside (napari-fmri-decoder)"]
    keys.choose("layer", "conv1", "Look inside")
    assert look.filters.layer.value == "conv1"
    assert viewer.layers["cnn2d conv1"].visible
    assert not viewer.layers["predictions"].visible
    keys.go("filter", "Look inside")
    keys.press(Key.Key_Up, 2)
    assert look.filters.filter.value == 2
    assert filter_shown(viewer) == 2
    assert train.links.report.enabled
    layers = list(viewer.layers)
    look.open_run(train.folder)
    assert list(viewer.layers) == layers, "the series in memory and its mask are not loaded again"
    assert not notified, [str(n.message) for n in notified]


def test_tab_goes_round_train_with_any_network(viewer: Any, person: Any, keys: Keyboard) -> None:
    train = person.dock("Train")
    tabs = train.native.findChild(QWidget, "load_recipe")
    for network in (*registry, "mlp"):
        train.decoder.value = network
        QApplication.processEvents()
        expected = {part for part in train.native.findChildren(QWidget) if _takes_tab(part)}
        tabs.setFocus()
        seen = {keys.focus}
        for _ in range(MOST_TABS):
            keys.press(Key.Key_Tab)
            if keys.focus is tabs:
                break
            seen.add(keys.focus)
        assert keys.focus is tabs, f"{network}: Tab never comes back"
        missing = {part.objectName() or type(part).__name__ for part in expected - seen}
        assert not missing, f"{network}: Tab passes over controls"


def _takes_tab(part: QWidget) -> bool:
    by_tab = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus) and part.focusProxy() is None
    return by_tab and part.isVisible() and part.isEnabled()


def test_tab_raises_the_dock_it_reaches(viewer: Any, person: Any, qtbot: Any, keys: Keyboard) -> None:
    view, prepare = person.dock("View"), person.dock("Prepare")
    keys.press(Key.Key_F5)
    qtbot.waitUntil(lambda: is_behind(dock_of(prepare.native)))
    assert view.native.isAncestorOf(keys.focus)
    keys.go("images_section_title", "Prepare")
    assert is_behind(dock_of(view.native))
    keys.press(Key.Key_Backtab, modifier=Qt.KeyboardModifier.ShiftModifier, times=2)
    assert not is_behind(dock_of(view.native)), "Shift+Tab goes back"


def test_a_button_has_the_focus_again_after_its_job(viewer: Any, person: Any, keys: Keyboard) -> None:
    view = person.dock("View")
    button, other = view.start.open_data.native, view.start.open_run.native
    button.setFocus()
    button.setEnabled(False)
    assert keys.focus is not button
    button.setEnabled(True)
    assert keys.focus is button
    button.setEnabled(False)
    keys.press(Key.Key_Tab)
    moved = keys.focus
    button.setEnabled(True)
    assert keys.focus is moved, "the user has moved it"
    other.setFocus()
    other.setEnabled(False)
    prepare = person.dock("Prepare")
    keys.wait(lambda: prepare.native.isAncestorOf(QApplication.focusWidget()))
    other.setEnabled(True)
    assert prepare.native.isAncestorOf(keys.focus), "the other dock is behind this one"
