"""The window while a network trains from the dock Train, against the same window while nothing does.

Each network trains in a thread, and in a process of its own, in turn with nothing; the same is done to the
window each time: it moves through slices ten times a second while a timer of 5 ms counts the gaps of the
event loop, then steps from slice to slice as fast as they are drawn, then is left alone. Told is the median
over the rounds of each round's percentile, and in brackets the least and the most. Scans are random numbers
in a folder of their own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QCoreApplication, QEventLoop, QTimer

from dragging import Window
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.training.events import BatchDone
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume
from timing import Row, ensure_display, finish, spread

SHAPES = {"cnn2d": (40, 56, 3), "mlp": (31, 32, 1), "cnn3d": (40, 56, 40)}
SAMPLES = {"cnn2d": 307, "mlp": 416, "cnn3d": 64}
CLASSES = {"cnn2d": 2, "mlp": 26, "cnn3d": 2}
ROUNDS = 5
SECONDS = 4.0
STEPS = 15
SIDES = ("nothing", "thread", "process")


@dataclass
class Found:
    """What one side gave, round by round: gaps and steps in seconds, epochs a second."""

    gaps: list[list[float]] = field(default_factory=list)
    steps: list[list[float]] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)


class Epochs:
    """Counts the batches that the dock hears of."""

    def __init__(self, dock: TrainDock) -> None:
        self.batches, self._history = 0, dock.runs.history
        self._hear = self._history.on_event
        self._history.on_event = self.on_event  # type: ignore[method-assign]

    def on_event(self, event: Any) -> None:
        """Count, and pass on."""
        self.batches += isinstance(event, BatchDone)
        self._hear(event)

    def done(self) -> float:
        """Epochs so far."""
        return self.batches / self._history._batches


def make(folder: Path, name: str) -> Volume:
    """Write a scan and its labels: so many volumes to learn from, and one run of eight a class to test."""
    rng = np.random.default_rng(0)
    n, classes = SAMPLES[name], CLASSES[name]
    total = n + 8 * classes
    labels = [f"class {i:02d}" for i in np.arange(total) % classes]
    runs = np.where(np.arange(total) < n, 1 + np.arange(total) * 4 // n, 5)
    pd.DataFrame({"label": labels, "run": runs}).to_csv(folder / "volumes.tsv", sep="\t", index=False)
    data = rng.normal(size=(*SHAPES[name], total)).astype(np.float32)
    write(Volume(data, np.diag([3.0, 3, 3, 1]), "stat", name=name), folder / f"{name}.nii")
    return read(folder / f"{name}.nii")


def wait(seconds: float) -> None:
    """Let the window live."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def until(true: Any, seconds: float = 120) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit("Nothing came of the training.")
        wait(0.05)


def measure(window: Window, epochs: Epochs | None, found: Found) -> None:
    """Do to the window what is done to it in each phase."""
    dims = window.viewer.dims
    slices, axis = dims.nsteps[dims.order[-3]], dims.order[-3]
    times: list[float] = []
    tick, move = QTimer(), QTimer()
    tick.timeout.connect(lambda: times.append(time.perf_counter()))
    move.timeout.connect(lambda: dims.set_current_step(axis, (dims.current_step[axis] + 1) % slices))

    def rate(work: Any) -> float:
        before, start = epochs.done() if epochs else 0.0, time.perf_counter()
        work()
        return ((epochs.done() if epochs else 0.0) - before) / (time.perf_counter() - start)

    tick.start(5)
    move.start(100)
    found.moved.append(rate(lambda: wait(SECONDS)))
    tick.stop()
    move.stop()
    found.gaps.append(np.diff(times).tolist())
    found.steps.append(
        [
            window.step(lambda: dims.set_current_step(axis, (dims.current_step[axis] + 1) % slices))
            for _ in range(STEPS)
        ]
    )
    found.alone.append(rate(lambda: wait(SECONDS)))


def side_by_side(name: str) -> dict[str, Found]:
    """Open a window, and measure each side in turn."""
    window = Window()
    found = {side: Found() for side in SIDES}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        series = make(Path(folder), name)
        head = np.random.default_rng(1).normal(size=(40, 56, 40)).astype(np.float32)
        session, dock = Session.of(window.viewer), TrainDock(window.viewer)
        window.viewer.window.add_dock_widget(dock)
        labels = parse_labels({"source": "table", "table": "volumes.tsv"})
        table, _ = label_table(labels, series, Path(folder))
        session.update(series=session.add(series, visible=False), labels=labels, table=table)
        session.add(Volume(head, np.diag([3.0, 3, 3, 1]), "anatomy", name="head"))
        dock.decoder.update({"name": name})
        dock.training.update({"epochs": 1_000_000})
        dock.split.update({"scheme": "explicit", "test": ["5"]})
        dock.runs_folder.value = Path(folder) / "runs"
        epochs = Epochs(dock)
        dock.tabs.setCurrentIndex(2)
        window.rest()
        for round_ in range(ROUNDS + 1):
            for side in SIDES:
                kept = found[side] if round_ else Found()
                if side == "nothing":
                    measure(window, None, kept)
                    continue
                dock.location.place.value = "subprocess" if side == "process" else "serial"
                begun = epochs.batches
                (dock.resume if dock.resume_button.enabled else dock.run)(wait=False)
                until(lambda: epochs.batches > begun + 2)  # noqa: B023
                wait(1.0)
                measure(window, epochs, kept)
                dock.stop()
                until(lambda: not dock.runs.ending)
        print(name, dock.training.threads.value, "thread(s)", flush=True)
        window.viewer.close()
        QCoreApplication.processEvents()
    return found


def rows(name: str, found: dict[str, Found]) -> list[Row]:
    """Ratios to the window in which nothing trains, and the cost to the training."""
    made = []
    for side in SIDES[1:]:
        for what, kind, q, limit in (
            ("gaps of the event loop, median", "gaps", 50, "<= 1.5"),
            ("gaps of the event loop, 99th percentile", "gaps", 99, "<= 2"),
            ("step to another slice", "steps", 50, "<= 1.5"),
        ):
            ours, shown = of_rounds(getattr(found[side], kind), q)
            theirs, shown_theirs = of_rounds(getattr(found["nothing"], kind), q)
            made.append(
                Row(f"{name} in a {side}: {what}", "no training", shown, shown_theirs, ours / theirs, limit)
            )
    thread, process = found["thread"], found["process"]
    for what, a, b in (
        ("thread, moving through slices, against left alone", thread.moved, thread.alone),
        ("process, moving through slices, against left alone", process.moved, process.alone),
        ("process against thread, moving through slices", process.moved, thread.moved),
    ):
        ours, theirs = float(np.median(a)), float(np.median(b))
        made.append(Row(f"{name}, epochs a second", what, spread(ours, a), spread(theirs, b), ours / theirs))
    return made


def of_rounds(rounds: list[list[float]], q: float) -> tuple[float, str]:
    """Median over the rounds of each one's percentile, in milliseconds, and as text with its spread."""
    each = [1000 * float(np.percentile(one, q)) for one in rounds]
    return float(np.median(each)), spread(float(np.median(each)), each, " ms")


def main() -> None:
    """Measure the networks that are named, or all."""
    display = ensure_display()
    made = [row for name in sys.argv[1:] or SHAPES for row in rows(name, side_by_side(name))]
    if display is not None:
        display.stop()
    finish(made)


if __name__ == "__main__":
    main()
