"""A real napari window for each test that asks for one; without a display these tests fail, not skip."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hang import HANG_MS

# Before napari is imported: its settings, and which platform Qt draws on.
_settings = tempfile.TemporaryDirectory(prefix="napari-fmri-decoder-")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name) / "settings.yaml")
if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):  # napari's canvas does not start there
    del os.environ["QT_QPA_PLATFORM"]


@pytest.fixture(autouse=True, scope="session")
def _display() -> None:
    """Say what is missing in place of the abort that Qt would end in."""
    on_x11 = sys.platform.startswith(("linux", "freebsd"))
    if on_x11 and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        pytest.exit(
            "The tests of the window need a display: install Xvfb and pytest-xvfb (apt install xvfb), "
            "or set DISPLAY.",
            returncode=1,
        )


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    """Keep what one test changes in napari's settings from the next, and from the user's own."""
    from napari.settings import get_settings

    settings = get_settings()
    assert str(settings.config_path).startswith(_settings.name), "napari was imported before this conftest"
    yield
    settings.reset()
    from napari_fmri_decoder._napari.forms.remember import FILE

    (Path(_settings.name) / FILE).unlink(missing_ok=True)


@pytest.fixture
def qtbot(qtbot: Any) -> Any:
    """pytest-qt's, whose waits are guards against hanging: no test depends on how fast this machine is."""
    wait_until, wait_signal = qtbot.waitUntil, qtbot.waitSignal
    qtbot.waitUntil = lambda callback, *, timeout=HANG_MS: wait_until(callback, timeout=timeout)
    qtbot.waitSignal = lambda signal, *, timeout=HANG_MS, **more: wait_signal(signal, timeout=timeout, **more)
    return qtbot


@pytest.fixture
def viewer(make_napari_viewer: Any, qtbot: Any) -> Iterator[Any]:
    """A napari viewer on the screen, 1366 x 768; closed in the end, with all workers ended."""
    from napari_fmri_decoder._napari.qt.shutdown import threads

    window = make_napari_viewer(show=True)
    window.window._qt_window.resize(1366, 768)
    yield window
    for worker in _workers():
        worker.quit()
    assert threads().waitForDone(HANG_MS), "a worker did not stop"


@pytest.fixture
def person(viewer: Any, qtbot: Any) -> Any:
    """Somebody who opens docks, types and clicks in that viewer."""
    from person import Person

    return Person(viewer, qtbot)


@pytest.fixture
def endless_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing of images that goes on after the first volume until it is stopped."""
    from threading import Event

    from napari_fmri_decoder.volumes.nifti import write_steps

    pause = Event()

    def endless(volume: Any, path: Any) -> Iterator[int]:
        steps = write_steps(volume, path)
        yield next(steps)
        try:
            while not pause.wait(0.01):
                yield 1
        finally:
            steps.close()

    for module in ("qt.saving", "labels.made_maps"):
        monkeypatch.setattr(f"napari_fmri_decoder._napari.{module}.write_steps", endless)


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The notifications of this test, as they come."""
    from napari.utils.notifications import notification_manager

    records: list[Any] = []
    monkeypatch.setattr(notification_manager, "records", records)
    return records


def _workers() -> list[Any]:
    from superqt.utils import GeneratorWorker

    return list(GeneratorWorker._worker_set)
