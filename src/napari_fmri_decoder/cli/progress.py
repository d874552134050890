"""Progress of a run on the command line: one bar per stage."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Never, TypeVar

import typer
from tqdm import tqdm

from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.generators import Steps, run_to_end
from napari_fmri_decoder.pipeline import PipelineEvent, Prepared, RunDone, RunResult, Stage
from napari_fmri_decoder.pipeline.subjects import WHAT as SUBJECTS
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldStarted, Note, Progress

if TYPE_CHECKING:
    from pathlib import Path

    Bar = tqdm[Never]

Event = TypeVar("Event")
Result = TypeVar("Result")


class Bars(ExitStack):
    """One bar at a time, and lines of text between the bars, on standard error.

    Until the input has been accepted, lines are held back and bars are erased (or not drawn, if standard
    error is not a terminal), so that invalid input leaves only its error.
    """

    bar: Bar | None = None
    _text = ""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[str] | None = []

    def start(self, text: str, total: int, done: int = 0) -> Bar:
        """Start another bar; steps that were already done do not count for the remaining time."""
        self.close()
        accepted = self._held is None
        shown = tqdm(
            total=total,
            initial=done,
            desc=printable(text),
            leave=accepted,
            disable=not accepted and not sys.stderr.isatty(),
            dynamic_ncols=True,
        )
        self.bar, self._text = self.enter_context(shown), text
        return self.bar

    @property
    def failures(self) -> list[str]:
        """Notes that are held back."""
        return [text for text in self._held or () if text.startswith("Note")]

    def accept(self) -> None:
        """Show the lines that were held back; from now on lines and bars remain."""
        if self._held is None:
            return
        self.close()
        self.bar, held, self._held = None, self._held, None
        for text in held:
            self.write(text)

    def write(self, text: str) -> None:
        """Show a line, or hold it back until the input has been accepted."""
        if self._held is None:
            tqdm.write(printable(text), file=sys.stderr)
        else:
            self._held.append(text)

    def on_event(self, event: object) -> None:
        """Show stages, notes and progress."""
        match event:
            case Stage(text):
                self.close()
                self.bar = None
                self.write(text)
            case Note(message):
                self.write(f"Note: {message}")
            case Progress(what, done, total):
                bar = self.bar
                if bar is None or self._text != what:
                    bar = self.start(what, total, done)
                bar.update(done - bar.n)


@contextmanager
def _first_interrupt() -> Iterator[Callable[[], bool]]:
    """Give a function that returns whether Ctrl-C was pressed; a second Ctrl-C stops at once."""
    if threading.current_thread() is not threading.main_thread():  # other threads receive no signals
        yield lambda: False
        return
    asked = threading.Event()

    def ask(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        asked.set()
        tqdm.write("Stopping after this step; press Ctrl-C again to stop at once.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def stoppable(steps: Steps[Event, Result]) -> Steps[Event, Result]:
    """Let Ctrl-C stop work between two of its steps, so that completed work is kept.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, once the work has been closed.
    """
    with _first_interrupt() as asked, closing(steps):
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                made: Result = end.value
                return made
            yield event
            if asked():
                raise KeyboardInterrupt


@contextmanager
def resume_hint(out: Path) -> Iterator[None]:
    """When the work inside is stopped by Ctrl-C, print how to resume it, and exit with status 130."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"Stopped. Completed work is kept in {out}; continue with --resume.", err=True)
        raise typer.Exit(130) from None


def follow(events: Generator[PipelineEvent, None, None]) -> RunResult:
    """Show the events of a run on standard error.

    Returns
    -------
    RunResult
    """
    result: RunResult | None = None
    with Bars() as bars:
        fold, after = "", 0
        for event in stoppable(events):
            match event:
                case Prepared():
                    bars.accept()
                case FoldStarted(number, n_folds, name):
                    fold = name if number >= n_folds else event.text
                    after = max(n_folds - number - 1, 0)
                case FitStarted(epochs=epochs):
                    bars.accept()
                    bars.start(fold, epochs)
                case EpochDone() if (bar := bars.bar) is not None:
                    bar.set_postfix(_qualities(event), refresh=False)
                    if after:
                        each = bar.format_dict["elapsed"] / (bar.n + 1)
                        left = each * (epochs - bar.n - 1 + after * epochs)
                        bar.set_description(f"{fold} ({tqdm.format_interval(left)} for all)", refresh=False)
                    bar.update(1)
                case RunDone(done_result):
                    result = done_result
                case _:
                    bars.on_event(event)
        bars.accept()
    if result is None:
        raise InputError("The run was stopped before it was complete. Continue it with --resume.")
    return result


def _qualities(event: EpochDone) -> dict[str, str]:
    """Accuracies after an epoch, shown at the end of the bar."""
    parts = {"train": event.train, "validation": event.validation, "test": event.test}
    return {name: f"{part.accuracy:.3f}" for name, part in parts.items() if part is not None}


def follow_steps(events: Generator[object, None, None]) -> object:
    """Show stages and progress of shorter work on standard error.

    Returns
    -------
    object
        Its last event.
    """
    last: object = None
    with Bars() as bars:
        for last in stoppable(events):
            if isinstance(last, Progress) and last.done:  # the work itself has begun
                bars.accept()
            bars.on_event(last)
        bars.accept()
    return last


def follow_to_end(steps: Steps[object, Result]) -> Result:
    """Show stages and progress of work on standard error, and return its result."""
    with Bars() as bars:

        def on_event(event: object) -> None:
            match event:
                case Prepared() | FitStarted():
                    bars.accept()
                case Progress(what, done, _) if what == SUBJECTS and done > len(bars.failures):
                    bars.accept()
            bars.on_event(event)

        made = run_to_end(stoppable(steps), on_event)
        bars.accept()
        return made
