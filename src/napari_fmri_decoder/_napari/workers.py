"""Long work beside the interface: one generator in napari's thread worker, with progress and Stop.

The generator runs in a thread and yields small events; callbacks run on the interface's thread and
alone may touch the viewer. A stop is seen at the next yield, so work that must stop at once yields
often. Many events cost little: they cross over together.
"""

from __future__ import annotations

import logging
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, nullcontext
from functools import partial
from inspect import signature
from typing import Any

from napari.qt.threading import create_worker
from qtpy.compat import isalive
from qtpy.QtCore import QObject
from superqt.utils import GeneratorWorker

from napari_fmri_decoder._napari import leaving
from napari_fmri_decoder._napari.notify import guard, tell
from napari_fmri_decoder._napari.pace import WHEEL_SPEED, turn_wheels
from napari_fmri_decoder.errors import InputError

logger = logging.getLogger(__name__)

_running: set[Job] = set()
_warnings = ExitStack()
"""How warnings were handled before the first of the jobs that run.

Each worker keeps that and puts it back, and where two overlap the second puts back the first one's.
"""


class WorkerError(Exception):
    """A RuntimeError of the work under another name: napari's workers swallow RuntimeErrors."""


class _Errored:
    """The signal of an error, for callbacks that take none too.

    napari connects one of those. PyQt leaves out what a callback does not take; PySide calls it with the
    error all the same where it is a `partial`, and what is raised then ends the program.
    """

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        self.emit, self.disconnect = signal.emit, signal.disconnect

    def connect(self, callback: Callable[..., Any]) -> None:
        """Connect a callback of the error, or of nothing."""
        try:
            signature(callback).bind(None)
        except TypeError:
            self._signal.connect(lambda _: callback())
        else:
            self._signal.connect(callback)


class _Worker(GeneratorWorker):  # type: ignore[type-arg]
    """superqt's worker, closing its generator when it ends so that every `finally` runs.

    Not napari's subclass, which means to relay errors as notifications: `Job` tells them, once.
    """

    @property
    def errored(self) -> _Errored:  # type: ignore[override]
        """The signal of an error, whatever the binding of Qt."""
        return _Errored(self.signals.errored)

    def work(self) -> Any:
        """Run the generator to its end, or to a stop."""
        with closing(self._gen):
            return super().work()

    def start(self) -> None:
        """Start in a thread of ours, which closing napari does not wait for without limit."""
        self._worker_set.add(self)
        self._finished.connect(self._set_discard)
        leaving.start(self)


class _Named(partial):  # type: ignore[type-arg]
    """The steps of a job, under the name that napari's dialog on closing shows."""

    def __str__(self) -> str:
        job: Job = self.func.__self__  # type: ignore[attr-defined]
        return job.description


class Job:
    """Work that has been started; made by `run_generator`.

    Attributes
    ----------
    description : str
        What the progress bar says.
    owner : QObject
        The dock whose work it is.
    """

    def __init__(
        self,
        work: Callable[..., Any],
        args: tuple[Any, ...],
        owner: QObject,
        description: str,
        total: int | None,
        callbacks: dict[str, Callable[..., Any] | None],
    ) -> None:
        self.description = description
        self.owner = owner
        self._work: Callable[[], Any] | None = partial(work, *args)
        self._callbacks = callbacks
        self._counts = total is not None
        self._events: deque[Any] = deque()
        self._awake = self._closing = False
        self._worker: Any = create_worker(
            _Named(self._steps),
            _worker_class=_Worker,
            _ignore_errors=True,
            _start_thread=False,
            _progress={"desc": description, "total": total or 0},
        )
        self._worker.yielded.connect(self._read)
        self._worker.returned.connect(self._returned)
        self._worker.errored.connect(self._failed)
        self._worker.finished.connect(self._finished)
        self._worker.warned.connect(_log_warning)
        self._orphaned = False
        owner.destroyed.connect(self._lose_owner)
        _add(self)
        self._worker.start()

    @property
    def running(self) -> bool:
        """Whether the work goes on; False by the time that any callback of the end is called."""
        return self in _running

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self._worker.abort_requested)

    def stop(self) -> None:
        """Ask the work to end at its next yield: no event follows, only `on_stopped`."""
        self._worker.quit()

    def progress(self, done: int, total: int | None = None, description: str | None = None) -> None:
        """Move the bar in the activity dock, for work whose events tell how long it is.

        Parameters
        ----------
        done, total : int
            Steps; `total` is kept where it is None.
        description : str, optional
            New text beside the bar.
        """
        bar = self._worker.pbar
        if not self.running or bar.disable:
            return
        if total is not None and total != bar.total:
            bar.total = total
        if description is not None and f"{description}: " != bar.desc:
            bar.set_description(description)
        bar.update(done - bar.n)

    def _steps(self) -> Generator[None, None, Any]:
        """Run the work in the worker's thread; wake the interface where it has read all before."""
        work, self._work = self._work, None  # napari keeps the function, and so would keep the data
        try:
            events = work() if work else None
            if not isinstance(events, Iterator):
                return events
            with closing(events) if isinstance(events, Generator) else nullcontext():
                while True:
                    try:
                        self._events.append(next(events))
                    except StopIteration as end:
                        return end.value
                    if self.stopping or not self._awake:
                        self._awake = True
                        yield
        except RuntimeError as error:
            raise WorkerError(f"{type(error).__name__}: {error}") from error

    def _read(self, _: object = None) -> None:
        """Hand over the events that have come, on the interface's thread."""
        self._awake = False  # before reading: an event that comes meanwhile wakes again
        count = 0
        while self._events and not self.stopping:
            self._call("event", self._events.popleft())
            count += 1
        if self._counts:
            self.progress(self._worker.pbar.n + count)

    def _returned(self, result: Any) -> None:
        self._closing = True
        self._read()
        self._end("done", result)

    def _failed(self, error: Exception) -> None:
        self._closing = True
        self._read()
        if self.running:
            tell(error)
        self._end("error", error)

    def _finished(self) -> None:
        # napari's bar handles events whenever it moves: this may come amid the last of `_read`.
        if not self._closing:
            self._end("stopped")

    def _end(self, name: str, *args: Any) -> None:
        """Call the callback of the end, once, and let go of everything."""
        if not self.running:
            return
        _discard(self)
        if not self._orphaned:
            self.owner.destroyed.disconnect(self._lose_owner)
        self._call(name, *args)
        self._callbacks.clear()
        self._events.clear()

    def _lose_owner(self) -> None:
        self._orphaned = True
        self.stop()

    def _call(self, name: str, *args: Any) -> None:
        """Call back, unless the owner is gone; a callback that fails ends the work."""
        callback = self._callbacks.get(name)
        if callback is None or self._orphaned:
            return
        with guard():
            try:
                callback(*args)
            except BaseException:
                self.stop()
                raise


