"""Long work: progress, stopping, and errors that are reported once."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication, QPushButton, QWidget

from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.workers import WorkerError, run_generator
from napari_fmri_decoder.errors import InputError


class Log(QWidget):
    """A dock that records all calls."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []
        self.ends: list[tuple[str, Any]] = []
        self.threads: set[int] = set()

    def run(self, work: Any, *args: Any, **options: Any) -> Any:
        return run_generator(
            work,
            *args,
            owner=self,
            description=options.pop("description", "counting"),
            on_event=options.pop("on_event", self.on_event),
            on_done=lambda result: self.ends.append(("done", result)),
            on_error=lambda error: self.ends.append(("error", error)),
            on_stopped=lambda: self.ends.append(("stopped", None)),
            **options,
        )

    def on_event(self, event: Any) -> None:
        self.events.append(event)
        self.threads.add(threading.get_ident())


@pytest.fixture
def log(qtbot: Any) -> Log:
    widget = Log()
    qtbot.addWidget(widget)
    return widget


def count(n: int, pause: float = 0.0) -> Iterator[int]:
    for i in range(n):
        time.sleep(pause)
        yield i
    return "counted"


def test_events_arrive_in_order_in_the_main_thread_and_then_the_result(log: Log, qtbot: Any) -> None:
    job = log.run(count, 5000)
    assert job.running
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.events == list(range(5000))
    assert log.threads == {threading.get_ident()}
    assert log.ends == [("done", "counted")]
    assert not job.running


def test_finished_work_is_not_reported_as_stopped_when_callbacks_process_events(log: Log, qtbot: Any) -> None:
    """napari's progress bar processes events when it moves, also during the last callback."""

    def on_event(event: int) -> None:
        log.events.append(event)
        if event > 90:
            time.sleep(0.01)  # the work ends in the meantime
        QApplication.processEvents()

    log.run(count, 100, on_event=on_event)
    qtbot.waitUntil(lambda: bool(log.ends))
    qtbot.wait(50)
    assert sorted(log.events) == list(range(100))
    assert log.ends == [("done", "counted")]


def test_a_plain_function_is_a_single_step(log: Log, qtbot: Any) -> None:
    log.run(sum, [1, 2, 3])
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.ends == [("done", 6)]
    assert log.events == []


def test_stop_ends_within_a_batch_runs_finally_and_sends_no_more_events(log: Log, qtbot: Any) -> None:
    closed_in: list[int] = []
    made: list[int] = []

    def endless() -> Iterator[int]:
        try:
            for i in range(10**9):
                time.sleep(0.01)
                made.append(i)
                yield i
        finally:
            closed_in.append(threading.get_ident())

    job = log.run(endless)
    qtbot.waitUntil(lambda: len(log.events) > 5)
    job.stop()
    seen, then = len(log.events), len(made)
    qtbot.waitUntil(lambda: bool(log.ends))
    assert len(made) - then <= 1, "the current batch is the last"
    assert log.ends == [("stopped", None)]
    assert len(log.events) == seen
    assert len(closed_in) == 1
    assert closed_in != [threading.get_ident()], "the generator must be closed in the worker's thread"


def test_stop_before_the_thread_has_started(log: Log, qtbot: Any) -> None:
    log.run(count, 10).stop()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.ends == [("stopped", None)]
    assert log.events == []


def test_an_input_error_is_one_message_without_a_traceback(log: Log, qtbot: Any, notified: list[Any]) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise InputError("The mask must keep at least one voxel, found none. Lower its threshold.")

    log.run(fails)
    qtbot.waitUntil(lambda: bool(log.ends))
    qtbot.wait(100)
    assert log.events == [1]
    assert [name for name, _ in log.ends] == ["error"]
    assert [str(note.severity) for note in notified] == ["error"]
    assert notified[0].message.startswith("The mask must keep")
    assert not notified[0].actions
    assert not hasattr(notified[0], "exception"), "a traceback must not be offered"


