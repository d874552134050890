"""Run long work in a thread: one generator per job, with progress and Stop.

The generator runs in a thread and yields small events. Callbacks run in the main thread; only they may
touch the viewer. A stop takes effect at the next yield, so work that must stop quickly yields often. Many
events cost little, because they are handed over together.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QEventLoop, QObject, QTimer

from napari_fmri_decoder._napari.qt.notifications import guard, notify_error
from napari_fmri_decoder._napari.qt.running import begin, end, forget, running_jobs
from napari_fmri_decoder._napari.qt.worker_thread import NamedSteps, WorkerThread
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder.generators import Steps

logger = logging.getLogger(__name__)


class WorkerError(Exception):
    """Replaces a RuntimeError of the work, because napari's workers swallow RuntimeErrors."""


class Job:
    """Work that has been started; made by `run_generator`.

    Attributes
    ----------
    description : str
        Text of the progress bar.
    owner : QObject
        The dock that the work belongs to.
    error : BaseException or None
        Of the work, or of a callback.
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
        self.error: BaseException | None = None
        self._work: Callable[[], Any] | None = partial(work, *args)
        self._callbacks = callbacks
        self._counts = total is not None
        self._events: deque[Any] = deque()
        self._notified = self._closing = False
        self._waiting: list[QEventLoop] = []
        self._worker: Any = create_worker(
            NamedSteps(self._steps),
            _worker_class=WorkerThread,
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
        owner.destroyed.connect(self._on_owner_destroyed)
        begin(self)
        self._worker.start()

    @property
    def running(self) -> bool:
        """Whether the work is running; already False when one of the final callbacks is called."""
        return self in running_jobs()

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return bool(self._worker.abort_requested)

    def wait(self) -> None:
        """Wait for the end, while the window stays responsive; for scripts.

        Raises
        ------
        InputError
            If the work was stopped.
        Exception
            The error of the work, or of a callback.
        """
        if self.running:
            loop = QEventLoop()
            self._waiting.append(loop)
            loop.exec()
        if self.error is not None:
            raise self.error
        if self.stopping:
            raise InputError(f"'{self.description}' was stopped. Start it again.")

    def wait_if(self, asked: bool) -> None:
        """Wait, for methods that let the caller choose; see `wait`."""
        if asked:
            self.wait()

    def stop(self) -> None:
        """Request a stop at the next yield: no event follows, only `on_stopped`."""
        self._worker.quit()

    def progress(self, done: int, total: int | None = None, description: str | None = None) -> None:
        """Move the bar in the activity dock, for work that knows its progress.

        Parameters
        ----------
        done, total : int
            Steps; None keeps the current `total`.
        description : str, optional
            New text of the bar.
        """
        bar = self._worker.pbar
        if not self.running or bar.disable:
            return
        if total is not None and total != bar.total:
            bar.total = total
        if description is not None and f"{description}: " != bar.desc:
            bar.set_description(description)
        bar.update(done - bar.n)

    def _steps(self) -> Steps[None, Any]:
        """Run the work in the thread; notify the main thread unless it has events to read already."""
        work, self._work = self._work, None  # napari keeps a reference to the function, and so to the data
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
                    if self.stopping or not self._notified:
                        self._notified = True
                        yield
        except RuntimeError as error:
            raise WorkerError(f"{type(error).__name__}: {error}") from error

    def _read(self, _: object = None) -> None:
        """Pass on the events so far, in the main thread."""
        self._notified = False  # before reading, so that an event in the meantime notifies again
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
            self.error = error
            notify_error(error)
        self._end("error", error)

    def _finished(self) -> None:
        # napari's bar processes events when it moves, so this may be called during the last `_read`.
        if not self._closing:
            self._end("stopped")
        QTimer.singleShot(0, partial(forget, self))

    def _end(self, name: str, *args: Any) -> None:
        """Call the final callback, once, and free everything."""
        if not self.running:
            return
        end(self)
        if not self._orphaned:
            self.owner.destroyed.disconnect(self._on_owner_destroyed)
        try:
            self._call(name, *args)
        finally:
            self._callbacks.clear()
            self._events.clear()
            for loop in self._waiting:
                loop.quit()

    def _on_owner_destroyed(self) -> None:
        self._orphaned = True
        self.stop()

    def _call(self, name: str, *args: Any) -> None:
        """Call a callback, unless the owner was deleted; if it fails, the work is stopped."""
        callback = self._callbacks.get(name)
        if callback is None or self._orphaned:
            return
        with guard():
            try:
                callback(*args)
            except BaseException as error:
                self.error = error
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
        Returns an iterator of events, usually as a generator function; its return value is passed to
        `on_done`. A plain function is a single step, which cannot be stopped.
    *args
        Arguments of `work`.
    owner : QObject
        The dock that the work belongs to. It runs one job at a time. Deleting it stops the work, and no
        callback is called afterwards.
    description : str
        Text of the progress bar.
    total : int, optional
        Number of events. Without it the bar only shows that work is running, until `Job.progress` is
        called.
    on_event, on_done, on_error, on_stopped : callable, optional
        Called in the main thread: with each event, in order; at the end exactly one of the others, once,
        with the result, with the error, or without arguments after a stop. By then the error was shown
        as one notification; a RuntimeError is passed as `WorkerError`.

    Returns
    -------
    Job

    Raises
    ------
    InputError
        If another job of this owner is running.
    """
    for job in running_jobs():
        if job.owner is owner:
            raise InputError(
                f"Only one job can run at a time, and '{job.description}' is running. "
                "Stop it, or wait until it is done."
            )
    callbacks = {"event": on_event, "done": on_done, "error": on_error, "stopped": on_stopped}
    return Job(work, args, owner, description, total, callbacks)


def _log_warning(warning: tuple[Any, ...]) -> None:
    """Log a warning of the thread; one notification each would be too many."""
    logger.warning("%s: %s", warning[1].__name__, warning[0])