def run_generator(
    work: Callable[..., Any],
    *args: Any,
    owner: QObject,
    description: str,
    total: int | None = None,
    on_event: Callable[[Any], Any] | None = None,
    on_done: Callable[[Any], Any] | None = None,
    on_error: Callable[[Exception], Any] | None = None,
    on_stopped: Callable[[], Any] | None = None,
) -> Job:
    """Start work in a thread.

    Parameters
    ----------
    work : callable
        Returns an iterator of events, most often by being a generator function; what it returns
        goes to `on_done`. A plain function is one step, which cannot be stopped.
    *args
        What `work` is called with.
    owner : QObject
        The dock that the work belongs to. It runs one job at a time; its deletion stops the
        work, and nothing is called back after it.
    description : str
        What the progress bar says.
    total : int, optional
        How many events will come. Without it the bar only shows that something goes on, until
        `Job.progress` tells more.
    on_event, on_done, on_error, on_stopped : callable, optional
        Called on the interface's thread: with each event, in order; then, exactly one of them and
        once, with the result, with the error, or with nothing after a stop. The error has been
        shown as one notification by then; a RuntimeError comes as `WorkerError`.

    Returns
    -------
    Job

    Raises
    ------
    InputError
        If a job of this owner is running.
    """
    for job in _running:
        if job.owner is owner:
            raise InputError(
                f"Only one job can run at a time, and '{job.description}' is running. "
                "Stop it, or wait until it is done."
            )
    callbacks = {"event": on_event, "done": on_done, "error": on_error, "stopped": on_stopped}
    return Job(work, args, owner, description, total, callbacks)


def owner_in(viewer: Any) -> QObject:
    """Make an owner of work that belongs to a viewer, not to a dock: it is deleted with the window.

    Parameters
    ----------
    viewer : napari Viewer
        One without a window gives an owner that nothing deletes.
    """
    return QObject(getattr(getattr(viewer, "window", None), "_qt_window", None))


def stop_within(part: QObject) -> None:
    """Stop all work whose owner is a part of a dock, or the dock itself."""
    for job in list(_running):
        owner: QObject | None = job.owner if isalive(job.owner) else None  # type: ignore[no-untyped-call]
        while owner is not None and owner is not part:
            owner = owner.parent()
        if owner is part:
            job.stop()


def _add(job: Job) -> None:
    """Note that a job begins; with the first, remember what its end has to restore."""
    if not _running:
        _warnings.enter_context(warnings.catch_warnings())
    _running.add(job)
    turn_wheels(WHEEL_SPEED)


def _discard(job: Job) -> None:
    """Note that a job has ended: its thread has left the handling of warnings that it had."""
    _running.discard(job)
    if not _running:
        _warnings.close()
        turn_wheels(100)


def _log_warning(warning: tuple[Any, ...]) -> None:
    """Log a warning raised in the thread: a notification for each would be too many."""
    logger.warning("%s: %s", warning[1].__name__, warning[0])
