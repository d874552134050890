"""Worker processes of this machine for one run: nobody else can connect; their output is in its log."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from napari_fmri_decoder.atomic_files import make_folder
from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.training.tasks import children
from napari_fmri_decoder.training.tasks.worker_host import CODE, HOST, Order

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Security

_PATIENCE_S = 30.0
"""Seconds for the workers to end before they are killed."""


@dataclass(frozen=True, slots=True)
class LocalWorkers:
    """Running workers.

    Attributes
    ----------
    address : str
        Of their scheduler.
    security : Security
        Credentials of a client.
    host : Popen
        The process of their scheduler, their parent.
    advice : str
        A sentence on where their log is.
    """

    address: str
    security: Security
    host: subprocess.Popen[bytes]
    advice: str

    def check(self, patience_s: float) -> None:
        """Raise if their parent process has ended, or ends within a number of seconds."""
        try:
            code = self.host.wait(patience_s)
        except subprocess.TimeoutExpired:
            return
        raise TrainingError(
            f"The worker processes ended before the run, {children.how_it_ended(code)}. Completed work is "
            f"kept: use --resume, with fewer workers if memory ran out. {self.advice}"
        )


@contextmanager
def start_workers(n: int, log: Path | None) -> Iterator[LocalWorkers]:
    """Start workers, until the end of the block.

    Parameters
    ----------
    n : int
    log : Path, optional
        See `open_pool`.

    Raises
    ------
    InputError
        If they cannot start.
    """
    import dask.config
    from distributed import Security

    _check_loopback()
    security = Security.temporary()
    with ExitStack() as stack:
        scratch = stack.enter_context(_scratch(dask.config.get("temporary-directory", None)))
        printed = None if log is None else stack.enter_context(worker_log(log))
        advice = "See the lines above for details." if log is None else f"Their log is {log}."
        host = children.start(CODE, stderr=printed)
        stack.callback(children.end, host, _PATIENCE_S)
        with suppress(BrokenPipeError):  # the process died at once: there is no answer
            pickle.dump(Order(n, security, scratch, dask.config.config), host.stdin)  # type: ignore[arg-type]
            host.stdin.flush()  # type: ignore[union-attr]
        answer = _answer(host)
        if problem := answer.get("error"):
            reason = " ".join(problem.split())[:200].rstrip(".")
            raise InputError(
                f"The worker processes could not start: {reason}. {advice} Start fewer workers, or use "
                "--cluster serial."
            )
        yield LocalWorkers(answer["address"], security, host, advice)


def _check_loopback() -> None:
    """Raise if processes of this machine cannot connect to each other; Dask would try for minutes."""
    try:
        with socket.create_server((HOST, 0)) as server:
            socket.create_connection(server.getsockname(), timeout=10).close()
    except OSError as error:
        raise InputError(
            f"Worker processes connect through the loopback interface ({HOST}), but it does not work: "
            f"{error.strerror or error}. Turn it on, or use --cluster serial."
        ) from error


def _answer(host: subprocess.Popen[bytes]) -> dict[str, Any]:
    line = host.stdout.readline()  # type: ignore[union-attr]
    if not line:
        return {"error": f"their process ended {children.how_it_ended(host.wait())}"}
    answer: dict[str, Any] = json.loads(line)
    return answer


@contextmanager
def _scratch(above: str | None) -> Iterator[str]:
    """Create a temporary folder that only this user can enter."""
    try:
        if above is not None:
            os.makedirs(above, exist_ok=True)
        folder = tempfile.TemporaryDirectory("", "fmri-decoder-workers-", above, ignore_cleanup_errors=True)
    except OSError as error:
        raise InputError(
            f"Workers need a folder for temporary files, but none can be created in "
            f"{above or tempfile.gettempdir()}: {error.strerror}. Free disk space, or set TMPDIR."
        ) from error
    with folder as name:
        yield name


@contextmanager
def worker_log(path: Path) -> Iterator[IO[bytes]]:
    """Open the log of the workers to append to it; delete it at the end if nothing was printed."""
    try:
        make_folder(path.parent)
        file = path.open("ab")  # after the output of the workers before a stop
    except OSError as error:
        raise InputError(
            f"The log of the workers cannot be written to {path}: {error.strerror}. Free disk space, or "
            "choose another folder."
        ) from error
    with file:
        yield file
    with suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()
