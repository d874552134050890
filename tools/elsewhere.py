"""Run a command under the conditions of another machine: older CPU, high load, one core, another locale.

The tests must pass on every machine. This script runs them, or any command, with one condition changed:

- `old`: the instruction set of a CPU of 2008 (SSE4.2) in torch, oneDNN, MKL and OpenBLAS
- `avx2`: the instruction set of a CPU of 2013
- `busy`: next to eight processes that compute all the time
- `one-core`: on a single core
- `abroad`: in another language and time zone, with another seed for Python's hashes

Sums are then added in another order, so that last digits differ, and events occur in another order.

Usage: python tools/elsewhere.py PLACE COMMAND ...

The exit status is that of the command. The script needs only the standard library.
"""

from __future__ import annotations

import locale
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSORS: dict[str, dict[str, str]] = {
    "old": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}
"""Environment variables that limit the instruction set, by place. They only affect x86 CPUs."""

BUSY = 8
"""Processes that compete with the command in `busy`."""

LOCALES = ("tr_TR.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "C")
"""Tried in this order: a dotless i, a decimal comma, and the one that every machine has."""

PLACES = (*PROCESSORS, "busy", "one-core", "abroad")


def environment(place: str) -> dict[str, str]:
    """Environment variables that a place adds."""
    if place == "abroad":
        return {"LC_ALL": _known(), "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}
    return PROCESSORS.get(place, {})


def run(place: str, command: list[str]) -> int:
    """Run a command in a place, and return its exit status."""
    with ExitStack() as ended:
        if place == "busy":
            for _ in range(BUSY):
                ended.enter_context(_busy())
        if place == "one-core":
            if not hasattr(os, "sched_setaffinity"):
                print("one-core: this system does not pin processes to a core", file=sys.stderr)
                return 2
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        return subprocess.run(command, env=os.environ | environment(place), check=False).returncode


@contextmanager
def _busy() -> Iterator[None]:
    """Keep one process computing. It ends when its input closes, so that it does not outlive its parent."""
    code = "import os, sys, threading\n"
    code += "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()\n"
    code += "while True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()


def _known() -> str:
    """The first of `LOCALES` that is installed."""
    before = locale.setlocale(locale.LC_ALL)
    try:
        for name in LOCALES[:-1]:
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            return name
        return LOCALES[-1]
    finally:
        locale.setlocale(locale.LC_ALL, before)


def main() -> int:
    """Run as a command."""
    if len(sys.argv) < 3 or sys.argv[1] not in PLACES:
        print(f"usage: python tools/elsewhere.py {{{','.join(PLACES)}}} COMMAND ...", file=sys.stderr)
        return 2
    return run(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
