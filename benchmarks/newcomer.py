"""The path of README: from an empty napari to the first activation layer on the phantom, by real clicks.

Prints seconds from the first click, and gaps of Qt's event loop, while the clicks of
`tests/_napari/newcomer.py` are made. Not compared with a limit: a time depends on the machine. Run it by
hand: `python benchmarks/newcomer.py`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QCoreApplication, QTimer

from timing import ensure_display

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "_napari"))
from newcomer import Newcomer, train_sample

TICK_MS = 10
LIMIT_S = 1800


class Gaps:
    """Measures how long Qt's event loop does not answer."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last - TICK_MS / 1000)
        self._last = now


def wait(done: Callable[[], bool]) -> None:
    """Process events until something is done."""
    start = time.perf_counter()
    while not done():
        QCoreApplication.processEvents()
        time.sleep(0.002)
        if time.perf_counter() - start > LIMIT_S:
            raise SystemExit("Nothing happened within half an hour.")


def main() -> None:
    """Click, and print what was measured."""
    ensure_display()
    os.chdir(tempfile.mkdtemp(prefix="newcomer-"))
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(1366, 768)
    person, gaps, start, cpu = Newcomer(viewer, wait), Gaps(), time.perf_counter(), time.process_time()
    train_sample(person)
    result = person.dock("Look inside").session.state.results.result
    worst = sorted(gaps.gaps, reverse=True)
    print(f"clicks: {len(person.clicked)}")
    print(f"accuracy: {result.scores.accuracy:.3f}")
    print(f"seconds: {time.perf_counter() - start:.0f}, of them CPU: {time.process_time() - cpu:.0f}")
    print("longest gaps in seconds: " + ", ".join(f"{gap:.2f}" for gap in worst[:5]))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
