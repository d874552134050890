"""The process in which the workers of one run live: Dask's scheduler, and a nanny for each worker.

`cluster.open_pool` starts it as a fresh interpreter. It reads from its standard input what to start, answers
with the scheduler's address, and ends when that input does. What it and the workers print goes to its
standard error, which is the run's log.

Only holders of the certificate that came through the pipe can connect: every socket is TLS on the loopback
interface, and asks for it. There is no web server.
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

CODE = "from napari_fmri_decoder.training.worker_host import serve; serve()"
PATIENT = "10 minutes"
"""Time to connect: what is on this machine answers in the end, however busy the machine is."""
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started.

    Attributes
    ----------
    workers : int
    security : Security
        Temporary credentials, which are in memory alone.
    scratch : str
        A folder that no other user can enter: Dask spills to it, and imports from it.
    config : dict
        Dask's configuration in the parent.
    """

    workers: int
    security: Security
    scratch: str
    config: dict[str, Any]


class ClosedScheduler(Scheduler):
    """A scheduler without the web server, which knows no certificates of clients."""

    def start_http_server(self, *args: Any, **options: Any) -> None:
        """Start none."""


class ClosedWorker(Worker):
    """A worker without the web server."""

    def start_http_server(self, *args: Any, **options: Any) -> None:
        """Start none."""


def serve() -> None:
    """Start what standard input asks for, and keep it until that input ends."""
    sink = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is for the log
    source = sys.stdin.buffer
    order: Order = pickle.load(source)
    dask.config.update(dask.config.config, order.config)
    dask.config.set(
        {
            "temporary-directory": order.scratch,  # Dask's own is a folder in /tmp that all users share
            "distributed.worker.multiprocessing-method": "spawn",  # a fork server listens on a socket
            "distributed.comm.timeouts.connect": PATIENT,
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
        }
    )
    try:
        cluster = _cluster(order)
    except Exception as error:  # noqa: BLE001  # every one is told, in the parent
        traceback.print_exc()
        reason: BaseException = error
        while reason.__cause__ is not None:  # Dask's own says no more than "Nanny failed to start"
            reason = reason.__cause__
        print(json.dumps({"error": f"{type(reason).__name__}: {reason}"}), file=sink, flush=True)
        os._exit(1)
    with cluster:
        print(json.dumps({"address": cluster.scheduler_address}), file=sink, flush=True)
        source.read()


def _cluster(order: Order) -> SpecCluster:
    # The nanny starts each worker with one thread for BLAS; torch takes the recipe's threads itself.
    shared: dict[str, Any] = {
        "host": _HOST,
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
