"""The Start page: what is done, what comes next, and the ways to open something; the tour."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QStyle, QStyleOptionButton, QWidget
from small import series

from napari_fmri_decoder._napari.guide.samples import SAMPLES, Sample
from napari_fmri_decoder._napari.guide.steps import StepState, next_step
from napari_fmri_decoder._napari.qt.docks import open_dock
from napari_fmri_decoder._napari.qt.lifetime import dock_of
from napari_fmri_decoder._napari.results.session_from_recipe import RecipeData
from napari_fmri_decoder._napari.view.tour import STOPS
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.nifti import write


def marks(page: Any) -> list[str]:
    """The mark of each step: done, next, or nothing."""
    return [go.text[0] if go.text[0] in "✓▶" else "" for go in page.goes]


def test_steps_follow_the_session(viewer: Any) -> None:
    page = open_dock(viewer, "View").start
    assert marks(page) == ["▶", "", "", "", ""]
    session = Session.of(viewer)
    scan = session.add(series(1)[0])
    session.update(series=scan)
    assert marks(page)[:2] == ["✓", "▶"]
    assert scan.name in page.texts[0].text()
    prepare = open_dock(viewer, "Prepare")
    prepare.mask.strategy.value = "threshold"
    prepare.mask.above.value = 100.0
    prepare.mask.apply()
    assert marks(page) == ["✓", "✓", "▶", "", ""]
    labels = open_dock(viewer, "Labels")
    n = session.series.n_volumes
    labels.source.value = "blocks"
    labels.source.blocks.value = f"1 <b>face, 1 house, {n // 2} times"
    labels.apply()
    assert marks(page) == ["✓", "✓", "✓", "▶", ""]
    assert "&lt;b&gt;face, house: 2 classes" in page.texts[2].text()
    viewer.layers.remove(scan)
    assert marks(page)[0] != "✓", "live"


def test_an_optional_step_is_next_only_until_a_later_one_is_done() -> None:
    def step(done: bool, optional: bool = False) -> StepState:
        return StepState("x", "View", "y", done=done, text="", optional=optional)

    assert next_step([step(True), step(False, True), step(False)]) == 1
    assert next_step([step(True), step(False, True), step(True), step(False)]) == 3
    assert next_step([step(True), step(True)]) == 2


@pytest.mark.parametrize("step", range(5))
def test_each_step_goes_to_its_control(viewer: Any, qtbot: Any, step: int) -> None:
    page = open_dock(viewer, "View").start
    page.goes[step].native.click()
    window = viewer.window._qt_window
    qtbot.waitUntil(lambda: any(m.isVisible() for m in window.findChildren(QWidget, "control_mark")))
    names = ("View", "Prepare", "Labels", "Train", "Look inside")
    frame = dock_of(viewer.window.dock_widgets[f"{names[step]} (napari-fmri-decoder)"].native)
    assert not frame.visibleRegion().isEmpty()
    assert frame.findChildren(QWidget, "control_mark")


def test_files_open_by_our_reader_without_a_question(
    viewer: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = series(1)[0]
    path = write(scan, tmp_path / "scan.nii.gz")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([str(path)], ""))
    monkeypatch.setattr("napari._qt.dialogs.qt_reader_dialog.handle_gui_reading", pytest.fail)
    page = open_dock(viewer, "View").start
    page.open_data.native.click()
    np.testing.assert_array_equal(Session.of(viewer).volume(viewer.layers[0]).at(1), scan.at(1))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_corner_of_the_tabs_cuts_no_letter(viewer: Any, qtbot: Any, theme: str) -> None:
    viewer.theme = theme
    keys = open_dock(viewer, "View").keys.native
    qtbot.waitUntil(lambda: not keys.visibleRegion().isEmpty())
    option = QStyleOptionButton()
    option.initFrom(keys)
    room = keys.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, keys)
    assert room.height() >= keys.fontMetrics().tightBoundingRect("Kgy").height() + 2
    assert keys.sizeHint().height() <= keys.height()


@pytest.mark.parametrize("button", ["open_data", "open_maps"])
def test_what_is_no_image_is_one_sentence(
    viewer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, notified: list[Any], button: str
) -> None:
    (tmp_path / "table.tsv").write_text("label\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([str(tmp_path / "table.tsv")], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path))
    getattr(open_dock(viewer, "View").start, button).native.click()
    (notification,) = notified
    assert str(notification.message).endswith("Choose other files.")
    assert not viewer.layers


def test_a_canceled_dialog_opens_nothing(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: "")
    page = open_dock(viewer, "View").start
    for button in (page.open_data, page.open_maps, page.open_bids, page.open_run):
        button.native.click()
    assert not viewer.layers


def test_a_sample_shows_its_progress_and_then_what_to_press(
    viewer: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = RecipeData(None, None, series(1)[0])
    monkeypatch.setitem(SAMPLES, "phantom", Sample("Small", "", "Next: press Train.", lambda: data))
    page = open_dock(viewer, "View").start
    page.samples["phantom"].native.click()
    job = page._opener.job
    assert not page.line.isHidden()
    assert not page.samples["haxby_2001"].enabled
    with pytest.raises(InputError, match="Wait for it"):
        page._opener.open("phantom")
    job.wait()
    assert page.message.text() == "Next: press Train."
    assert page.line.isHidden()
    assert page.samples["haxby_2001"].enabled


def test_the_tour_visits_its_stops_by_keyboard(viewer: Any, qtbot: Any) -> None:
    tour = open_dock(viewer, "View").start.tour
    tour.start()
    assert len(STOPS) <= 8
    for number, stop in enumerate(STOPS):
        assert tour.at == number
        assert stop.text in tour.panel.text.text()
        frame = dock_of(viewer.window.dock_widgets[f"{stop.dock} (napari-fmri-decoder)"].native)
        qtbot.waitUntil(lambda frame=frame: not frame.visibleRegion().isEmpty())
        assert viewer.window._qt_window.rect().contains(tour.panel.geometry())
        if number == 2:
            qtbot.keyClick(tour.panel, Qt.Key.Key_Left)
            assert tour.at == 1
            qtbot.keyClick(tour.panel, Qt.Key.Key_Right)
        qtbot.keyClick(tour.panel.next.native, Qt.Key.Key_Space)
    assert tour.panel is None
    tour.start()
    qtbot.keyClick(tour.panel, Qt.Key.Key_Escape)
    assert tour.panel is None


def test_the_tour_ends_with_its_dock(viewer: Any) -> None:
    view = open_dock(viewer, "View")
    view.start.tour.start()
    tour = view.start.tour
    dock_of(view.native).destroyOnClose()
    assert tour.panel is None
