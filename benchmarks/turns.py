"""Epochs on demand: a training that goes on by so many epochs at a time, each time it is told to.

The sides of `training.py` run in processes of their own, Keras in an environment of its own, and train in
turns. Nothing but the standard library is needed here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


class Turns:
    """In the process that trains: say `epoch_done` after each epoch; it waits where a turn ends."""

    def __init__(self) -> None:
        self._left, self._epochs = 1, 1  # one to warm up, unasked
        self._start = time.perf_counter()

    def epoch_done(self) -> None:
        """Count an epoch; after the last of a turn tell what it took, and wait for the next."""
        self._left -= 1
        if self._left:
            return
        seconds = (time.perf_counter() - self._start) / self._epochs
        print(json.dumps({"epoch_s": seconds, "mib": _mib("VmHWM")}), flush=True)
        order = sys.stdin.readline().strip()
        if not order:
            os._exit(0)  # nothing of this process is wanted any more
        self._left = self._epochs = int(order)
        self._start = time.perf_counter()


class Side:
    """In the process that asks: one training, a child."""

    def __init__(self, python: str, script: Path, *arguments: str) -> None:
        env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}  # each takes what it takes
        self._child = subprocess.Popen(
            [python, str(script), *arguments],
            env={**env, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.first = self._read()

    def turn(self, epochs: int) -> dict[str, float]:
        """Train so many epochs; give seconds per epoch, and the most memory so far in MiB."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{epochs}\n")
        self._child.stdin.flush()
        return self._read()

    def end(self) -> None:
        """Let it go."""
        self._child.communicate()

    def _read(self) -> dict[str, float]:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise SystemExit(f"A side ended too early:\n{self._child.communicate()[1]}")


def _mib(which: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(which)) / 1024
