"""Where tasks run: on worker processes of this machine, or of a Dask scheduler that runs already.

A task is a function and small arguments; what it reads and writes lies on disk (`training.store`).
"""

from __future__ import annotations

import logging
import queue
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError, TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client, Future, Security

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.training.config import TrainingConfig

Result = TypeVar("Result")

SERIAL = "serial"
"""No workers: everything in this process."""
MANY = 50
"""Permutations from which workers of this machine are worth their start."""
LOG = "workers.log"
"""Name of the file in a run folder that takes what the workers print; deleted if they print nothing."""
MOST = 1024
"""Worker processes that can be asked for."""
_CONNECT = "30s"
_WAIT_S = 0.2
"""Seconds without news after which a place to stop is given."""


class Pool:
    """Workers that run tasks; made by `open_pool`.

    Parameters
    ----------
    client : Client
    check : callable
        Raises if the workers' processes are gone, or go within so many seconds.
    advice : str
        A sentence that says where their log is; ends each error about them.
    """

    def __init__(self, client: Client, check: Callable[[float], None], advice: str) -> None:
        self._client, self._check, self._advice = client, check, advice
        self._run = uuid4().hex[:8]

    @property
    def workers(self) -> int:
        """How many workers there are now.

        Raises
        ------
        TrainingError
            If the scheduler is lost.
        """
        wait_s = _WAIT_S
        while True:  # a client that lost its scheduler tries to connect again, and answers nothing meanwhile
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
                self._check(0)
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
                    result = self._result(future)
                except _WorkersEndedError as error:
                    if ended is None:
                        raise
                    result = ended(call, error)
                yield result
        finally:
            if waiting:
                with suppress(Exception):  # the scheduler may be gone: then there is nothing to cancel
                    self._check(0)
                    self._client.cancel(list(waiting), force=True)

    def _result(self, future: Future[Result]) -> Result:
        from distributed import KilledWorker

        try:
            result = self._gathered(future)
        except KilledWorker as error:
            raise _WorkersEndedError(
                "A task must leave its worker alive, but several workers ended with one. Most often memory "
                "is short: start fewer workers, choose a smaller mask or batch_size, and use --resume. "
                f"{self._advice}"
            ) from error
        except CancelledError as error:
            raise self._lost() from error
        return result

    def _gathered(self, future: Future[Result]) -> Result:
        """Fetch the result of a task that is done, as long as the workers are there."""
        wait_s = _WAIT_S
        while True:
            try:
                return future.result(timeout=wait_s)
            except TimeoutError:
                if future.status == "error":  # the task's own
                    raise
                self._check(0)
                wait_s *= 2

    def _lost(self) -> TrainingError:
        self._check(_WAIT_S)  # a process that was killed closes its connections before it is gone
        return TrainingError(
            "The scheduler must stay until the run has ended, but it was lost. Completed work is kept: "
            f"start it again, and use --resume. {self._advice}"
        )


@contextmanager
def open_pool(where: str, log: Path | None = None) -> Iterator[Pool | None]:
    """Start workers, or connect to a scheduler; both end with the block.

    Parameters
    ----------
    where : str
        "serial": none (None is given); "local:4": four processes of this machine, one task each at a
        time, which nobody else can connect to; "tls://...", "tcp://...": the address of a scheduler that
        runs, whose workers see this disk. Certificates for "tls://" are those of Dask's configuration.
    log : Path, optional
        File that takes what workers of this machine print; standard error by default.

    Raises
    ------
    InputError
        If the words are none of these, the workers cannot start, or no scheduler answers.
    """
    check_cluster(where)
    if where == SERIAL:
        yield None
        return
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if where.startswith("local:"):
            from napari_fmri_decoder.training.local_workers import start_workers
            from napari_fmri_decoder.training.worker_host import PATIENT

            workers = stack.enter_context(start_workers(int(where.removeprefix("local:")), log))
            client = _connect(workers.address, workers.security, workers.advice, timeout=PATIENT)
            pool = Pool(client, workers.check, workers.advice)
        else:
            security = _certificates(where)
            client = _connect(where, security, "Start one as docs/scale.md describes.", timeout=_CONNECT)
            pool = Pool(client, lambda _: None, "The logs of its workers may say more.")
        stack.enter_context(closing(client))
        yield pool


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's client from printing its tracebacks above the one sentence of an error."""
    from distributed.utils import silence_logging_cmgr

    with ExitStack() as stack:
        for name in ("distributed", "distributed.client"):
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL + 1, name))
        yield


def _connect(address: str, security: Security | None, advice: str, *, timeout: str) -> Client:
    from distributed import Client

    try:
        return Client(address, security=security, timeout=timeout, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise InputError(
            f"A Dask scheduler must answer at {address}, but none did within {timeout}. A scheduler with "
            f"certificates answers at tls:// alone, and only to a certificate that it knows. {advice}"
        ) from error


def _certificates(address: str) -> Security | None:
    """Certificates of Dask's configuration; None where none are needed, or the user has a loader."""
    import dask.config
    from distributed import Security

    if address.startswith("tcp:"):
        if dask.config.get("distributed.comm.require-encryption", None):
            raise InputError(
                "Dask's configuration requires encryption (distributed.comm.require-encryption), got "
                f"{address}. Use a tls:// address."
            )
        return None
    if dask.config.get("distributed.client.security-loader", None):
        return None
    settings = "Set distributed.comm.tls.ca-file, client.cert and client.key in Dask's configuration"
    try:
        security = Security(require_encryption=True)
        context = security.get_connection_args("client")["ssl_context"]
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        name = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        raise InputError(
            f"A tls:// address needs certificates that can be read, but: {name}{problem}. "
            f"{settings} (see docs/scale.md)."
        ) from error
    if context is None:
        raise InputError(
            f"A tls:// address needs certificates, but Dask's configuration names none. "
            f"{settings} (see docs/scale.md)."
        )
    return security


def check_cluster(where: str) -> None:
    """Refuse what names no place to run tasks.

    Raises
    ------
    InputError
    """
    kind, _, rest = where.partition(":")
    local = kind == "local" and re.fullmatch("[0-9]{1,4}", rest) is not None and 1 <= int(rest) <= MOST
    if where != SERIAL and not local and not _is_address(where):
        raise InputError(
            f"A cluster must be auto, serial, local:N (N worker processes, 1 to {MOST}), tls://HOST:PORT or "
            f"tcp://HOST:PORT (a Dask scheduler), got {where!r}."
        )


def unprotected(where: str) -> str | None:
    """Say so where others could connect to the scheduler; None where they cannot."""
    if not where.startswith("tcp:"):
        return None
    return (
        f"{where} has no password and no encryption: anyone who can reach its port can run programs as you. "
        "Use it only in a network that is yours alone; else use tls:// (see docs/scale.md)."
    )


def _is_address(where: str) -> bool:
    found = re.fullmatch(r"(?:tcp|tls)://(?:\[[0-9a-fA-F:.%\w]+\]|[^\s/:@\[\]]+):([0-9]{1,5})", where)
    return found is not None and 1 <= int(found[1]) <= 65535


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
