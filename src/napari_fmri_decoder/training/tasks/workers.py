"""Where tasks run: on worker processes of this machine, or of a Dask scheduler that is already running."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from napari_fmri_decoder.decoders.base import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.tasks.pool import Pool

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client, Security

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.training.config import ResolvedTraining

SERIAL = "serial"
"""No workers: all tasks run in this process."""
MANY = 50
"""Number of permutations from which starting workers on this machine pays."""
LOG = "workers.log"
"""Name of the file in a run folder with the output of the workers; deleted if it stays empty."""
MOST = 1024
"""Largest number of worker processes."""
_CONNECT = "30s"


@contextmanager
def open_pool(where: str, log: Path | None = None) -> Iterator[Pool | None]:
    """Start workers, or connect to a scheduler, until the end of the block.

    Parameters
    ----------
    where : str
        "serial": no workers (None is given); "local:4": four processes of this machine, each with one task
        at a time, to which nobody else can connect; "tls://...", "tcp://...": the address of a running
        scheduler whose workers can access this disk. Certificates for "tls://" come from Dask's
        configuration.
    log : Path, optional
        File for the output of workers of this machine; standard error by default.

    Raises
    ------
    InputError
        If `where` is none of these, the workers cannot start, or no scheduler answers.
    """
    check_cluster(where)
    if where == SERIAL:
        yield None
        return
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if where.startswith("local:"):
            from napari_fmri_decoder.training.tasks.local_workers import start_workers
            from napari_fmri_decoder.training.tasks.worker_host import PATIENT

            workers = stack.enter_context(start_workers(int(where.removeprefix("local:")), log))
            client = _connect(workers.address, workers.security, workers.advice, timeout=PATIENT)
            pool = Pool(client, workers.check, workers.advice)
        else:
            security = _certificates(where)
            client = _connect(where, security, "Start one as docs/scale.md describes.", timeout=_CONNECT)
            pool = Pool(client, lambda _: None, "The logs of its workers may have details.")
        stack.enter_context(closing(client))
        yield pool


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's client from printing tracebacks in addition to our error message."""
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
            f"No Dask scheduler answered at {address} within {timeout}. A scheduler with certificates "
            f"answers only at tls://, and only to a certificate that it knows. {advice}"
        ) from error


def _certificates(address: str) -> Security | None:
    """Certificates of Dask's configuration; None if none are needed, or the user has a loader."""
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
            f"A tls:// address needs readable certificates, but: {name}{problem}. "
            f"{settings} (see docs/scale.md)."
        ) from error
    if context is None:
        raise InputError(
            f"A tls:// address needs certificates, but Dask's configuration names none. "
            f"{settings} (see docs/scale.md)."
        )
    return security


def check_cluster(where: str) -> None:
    """Refuse a text that does not name a place to run tasks.

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
    """Warning if others could connect to the scheduler; None if they cannot."""
    if not where.startswith("tcp:"):
        return None
    return (
        f"{where} has no password and no encryption: anyone who can reach its port can run programs as you. "
        "Use it only in a private network; otherwise use tls:// (see docs/scale.md)."
    )


def _is_address(where: str) -> bool:
    found = re.fullmatch(r"(?:tcp|tls)://(?:\[[0-9a-fA-F:.%\w]+\]|[^\s/:@\[\]]+):([0-9]{1,5})", where)
    return found is not None and 1 <= int(found[1]) <= 65535


def workers_that_fit(threads: int) -> int:
    """Number of workers with that number of threads that fit on the cores of this machine; at least one."""
    from dask.system import CPU_COUNT

    return max(1, int(CPU_COUNT) // threads)


def suits(decoder: Decoder, config: ResolvedTraining, permutations: int, *, batched: bool) -> str:
    """Choose where to run: on workers of this machine if there are many tasks.

    Parameters
    ----------
    decoder : Decoder
    config : ResolvedTraining
        Each worker uses its number of threads, so that fewer workers fit on the machine.
    permutations : int
    batched : bool
        Whether permutations are computed in batches, which workers would not speed up.

    Returns
    -------
    str
        For `open_pool`.
    """
    network = isinstance(decoder, NetworkDecoder)
    workers = workers_that_fit(config.threads if network else 1)
    if permutations < MANY or batched or workers < 2 or on_card(decoder, config.device):
        return SERIAL
    return f"local:{workers}"


def on_card(decoder: Decoder, device: str) -> bool:
    """Whether this is trained on a GPU, whose memory several processes would share."""
    if not isinstance(decoder, NetworkDecoder):
        return False
    from napari_fmri_decoder.training.torch.devices import choose_device

    return choose_device(device).torch.type != "cpu"
