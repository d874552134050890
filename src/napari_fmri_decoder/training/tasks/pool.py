"""Workers that run tasks: a task is a function and small arguments; it reads and writes its data on disk."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from napari_fmri_decoder.errors import TrainingError

if TYPE_CHECKING:
    from distributed import Client, Future

Result = TypeVar("Result")

_WAIT_S = 0.2
"""Seconds without results after which the generator yields, so that it can be stopped."""


class Pool:
    """Workers that run tasks; made by `open_pool`.

    Parameters
    ----------
    client : Client
    check : callable
        Raises if the processes of the workers have ended, or end within the given number of seconds.
    advice : str
        A sentence on where their log is; the last of each error about them.
    """

    def __init__(self, client: Client, check: Callable[[float], None], advice: str) -> None:
        self._client, self._check, self._advice = client, check, advice
        self._run = uuid4().hex[:8]

    @property
    def workers(self) -> int:
        """Number of workers at present.

        Raises
        ------
        TrainingError
            If the connection to the scheduler is lost.
        """
        wait_s = _WAIT_S
        while True:  # a client that lost its scheduler does not answer while it reconnects
            try:
                return len(self._client.nthreads(callback_timeout=wait_s))
            except TimeoutError:
                self._check(0)
                wait_s *= 2
            except OSError as error:
                raise self._lost() from error

    def imap(
        self,
        function: Callable[..., Result],
        calls: Iterable[tuple[Any, ...]],
        on_killed: Callable[[Any, TrainingError], Result] | None = None,
    ) -> Generator[Result | None, None, None]:
        """Run one task per call; closing the generator cancels those that have not started.

        Parameters
        ----------
        function : callable
            Defined in a module, so that a worker can import it.
        calls : iterable of tuple
            Arguments of each task, requested only when a worker will soon be free.
        on_killed : callable, optional
            Returns the result of a task that repeatedly kills its worker, given its arguments and the error,
            so that other tasks continue. No task is then queued on a worker that another task may kill, since
            it would be blamed too.

        Yields
        ------
        result or None
            Results as they are ready, in any order; None several times a second while waiting.

        Raises
        ------
        TrainingError
            If a task repeatedly kills its worker and there is no `on_killed`, or the scheduler is lost.
        Exception
            The task's own exception.
        """
        done: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
        waiting: dict[Future[Result], tuple[Any, ...]] = {}
        source = iter(calls)
        try:
            while True:
                self._check(0)
                limit = max(4, 2 * self.workers) if on_killed is None else max(1, self.workers)
                for call in _first(source, limit - len(waiting)):
                    key = f"{function.__name__}-{self._run}-{uuid4().hex}"
                    future: Future[Result] = self._client.submit(function, *call, key=key, pure=False)
                    waiting[future] = call
                    future.add_done_callback(done.put)
                if not waiting:
                    return
                try:
                    future = done.get(timeout=_WAIT_S)
                except queue.Empty:
                    yield None
                    continue
                call = waiting.pop(future)
                try:
                    result = self._result(future)
                except WorkerKilledError as error:
                    if on_killed is None:
                        raise
                    result = on_killed(call, error)
                yield result
        finally:
            if waiting:
                with suppress(Exception):  # without a scheduler there is nothing to cancel
                    self._check(0)
                    self._client.cancel(list(waiting), force=True)

    def _result(self, future: Future[Result]) -> Result:
        from distributed import KilledWorker

        try:
            result = self._gathered(future)
        except KilledWorker as error:
            raise WorkerKilledError(
                "A task killed its worker several times, most likely because memory ran out. Start fewer "
                "workers, choose a smaller mask or batch_size, and use --resume. "
                f"{self._advice}"
            ) from error
        except CancelledError as error:
            raise self._lost() from error
        return result

    def _gathered(self, future: Future[Result]) -> Result:
        """Fetch the result of a completed task, as long as the workers exist."""
        wait_s = _WAIT_S
        while True:
            try:
                return future.result(timeout=wait_s)
            except TimeoutError:
                if future.status == "error":  # raised by the task itself
                    raise
                self._check(0)
                wait_s *= 2

    def _lost(self) -> TrainingError:
        self._check(_WAIT_S)  # a killed process closes its connections before it has ended
        return TrainingError(
            "The connection to the scheduler was lost before the run ended. Completed work is kept: start "
            f"the scheduler again, and use --resume. {self._advice}"
        )


def _first(source: Iterator[tuple[Any, ...]], n: int) -> Iterator[tuple[Any, ...]]:
    for _ in range(n):
        try:
            yield next(source)
        except StopIteration:
            return


class WorkerKilledError(TrainingError):
    """Raised for a task that repeatedly kills its worker; the scheduler and other tasks continue."""