def test_a_missing_file_is_one_message_that_names_it(log: Log, qtbot: Any, notified: list[Any]) -> None:
    log.run(open, "/nowhere/table.tsv")
    qtbot.waitUntil(lambda: bool(log.ends))
    qtbot.wait(100)
    assert len(notified) == 1
    assert "/nowhere/table.tsv" in notified[0].message


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), KeyError("conv1")])
def test_a_bug_is_reported_once_with_its_traceback(
    error: Exception, log: Log, qtbot: Any, notified: list[Any]
) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise error

    log.run(fails)
    qtbot.waitUntil(lambda: bool(log.ends))
    qtbot.wait(100)
    assert len(notified) == 1
    assert error.args[0] in notified[0].message
    reported = log.ends[0][1]
    assert notified[0].exception is reported
    assert isinstance(reported, WorkerError if isinstance(error, RuntimeError) else KeyError)


def test_an_error_while_cleaning_up_after_a_stop_is_reported(
    log: Log, qtbot: Any, notified: list[Any]
) -> None:
    def fails() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.005)
                yield 1
        finally:
            raise RuntimeError("cannot close")

    job = log.run(fails)
    qtbot.waitUntil(lambda: bool(log.events))
    job.stop()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert [name for name, _ in log.ends] == ["error"]
    assert len(notified) == 1


def test_a_dock_runs_one_job_at_a_time(log: Log, qtbot: Any) -> None:
    other = Log()
    qtbot.addWidget(other)
    job = log.run(count, 10**6, 0.01, description="training mlp")
    second = other.run(count, 3)
    with pytest.raises(InputError, match="'training mlp' is running"):
        log.run(count, 3)
    qtbot.waitUntil(lambda: bool(other.ends))
    job.stop()
    qtbot.waitUntil(lambda: bool(log.ends))
    log.run(count, 3)
    qtbot.waitUntil(lambda: len(log.ends) == 2)
    assert not second.running


def test_an_error_in_a_callback_ends_the_work(log: Log, qtbot: Any, notified: list[Any]) -> None:
    def refuse(event: Any) -> None:
        raise InputError("The layer must have the slab's grid, found another.")

    log.run(count, 10**6, 0.005, on_event=refuse)
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.ends == [("stopped", None)]
    assert len(notified) == 1


def test_no_callback_is_called_after_the_dock_was_deleted(qtbot: Any) -> None:
    calls: list[Any] = []
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.005)
                yield 1
        finally:
            closed.set()

    owner = QObject()
    run_generator(
        endless,
        owner=owner,
        description="endless",
        on_event=calls.append,
        on_stopped=lambda: calls.append("end"),
    )
    qtbot.waitUntil(lambda: bool(calls))
    owner.deleteLater()
    qtbot.waitUntil(closed.is_set)
    count_then = len(calls)
    qtbot.wait(100)
    assert len(calls) == count_then
    assert "end" not in calls


def test_progress_shows_in_the_activity_dock(viewer: Any, qtbot: Any) -> None:
    from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar

    dock = Log()
    viewer.window.add_dock_widget(dock)
    job = dock.run(count, 40, 0.02, total=40, description="training mlp")

    def bars() -> list[Any]:
        return viewer.window._qt_window.findChildren(QtLabeledProgressBar)

    qtbot.waitUntil(lambda: bool(bars()) and bars()[0].qt_progress_bar.value() >= 10)
    assert bars()[0].qt_progress_bar.maximum() == 40
    assert "training mlp" in bars()[0].description_label.text()
    assert any("training mlp" in line for line in viewer.window._task_status_manager.get_status())
    job.progress(20, total=80, description="training cnn2d")
    assert bars()[0].qt_progress_bar.maximum() == 80
    assert "training cnn2d" in bars()[0].description_label.text()
    qtbot.waitUntil(lambda: bool(dock.ends))
    qtbot.waitUntil(lambda: not bars())
    assert viewer.window._task_status_manager.get_status() == []


def test_closing_the_window_ends_the_work(viewer: Any, qtbot: Any, notified: list[Any]) -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.01)
                yield 1
        finally:
            closed.set()

    dock = Log()
    viewer.window.add_dock_widget(dock)
    dock.run(endless, on_event=lambda _: dock.setWindowTitle("touched"))
    qtbot.waitUntil(lambda: dock.windowTitle() == "touched")
    viewer.close()
    qtbot.waitUntil(closed.is_set)
    qtbot.wait(200)
    assert notified == []


