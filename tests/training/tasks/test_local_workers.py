"""Workers of this machine: who can connect to them, where they print, and what they leave behind."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dask.config
import psutil
import pytest
from distributed import Client, Security
from hostile_folder import enter_hostile_folder

from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.training.tasks import local_workers
from napari_fmri_decoder.training.tasks.local_workers import LocalWorkers, start_workers
from napari_fmri_decoder.training.tasks.workers import LOG, open_pool

if TYPE_CHECKING:
    import subprocess

GREETING = b"compression"
"""Part of what each server of Dask says first to whoever may connect."""
BACKSTOP_S = 120
HOST = "napari_fmri_decoder.training.tasks.worker_host"
SCRATCH = "__import__('dask.config').config.get('temporary-directory')"


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkers]:
    with start_workers(1, tmp_path_factory.mktemp("run") / LOG) as started:
        yield started


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes in which workers live, as they are started."""
    found: list[subprocess.Popen[bytes]] = []
    start = local_workers.children.start
    monkeypatch.setattr(
        local_workers.children, "start", lambda *a, **more: found.append(start(*a, **more)) or found[-1]
    )
    return found


def family(workers: LocalWorkers) -> list[psutil.Process]:
    host = psutil.Process(workers.host.pid)
    return [host, *host.children(recursive=True)]


def open_to_others(workers: LocalWorkers) -> list[tuple[str, int]]:
    """Sockets at which this process and the workers' wait for somebody, of any protocol."""
    found = []
    for process in (psutil.Process(), *family(workers)):
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM:
                found.append((connection.laddr.ip, connection.laddr.port))
    return found


def heard(address: tuple[str, int], security: Security | None, *, tls: bool = True) -> bytes:
    """What a server says to a client with these credentials, until it has greeted or hung up."""
    said = b""
    with contextlib.suppress(ssl.SSLError, ConnectionError), contextlib.ExitStack() as stack:
        link = stack.enter_context(socket.create_connection(address, BACKSTOP_S))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if security is not None:
                context = security.get_connection_args("client")["ssl_context"]
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            link = stack.enter_context(context.wrap_socket(link))
        else:
            link.sendall(b"\0" * 64)
        while GREETING not in said and (more := link.recv(4096)):
            said += more
    return said


def test_every_port_is_closed_to_all_but_the_run(workers: LocalWorkers) -> None:
    addresses = open_to_others(workers)
    assert len(addresses) == 3, "of the scheduler, the nanny and the worker; there is no web server"
    for address in addresses:
        assert address[0] == "127.0.0.1"
        assert GREETING in heard(address, workers.security)
        assert GREETING not in heard(address, None), "a client without a certificate"
        assert GREETING not in heard(address, Security.temporary()), "one that made its own"
        assert GREETING not in heard(address, None, tls=False), "one that does not encrypt"


def test_the_key_is_in_no_file_or_command_and_the_scratch_folder_is_closed(workers: LocalWorkers) -> None:
    key = str(workers.security.tls_client_key)
    assert "PRIVATE KEY" in key
    with Client(workers.address, security=workers.security, set_as_default=False) as client:
        scratch = Path(client.submit(eval, SCRATCH).result())
    assert os.name != "posix" or stat.S_IMODE(scratch.stat().st_mode) == 0o700
    files = [path for path in scratch.rglob("*") if path.is_file()]
    assert files, "Dask's locks at least"
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in files)
    for process in family(workers):
        assert not any("PRIVATE KEY" in word for word in (*process.cmdline(), *process.environ().values()))


def test_they_run_no_file_of_the_working_folder_and_print_to_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    evidence, log = enter_hostile_folder(tmp_path, monkeypatch), tmp_path / "run" / LOG
    with open_pool("local:1", log) as pool:
        assert pool is not None
        asked = [(SCRATCH,), ("__import__('select').__name__",), ("print('printed', flush=True) or ''",)]
        told = [result for result in pool.imap(eval, asked) if result is not None]
        with pytest.raises(ZeroDivisionError):
            list(pool.imap(eval, [("1 / 0",)]))
    (scratch,) = (text for text in told if "fmri-decoder-workers-" in text)
    assert "select" in told
    assert not evidence.exists()
    assert not Path(scratch).exists(), "nothing is left behind"
    assert "printed" in log.read_text()
    assert "ZeroDivisionError" in log.read_text()
    assert capfd.readouterr() == ("", "")


def test_a_log_to_which_nothing_was_printed_is_deleted(tmp_path: Path) -> None:
    with local_workers.worker_log(tmp_path / "new" / LOG) as printed:
        assert (tmp_path / "new" / LOG).exists()
    assert not (tmp_path / "new" / LOG).exists()
    for text in (b"first\n", b"after a stop\n"):
        with local_workers.worker_log(tmp_path / LOG) as printed:
            printed.write(text)
    assert (tmp_path / LOG).read_bytes() == b"first\nafter a stop\n"


def test_workers_whose_process_is_killed_are_one_error_that_names_the_log(
    tmp_path: Path, hosts: list[subprocess.Popen[bytes]], capfd: pytest.CaptureFixture[str]
) -> None:
    def killed() -> None:
        with open_pool("local:1", tmp_path / LOG) as pool:
            assert pool is not None
            results = pool.imap(eval, [("__import__('time').sleep(3600)",)])
            assert next(results) is None, "the task is under way"
            os.kill(hosts[0].pid, signal.SIGKILL)
            list(results)

    with pytest.raises(TrainingError, match=r"before the run.*--resume.*workers\.log"):
        killed()
    assert capfd.readouterr() == ("", "")


def test_who_asks_for_workers_that_are_gone_does_not_wait_for_them_to_come_back(
    tmp_path: Path, hosts: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(client: Client, **options: object) -> None:
        assert options["callback_timeout"]
        raise TimeoutError

    with open_pool("local:1", tmp_path / LOG) as pool:
        assert pool is not None
        assert pool.workers == 1
        monkeypatch.setattr(Client, "nthreads", nobody)  # as while it tries to connect again
        hosts[0].kill()
        with pytest.raises(TrainingError, match="worker processes ended before the run"):
            _ = pool.workers


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "ended with status 3"),
        (f"import {HOST} as w; w.HOST = 'nowhere.invalid'; w.serve()", ""),
    ],
)
def test_workers_that_cannot_start_are_one_sentence_and_the_log_has_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: str, said: str
) -> None:
    monkeypatch.setattr(
        local_workers, "CODE", f"import sys; print('why', file=sys.stderr, flush=True); {code}"
    )
    with (
        pytest.raises(InputError, match=rf"could not start: .*{said}.*workers\.log.*serial"),
        open_pool("local:1", tmp_path / LOG),
    ):
        pass
    log = (tmp_path / LOG).read_text()
    assert log.startswith("why")
    assert said or "Traceback" in log
    assert capfd.readouterr() == ("", "")


def test_the_error_gives_the_reason_why_a_worker_cannot_start(tmp_path: Path) -> None:
    with (
        dask.config.set({"distributed.worker.preload": ["no_such_module"]}),
        pytest.raises(InputError, match=r"could not start: .*no_such_module.*workers\.log"),
        open_pool("local:1", tmp_path / LOG),
    ):
        pass


def test_a_log_that_cannot_be_written_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="log of the workers cannot be written"),
        open_pool("local:1", tmp_path / "file" / LOG),
    ):
        pass


def test_without_a_loopback_interface_workers_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(local_workers.socket, "create_connection", unreachable)
    with (
        pytest.raises(InputError, match=r"loopback interface .* unreachable.*--cluster serial"),
        open_pool("local:1", tmp_path / LOG),
    ):
        pass
