"""Progress of a run on the command line: one bar per part of the work."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Never, TypeVar

import typer
from tqdm import tqdm

from napari_fmri_decoder.cli.saying import say
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import PipelineEvent, Prepared, RunDone, RunResult, Stage
from napari_fmri_decoder.pipeline.subjects import WHAT as SUBJECTS
from napari_fmri_decoder.samples.steps import returned
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldStarted, Note, Progress

if TYPE_CHECKING:
    from pathlib import Path

    Bar = tqdm[Never]

Event = TypeVar("Event")
Made = TypeVar("Made")


class Bars(ExitStack):
    """One bar at a time, and the lines of text between them, on standard error.

    Until the input has been accepted, nothing is shown that stays: where it is refused, the error is
    all that is left. On a terminal bars are erased, elsewhere there are none until then.
    """

    bar: Bar | None = None
    _text = ""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[str] | None = []

    def start(self, text: str, total: int, done: int = 0) -> Bar:
        """Begin another bar: what was done before it tells nothing of the time that is left."""
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
        """From now on let stay what is shown; show what was held back."""
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

    def hear(self, event: object) -> None:
        """Show what all work tells: stages, notes and progress."""
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
    """Take note of the first Ctrl-C, and tell whether it came; a second one stops at once, as ever."""
    if threading.current_thread() is not threading.main_thread():  # others are sent no signals
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


def stoppable(steps: Generator[Event, None, Made]) -> Generator[Event, None, Made]:
    """Let Ctrl-C stop work between two of its steps, so that it can keep what is done.

    Raises
    ------
    KeyboardInterrupt
        Then, once the work has been closed.
    """
    with _first_interrupt() as asked, closing(steps):
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                made: Made = end.value
                return made
            yield event
            if asked():
                raise KeyboardInterrupt


@contextmanager
def going_on(out: Path) -> Iterator[None]:
    """Where the work inside is stopped by Ctrl-C, say how to go on with it, and exit as a shell expects."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"Stopped. What is done is kept in {out}: go on with --resume.", err=True)
        raise typer.Exit(130) from None


def follow(events: Generator[PipelineEvent, None, None]) -> RunResult:
    """Show a run's events as they come, on standard error.

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
                    bars.hear(event)
        bars.accept()
    if result is None:
        raise InputError("The run was stopped before its end. Go on with it (--resume).")
    return result


def _qualities(event: EpochDone) -> dict[str, str]:
    """Accuracies after an epoch, for the end of its bar."""
    parts = {"train": event.train, "validation": event.validation, "left out": event.test}
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
            bars.hear(last)
        bars.accept()
    return last


def follow_to_end(steps: Generator[object, None, Made]) -> Made:
    """Show stages and progress of work on standard error, and give what it returns."""
    with Bars() as bars:

        def hear(event: object) -> None:
            match event:
                case Prepared() | FitStarted():
                    bars.accept()
                case Progress(what, done, _) if what == SUBJECTS and done > len(bars.failures):
                    bars.accept()
            bars.hear(event)

        made = returned(stoppable(steps), hear)
        bars.accept()
        return made