def test_the_data_of_finished_work_are_freed(log: Log, qtbot: Any) -> None:
    import gc
    import weakref

    class Data:
        pass

    data = Data()
    gone = weakref.ref(data)

    def use(data: Data) -> Iterator[int]:
        yield 1

    log.run(use, data)
    del data
    qtbot.waitUntil(lambda: bool(log.ends))
    gc.collect()
    assert gone() is None


def test_a_guarded_handler_reports_once_and_drops_extra_arguments(qtbot: Any, notified: list[Any]) -> None:
    pressed: list[int] = []

    class Dock(QPushButton):
        @guard()
        def press(self) -> None:
            pressed.append(1)
            raise InputError("There must be a series, found none. Open one.")

    button = Dock()
    qtbot.addWidget(button)
    button.clicked.connect(button.press)
    button.click()
    assert pressed == [1]
    assert [note.message for note in notified] == ["There must be a series, found none. Open one."]
    with pytest.raises(ZeroDivisionError), guard():
        1 / 0  # noqa: B018
    assert len(notified) == 1


def test_a_message_is_shown_completely_until_it_is_closed(viewer: Any, qtbot: Any) -> None:
    from napari._qt.dialogs.qt_notification import NapariQtNotification
    from napari.utils.notifications import notification_manager

    message = " ".join(["A mask must keep at least one voxel, found none."] * 3)
    notification_manager.notification_ready.connect(NapariQtNotification.show_notification)
    try:
        with guard():
            raise InputError(message)

        def mine() -> list[Any]:  # the list may contain those of other tests
            return [d for d in NapariQtNotification._instances if d.message.text() == message]

        qtbot.waitUntil(lambda: len(mine()) == 1)
        (dialog,) = mine()
        qtbot.waitUntil(lambda: dialog.property("expanded") and dialog.height() > 60)
        qtbot.wait(200)
        assert dialog.message.height() >= dialog.message.heightForWidth(dialog.message.width())
        assert not dialog.timer.isActive()
        dialog.close()
    finally:
        notification_manager.notification_ready.disconnect(NapariQtNotification.show_notification)


def test_overlapping_jobs_restore_the_warning_filters(log: Log, qtbot: Any) -> None:
    other = Log()
    qtbot.addWidget(other)
    before = warnings.showwarning, list(warnings.filters)
    first = log.run(count, 10**6, 0.005)
    qtbot.waitUntil(lambda: len(log.events) > 2)
    second = other.run(count, 10**6, 0.005)
    qtbot.waitUntil(lambda: len(other.events) > 2)
    assert warnings.showwarning is not before[0], "the worker's own, which logs"
    first.stop()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert second.running
    second.stop()
    qtbot.waitUntil(lambda: bool(other.ends))
    assert warnings.showwarning is before[0]
    assert list(warnings.filters) == before[1]
    with pytest.raises(UserWarning, match="an error again, as pytest sets it"):
        warnings.warn("an error again, as pytest sets it", stacklevel=1)


def test_waiting_returns_at_the_end_and_raises_the_error(log: Log, qtbot: Any) -> None:
    job = log.run(count, 20, 0.001)
    job.wait()
    assert log.ends == [("done", "counted")]
    job.wait()  # it has ended

    def fail() -> Iterator[int]:
        yield 1
        raise InputError("The scan must have a TR, but has none. State it.")

    with pytest.raises(InputError, match="must have a TR"):
        log.run(fail).wait()
    stopped = log.run(count, 10_000, 0.001)
    stopped.stop()
    with pytest.raises(InputError, match="'counting' was stopped"):
        stopped.wait()


def test_waiting_raises_the_error_of_a_callback(log: Log, qtbot: Any, notified: list[Any]) -> None:
    def show(_: Any) -> None:
        raise InputError("The layer must exist, but was removed. Open it.")

    job = run_generator(count, 3, owner=log, description="counting", on_done=show)
    with pytest.raises(InputError, match="was removed"):
        job.wait()
    assert len(notified) == 1
