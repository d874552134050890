"""A run in a process of its own, told event by event: a window beside it keeps Python to itself.

The child is a fresh interpreter that imports no script of the user's, so that no ``__main__`` guard is
needed. It gets its work through standard input, and tells events through standard output. It stops
where that input ends: because it was told to, or because the parent is gone.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import traceback
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.pipeline.events import Alive, Prepared, RunDone
from napari_fmri_decoder.pipeline.run import run
from napari_fmri_decoder.training import children
from napari_fmri_decoder.training.cluster import SERIAL
from napari_fmri_decoder.volumes.watched import ReadCounter, StoppedReading, WatchedVoxels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from typing import BinaryIO

    from napari_fmri_decoder.pipeline.events import PipelineEvent
    from napari_fmri_decoder.recipe import Recipe

BEAT_S = 0.1
"""Seconds between two tellings, each with a sign of life, at each of which the parent can stop."""
STOP_S = 30.0
"""Seconds that a child has to end by itself, with a checkpoint that may be large, before it is ended."""
NICE = 10
"""How far the child steps back where the cores do not suffice for the window and it."""
_COMMAND = "from napari_fmri_decoder.pipeline.apart import serve; serve()"


def run_apart(
    recipe: Recipe,
    base: Path,
    out: Path,
    read: Callable[[int], Any] | None = None,
    *,
    cluster: str = SERIAL,
    resume: bool = False,
) -> Generator[PipelineEvent, None, None]:
    """Run a recipe in a process of its own; the same events and numbers as `run`.

    It takes some seconds to begin, and the memory of a second Python; the samples exist twice.

    Parameters
    ----------
    recipe : Recipe
    base, out : Path
        See `run`.
    read : callable, optional
        Told how many volumes were read so far.
    cluster, resume
        See `run`.

    Yields
    ------
    PipelineEvent
        Those of `run`, and `Alive` ten times a second. Closing the generator stops the process after
        the step that it is in, with a checkpoint; one that does not end within `STOP_S` is ended.

    Raises
    ------
    TrainingError
        If the process dies.
    InputError, TrainingError
        As `run` raises them; other errors too come with the child's traceback as a note.
    """
    child = _start()
    try:
        _send(child.stdin, (recipe, base, out, cluster, resume))
        prepared: Prepared | None = None
        while True:
            kind, content = _receive(child)
            match kind:
                case "event":
                    prepared = content if isinstance(content, Prepared) else prepared
                    yield content
                case "read":
                    if read is not None:
                        read(content)
                case "done" if prepared is not None:
                    result, notes = content
                    yield RunDone(replace(result, prepared=replace(prepared, notes=notes)))
                case "error":
                    raise content
                case "end":
                    return
                case _:
                    yield Alive()
    finally:
        children.end(child, STOP_S)


def _start() -> subprocess.Popen[bytes]:
    return children.start(_COMMAND, priority=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0))


def _send(pipe: Any, message: object) -> None:
    with suppress(BrokenPipeError):  # of a child that died at once: reading from it says so
        pickle.dump(message, pipe)
        pipe.flush()


def _receive(child: subprocess.Popen[bytes]) -> tuple[str, Any]:
    try:
        message: tuple[str, Any] = pickle.load(child.stdout)  # type: ignore[arg-type]  # from our own child
        return message
    except (EOFError, pickle.UnpicklingError) as error:
        how = children.how_it_ended(child.wait())
        raise TrainingError(
            f"The process of the run must live to its end, but it ended {how}. What was done is kept: go on "
            "with Resume (or --resume), with a smaller batch or mask if memory was full, or without a "
            "process of its own."
        ) from error


class _Parent:
    """The other end, as the child sees it.

    Messages go out together, at each beat: a fast network has hundreds of events a second, and a window
    beside which something wakes for each of them stutters.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self.stopped = threading.Event()
        self.reading = ReadCounter(self.stopped.is_set)

    def tell(self, kind: str, content: object = None) -> None:
        """Let a message go out with the next beat, or with `send`."""
        message = pickle.dumps((kind, content), protocol=pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._waiting.append(message)

    def send(self) -> None:
        """Send what waits; a parent that is gone has stopped us."""
        try:
            with self._lock:
                self._sink.writelines(self._waiting)
                self._sink.flush()
                self._waiting.clear()
        except (OSError, ValueError):
            self.stopped.set()

    def listen(self) -> None:
        """Wait for the end of what the parent has to say."""
        self._source.read()
        self.stopped.set()

    def beat(self) -> None:
        """Send what waits, with a sign of life."""
        told = 0
        while not self.stopped.wait(BEAT_S):
            if told != self.reading.done:
                told = self.reading.done
                self.tell("read", told)
            self.tell("alive")
            self.send()


def serve() -> None:
    """Be the child: run the recipe that comes through standard input."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no message
    source = sys.stdin.buffer
    recipe, base, out, cluster, resume = pickle.load(source)
    parent = _Parent(source, sink)
    for work in (parent.listen, parent.beat):
        threading.Thread(target=work, daemon=True).start()
    try:
        with closing(run(recipe, base, out, parent.reading.over, cluster=cluster, resume=resume)) as events:
            for event in events:
                if parent.stopped.is_set():
                    break
                _tell(parent, event)
        parent.tell("end")
    except StoppedReading:
        pass
    except Exception as error:  # noqa: BLE001  # every one is raised again, in the parent
        parent.tell("error", _portable(error))
    parent.send()
    # The thread that listens would hold up the end of the interpreter.
    os._exit(0)


def _tell(parent: _Parent, event: PipelineEvent) -> None:
    """Send an event without what cannot, or need not, go through the pipe."""
    match event:
        case Prepared(series=series) if isinstance(series.data, WatchedVoxels):
            parent.tell("event", replace(event, series=replace(series, data=series.data.unwatched)))
        case RunDone(result):
            bare = replace(result, prepared=None)  # type: ignore[arg-type]  # the parent has it
            parent.tell("done", (bare, result.prepared.notes))
        case _:
            parent.tell("event", event)


def _portable(error: Exception) -> Exception:
    """Give the error, or one that says the same, where it would not come through the pipe whole."""
    said = "".join(traceback.format_exception(error))
    try:
        same: Exception = pickle.loads(pickle.dumps(error))
        if str(same) != str(error):
            raise TypeError(f"{type(error).__name__} came back as {same}")
    except Exception:  # noqa: BLE001  # whatever its own pickling raises
        same = TrainingError(f"{type(error).__name__}: {error}")
    if not isinstance(error, (InputError, TrainingError)):
        same.add_note(f"In the process of the run:\n{said}")
    return same
