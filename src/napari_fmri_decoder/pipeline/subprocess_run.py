"""A run in a separate process, which sends its events: so it does not slow down a window.

The child is a new interpreter that does not import the user's script, so no ``__main__`` guard is needed.
It receives its work through standard input, and sends events through standard output. It stops when its
standard input is closed: because the parent closed it, or because the parent has ended.
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
from napari_fmri_decoder.pipeline.events import Heartbeat, Prepared, RunDone
from napari_fmri_decoder.pipeline.running import run
from napari_fmri_decoder.training.tasks import children
from napari_fmri_decoder.training.tasks.workers import SERIAL
from napari_fmri_decoder.volumes.counted_reading import ReadCounter, StoppedReading, WatchedVoxels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from typing import BinaryIO

    from napari_fmri_decoder.pipeline.events import PipelineEvent
    from napari_fmri_decoder.recipe import Recipe

BEAT_S = 0.1
"""Seconds between two messages with a heartbeat, at each of which the parent can stop."""
STOP_S = 30.0
"""Seconds for a child to write its last checkpoint and exit, before it is terminated."""
NICE = 10
"""Niceness of the child, so that the window has priority if there are too few cores."""
_COMMAND = "from napari_fmri_decoder.pipeline.subprocess_run import serve; serve()"


def run_in_subprocess(
    recipe: Recipe,
    base: Path,
    out: Path,
    read: Callable[[int], Any] | None = None,
    *,
    cluster: str = SERIAL,
    resume: bool = False,
) -> Generator[PipelineEvent, None, None]:
    """Run a recipe in a separate process; the events and results are those of `run`.

    Starting takes some seconds, and a second Python needs memory; the samples exist twice.

    Parameters
    ----------
    recipe : Recipe
    base, out : Path
        See `run`.
    read : callable, optional
        Called with the number of volumes read so far.
    cluster, resume
        See `run`.

    Yields
    ------
    PipelineEvent
        Those of `run`, and `Heartbeat` ten times a second. Closing the generator stops the process after
        its current step, with a checkpoint; if it does not exit within `STOP_S` it is terminated.

    Raises
    ------
    TrainingError
        If the process is killed or crashes.
    InputError, TrainingError
        As in `run`; other errors have the child's traceback as a note.
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
                    yield Heartbeat()
    finally:
        children.end(child, STOP_S)


def _start() -> subprocess.Popen[bytes]:
    return children.start(_COMMAND, priority=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0))


def _send(pipe: Any, message: object) -> None:
    with suppress(BrokenPipeError):  # of a child that ended at once: reading from it reports that
        pickle.dump(message, pipe)
        pipe.flush()


def _receive(child: subprocess.Popen[bytes]) -> tuple[str, Any]:
    try:
        message: tuple[str, Any] = pickle.load(child.stdout)  # type: ignore[arg-type]  # from our own child
        return message
    except (EOFError, pickle.UnpicklingError) as error:
        how = children.how_it_ended(child.wait())
        raise TrainingError(
            f"The training process ended {how}, perhaps because memory was full. Completed work is kept: "
            "continue with Resume (or --resume), if necessary with a smaller batch or mask, or without a "
            "separate process."
        ) from error


class _Parent:
    """The parent process, as seen by the child.

    Messages are sent together, at each heartbeat: a fast network has hundreds of events per second, and a
    window would stutter if each of them woke a process.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self.stopped = threading.Event()
        self.reading = ReadCounter(self.stopped.is_set)

    def queue(self, kind: str, content: object = None) -> None:
        """Send a message with the next heartbeat, or with `send`."""
        message = pickle.dumps((kind, content), protocol=pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._waiting.append(message)

    def send(self) -> None:
        """Send the queued messages; if the parent has ended, stop."""
        try:
            with self._lock:
                self._sink.writelines(self._waiting)
                self._sink.flush()
                self._waiting.clear()
        except (OSError, ValueError):
            self.stopped.set()

    def listen(self) -> None:
        """Wait until the parent closes the pipe."""
        self._source.read()
        self.stopped.set()

    def beat(self) -> None:
        """Send the queued messages regularly, each time with a heartbeat."""
        reported = 0
        while not self.stopped.wait(BEAT_S):
            if reported != self.reading.done:
                reported = self.reading.done
                self.queue("read", reported)
            self.queue("alive")
            self.send()


def serve() -> None:
    """Run the recipe from standard input, in the child."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries is not a message
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
                _send_event(parent, event)
        parent.queue("end")
    except StoppedReading:
        pass
    except Exception as error:  # noqa: BLE001  # raised again in the parent
        parent.queue("error", _portable(error))
    parent.send()
    # The listening thread would delay the end of the interpreter.
    os._exit(0)


def _send_event(parent: _Parent, event: PipelineEvent) -> None:
    """Send an event without the parts that cannot, or need not, be pickled."""
    match event:
        case Prepared(series=series) if isinstance(series.data, WatchedVoxels):
            parent.queue("event", replace(event, series=replace(series, data=series.data.unwatched)))
        case RunDone(result):
            bare = replace(result, prepared=None)  # type: ignore[arg-type]  # the parent already has it
            parent.queue("done", (bare, result.prepared.notes))
        case _:
            parent.queue("event", event)


def _portable(error: Exception) -> Exception:
    """Return the error, or one with the same message if it cannot be pickled."""
    trace = "".join(traceback.format_exception(error))
    try:
        same: Exception = pickle.loads(pickle.dumps(error))
        if str(same) != str(error):
            raise TypeError(f"{type(error).__name__} came back as {same}")
    except Exception:  # noqa: BLE001  # whatever its own pickling raises
        same = TrainingError(f"{type(error).__name__}: {error}")
    if not isinstance(error, (InputError, TrainingError)):
        same.add_note(f"In the training process:\n{trace}")
    return same
