"""The parent process of the workers of one run: Dask's scheduler, and a nanny for each worker.

`open_pool` starts it as a new interpreter. It reads an `Order` from its standard input, answers with the
scheduler's address, and ends when that input is closed. Its output and that of the workers goes to its
standard error, which is the log of the run.

Only processes with the certificate from the pipe can connect: every socket is TLS on the loopback interface,
and requires it. There is no web server.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import sys
import traceback
from dataclasses import dataclass
from typing import Any

import dask.config
from distributed import Nanny, Scheduler, Security, SpecCluster, Worker
from distributed.system import MEMORY_LIMIT

CODE = "from napari_fmri_decoder.training.tasks.worker_host import serve; serve()"
PATIENT = "10 minutes"
"""Time to connect: a process of this machine answers eventually, however busy the machine is."""
HOST = "127.0.0.1"
"""Address of the loopback interface."""


@dataclass(frozen=True, slots=True)
class Order:
    """The workers to start.

    Attributes
    ----------
    workers : int
    security : Security
        Temporary credentials, which exist only in memory.
    scratch : str
        A folder that no other user can enter, to which Dask spills data and from which it imports.
    config : dict
        Dask's configuration in the parent.
    """

    workers: int
    security: Security
    scratch: str
    config: dict[str, Any]


class ClosedScheduler(Scheduler):
    """A scheduler without the web server, which does not check certificates of clients."""

    def start_http_server(self, *args: Any, **options: Any) -> None:
        """Start no server."""


class ClosedWorker(Worker):
    """A worker without the web server."""

    def start_http_server(self, *args: Any, **options: Any) -> None:
        """Start no server."""


def serve() -> None:
    """Start the workers of the order on standard input, until that input is closed."""
    sink = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of libraries goes to the log
    source = sys.stdin.buffer
    order: Order = pickle.load(source)
    dask.config.update(dask.config.config, order.config)
    dask.config.set(
        {
            "temporary-directory": order.scratch,  # Dask's default is a folder in /tmp that all users share
            "distributed.worker.multiprocessing-method": "spawn",  # a fork server listens on a socket
            "distributed.comm.timeouts.connect": PATIENT,
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
        }
    )
    try:
        cluster = _cluster(order)
    except Exception as error:  # noqa: BLE001  # reported in the parent
        traceback.print_exc()
        reason: BaseException = error
        while reason.__cause__ is not None:  # Dask's error only says "Nanny failed to start"
            reason = reason.__cause__
        print(json.dumps({"error": f"{type(reason).__name__}: {reason}"}), file=sink, flush=True)
        os._exit(1)
    with cluster:
        print(json.dumps({"address": cluster.scheduler_address}), file=sink, flush=True)
        source.read()


def _cluster(order: Order) -> SpecCluster:
    # The nanny starts each worker with one thread for BLAS; torch uses the recipe's number of threads.
    shared: dict[str, Any] = {
        "host": HOST,
        "protocol": "tls://",
        "security": order.security,
        "dashboard": False,
        "dashboard_address": None,
    }
    worker = {
        "cls": Nanny,
        "options": shared
        | {
            "nthreads": 1,
            "memory_limit": MEMORY_LIMIT // order.workers,
            "worker_class": ClosedWorker,
            "silence_logs": logging.WARNING,
        },
    }
    return SpecCluster(
        scheduler={"cls": ClosedScheduler, "options": shared | {"port": 0}},
        workers=dict.fromkeys(range(order.workers), worker),
        worker=worker,
        security=order.security,
        silence_logs=logging.WARNING,
    )
