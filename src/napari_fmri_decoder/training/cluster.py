"""Where tasks run: on worker processes of this machine, or of a Dask scheduler that runs already.

A task is a function and small arguments; what it reads and writes lies on disk (`training.store`).
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError, TrainingError

if TYPE_CHECKING:
    from distributed import Client, Future

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.training.config import TrainingConfig

Result = TypeVar("Result")

SERIAL = "serial"
"""No workers: everything in this process."""
MANY = 50
"""Permutations from which workers of this machine are worth their start."""
_CONNECT = "10s"
_WAIT_S = 0.2
"""Seconds without news after which a place to stop is given."""


class Pool:
    """Workers that run tasks; made by `open_pool`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._run = uuid4().hex[:8]

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        return len(self._client.nthreads())

    def imap(
        self,
        function: Callable[..., Result],
        calls: Iterable[tuple[Any, ...]],
        ended: Callable[[Any, TrainingError], Result] | None = None,
    ) -> Generator[Result | None, None, None]:
        """Run a task per call; closing the generator cancels those that have not begun.

        Parameters
        ----------
        function : callable
            Of a module, so that a worker can import it.
        calls : iterable of tuple
            Arguments of each task, asked for only when a worker will soon be free.
        ended : callable, optional
            Gives the result of a task that ends its worker again and again, from its arguments and the
            error, so that the others go on. Then no task waits on a worker that another one ends, for
            which it would be blamed too.

        Yields
        ------
        result or None
            Results as they come, in any order; None several times a second where none comes.

        Raises
        ------
        TrainingError
            If a task ends its worker again and again and there is no `ended`, or the scheduler is lost.
        Exception
            That of the task.
        """
        done: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
        waiting: dict[Future[Result], tuple[Any, ...]] = {}
        source = iter(calls)
        try:
            while True:
                most = max(4, 2 * self.workers) if ended is None else max(1, self.workers)
                for call in _first(source, most - len(waiting)):
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
                    result = _result(future)
                except _WorkersEndedError as error:
                    if ended is None:
                        raise
                    result = ended(call, error)
                yield result
        finally:
            if waiting:
                with suppress(Exception):  # the scheduler may be gone: then there is nothing to cancel
                    self._client.cancel(list(waiting), force=True)


@contextmanager
def open_pool(where: str) -> Iterator[Pool | None]:
    """Start workers, or connect to a scheduler; both end with the block.

    Parameters
    ----------
    where : str
        "serial": none (None is given); "local:4": four processes of this machine, one task each at a
        time; "tcp://...", "tls://...": the address of a scheduler that runs, whose workers see this disk.

    Raises
    ------
    InputError
        If the words are none of these, the workers cannot start, or no scheduler answers.
    """
    check_cluster(where)
    if where == SERIAL:
        yield None
        return
    from distributed import Client

    with ExitStack() as stack:
        if where.startswith("local:"):
            address: Any = stack.enter_context(_local(int(where.removeprefix("local:"))))
        else:
            address = where
        try:
            client = stack.enter_context(Client(address, timeout=_CONNECT, set_as_default=False))
        except (OSError, TimeoutError) as error:
            raise InputError(
                f"A Dask scheduler must answer at {where}, but none did within {_CONNECT}. "
                "Start one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`."
            ) from error
        yield Pool(client)


@contextmanager
def _local(n: int) -> Iterator[Any]:
    from distributed import LocalCluster

    try:
        # The nanny starts each worker with one thread for BLAS; torch takes the recipe's threads itself.
        cluster = LocalCluster(
            n_workers=n,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any free port: its default warns where another one has it
            silence_logs=logging.ERROR,
        )
    except (OSError, RuntimeError, TimeoutError) as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(
            f"Worker processes must be able to start, but: {said}. In a script, run under "
            "`if __name__ == '__main__':`; or choose --cluster serial."
        ) from error
    with cluster:
        yield cluster


def check_cluster(where: str) -> None:
    """Refuse what names no place to run tasks.

    Raises
    ------
    InputError
    """
    kind, _, rest = where.partition(":")
    right = where == SERIAL or (kind == "local" and rest.isdecimal() and 1 <= int(rest) <= 1024)
    if not right and not (kind in ("tcp", "tls") and len(rest) > 2):
        raise InputError(
            "A cluster must be auto, serial, local:N (N worker processes) or tcp://ADDRESS:PORT, "
            f"got {where!r}."
        )


def workers_that_fit(threads: int) -> int:
    """How many workers of so many threads the processors of this machine suffice for; at least one."""
    from dask.system import CPU_COUNT

    return max(1, int(CPU_COUNT) // threads)


def suits(decoder: Decoder, config: TrainingConfig, permutations: int, *, batched: bool) -> str:
    """Choose where a run is best done: on workers of this machine where there is much to do.

    Parameters
    ----------
    decoder : Decoder
    config : TrainingConfig
        Each worker computes with its number of threads, so fewer workers fit on the machine.
    permutations : int
    batched : bool
        Whether permutations are one computation anyhow.

    Returns
    -------
    str
        For `open_pool`.
    """
    settings = config.resolved(decoder)
    network = isinstance(decoder, NetworkDecoder)
    workers = workers_that_fit(settings.threads if network else 1)
    if permutations < MANY or batched or workers < 2 or on_card(decoder, config):
        return SERIAL
    return f"local:{workers}"


def on_card(decoder: Decoder, config: TrainingConfig) -> bool:
    """Whether a graphics processor fits this, whose memory several processes would share."""
    if not isinstance(decoder, NetworkDecoder):
        return False
    from napari_fmri_decoder.training.devices import choose_device

    return choose_device(config.device).torch.type != "cpu"


def _first(source: Iterator[tuple[Any, ...]], n: int) -> Iterator[tuple[Any, ...]]:
    for _ in range(n):
        try:
            yield next(source)
        except StopIteration:
            return


class _WorkersEndedError(TrainingError):
    """Raised for a task that ended its worker again and again; the scheduler, and other tasks, go on."""


def _result(future: Future[Result]) -> Result:
    from distributed import KilledWorker

    try:
        result: Result = future.result()
    except KilledWorker as error:
        raise _WorkersEndedError(
            "A task must leave its worker alive, but several workers ended with one. Most often memory is "
            "short: start fewer workers, choose a smaller mask or batch_size, and go on with --resume."
        ) from error
    except CancelledError as error:
        raise TrainingError(
            "The scheduler must stay until the run has ended, but it was lost. What is done is kept: start "
            "it again, and go on with --resume."
        ) from error
    return result
