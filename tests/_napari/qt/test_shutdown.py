"""Closing napari during an epoch: one question, a checkpoint, status 0, and it ends within seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hang import HANG_S
from small import write_small

from napari_fmri_decoder.pipeline import run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.events import BatchDone, EpochDone

SCRIPT = textwrap.dedent(
    """
    import ctypes
    import sys
    import time
    from pathlib import Path

    import napari
    from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder._napari.train.dock import TrainDock
    from napari_fmri_decoder.samples.labels import label_table, parse_labels
    from napari_fmri_decoder.volumes.read import read

    folder, how, long_step = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    viewer = napari.Viewer()
    session, dock = Session.of(viewer), TrainDock(viewer)
    viewer.window.add_dock_widget(dock)
    series = read(folder / "small_bold.nii.gz")
    labels = parse_labels({"source": "table", "table": "volumes.tsv"})
    table, _ = label_table(labels, series, folder)
    session.update(series=session.add(series), labels=labels, table=table)
    dock.decoder.update({"name": "cnn2d", "filters": [2], "dense": [4]})
    dock.training.update({"epochs": 1000, "threads": 1, "batch_size": 4})
    dock.runs_folder.value = str(folder / "runs")
    asked, steps = [], []

    def checkpoints():
        return list((folder / "runs").glob("*/tasks/checkpoint*"))

    def on_step(optimizer, args, kwargs):
        \"\"\"Make an epoch of 12 steps last 1.2 s, and one step of the second epoch longer.\"\"\"
        steps.append(time.monotonic())
        time.sleep(long_step if len(steps) == 16 else 0.1)
        if len(steps) == 16 and long_step > 1:
            print("the long step ended", flush=True)

    register_optimizer_step_pre_hook(on_step)

    class ClientMessage(ctypes.Structure):
        _fields_ = [
            ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int),
            ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("rest", ctypes.c_long * 24),
        ]

    def click_cross(window):
        \"\"\"Send what a window manager sends (ICCCM 4.2.8.1): Qt has no spontaneous events.\"\"\"
        x11, handle = ctypes.CDLL("libX11.so.6"), ctypes.c_void_p
        x11.XOpenDisplay.restype, x11.XInternAtom.restype = handle, ctypes.c_ulong
        display = handle(x11.XOpenDisplay(None))
        names = b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"
        protocols, delete = (x11.XInternAtom(display, name, 0) for name in names)
        message = ClientMessage(type=33, window=window, message_type=protocols, format=32)
        message.data[0] = delete
        x11.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
        x11.XFlush(display)
        x11.XCloseDisplay(display)

    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, ConfirmCloseDialog) and dialog not in asked:
            asked.append(dialog)
            print("asked", time.time(), dialog.windowTitle(), flush=True)
            QTimer.singleShot(200, dialog.close_btn.click)
        if len(steps) >= 16 and time.monotonic() - steps[15] > 0.05 and not closing and checkpoints():
            closing.append(True)
            print("closing", time.time(), flush=True)
            viewer.close() if how == "program" else click_cross(int(viewer.window._qt_window.winId()))

    closing = []
    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(20)
    dock.train_button.native.click()
    napari.run()
    print("run returned", flush=True)
    """
)


def close_in_training(folder: Path, how: str, long_step: float) -> tuple[list[list[str]], Path]:
    """Close napari during training; the lines it printed, split at spaces, and the run folder."""
    write_small(folder)
    script = folder / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(folder), how, str(long_step)],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
        env={**os.environ, "NAPARI_CONFIG": str(folder / "settings.yaml")},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[-1] == ["run", "returned"], "the rest of the script must run after napari"
    assert ["the", "long", "step", "ended"] not in lines, "napari does not wait for a long step"
    (run_folder,) = (folder / "runs").iterdir()
    return lines, run_folder


def resumes_at(folder: Path) -> tuple[int, int]:
    """Resume a run; the epoch and batch that are computed first."""
    recipe = load_recipe(folder / "recipe.toml")
    events = run(recipe, folder, folder, resume=True)
    replayed = 0
    for event in events:
        replayed += isinstance(event, EpochDone)
        if isinstance(event, BatchDone):
            events.close()
            assert replayed == event.epoch - 1, "earlier epochs are reported again"
            return event.epoch, event.batch
    raise AssertionError("The run was complete.")


@pytest.mark.slow
def test_a_script_closes_napari_during_an_epoch(tmp_path: Path) -> None:
    events, folder = close_in_training(tmp_path, "program", 0.1)
    assert [words[0] for words in events] == ["closing", "run"], "no question"
    epoch, batch = resumes_at(folder)
    assert epoch == 2
    assert batch > 4, "completed batches of the epoch are in the checkpoint"


def test_the_user_closes_napari_during_an_endless_step(tmp_path: Path) -> None:
    events, folder = close_in_training(tmp_path, "user", 10.0 * HANG_S)
    assert [words[0] for words in events] == ["closing", "asked", "run"], "one question, not two"
    assert resumes_at(folder) == (2, 1), "the checkpoint of the first epoch"


@pytest.mark.slow
def test_the_user_closes_napari_during_an_epoch(tmp_path: Path) -> None:
    events, folder = close_in_training(tmp_path, "user", 0.1)
    assert [words[0] for words in events] == ["closing", "asked", "run"]
    assert resumes_at(folder)[1] > 4


ABANDONED = textwrap.dedent(
    """
    import sys
    import time

    from qtpy.QtCore import QObject, QTimer
    from qtpy.QtWidgets import QApplication, QWidget

    from napari_fmri_decoder._napari.qt import shutdown
    from napari_fmri_decoder._napari.qt.workers import run_generator

    shutdown.GRACE_S = 0.1
    sys.excepthook = lambda *error: print("reported", error[0].__name__, flush=True)
    app, window, owner = QApplication([]), QWidget(), QObject()
    window.show()

    def fail():
        raise KeyError("in a slot, long before the end")

    QTimer.singleShot(0, fail)
    run_generator(time.sleep, 10_000, owner=owner, description="a step that is abandoned")
    QTimer.singleShot(200, window.close)
    app.exec()
    print("last", getattr(sys, "last_type", None), flush=True)
    if sys.argv[1] == "fails":
        raise ValueError("in the script, after the window")
    """
)


@pytest.mark.parametrize(("end", "status"), [("well", 0), ("fails", 1)])
def test_an_error_reported_before_closing_does_not_make_the_program_fail(
    end: str, status: int, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(ABANDONED)
    done = subprocess.run(
        [sys.executable, str(script), end],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
        env={**os.environ, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")},
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "reported KeyError", done.stderr
    assert lines[1].startswith("last "), done.stderr
    assert done.returncode == status, (done.stdout, done.stderr)
