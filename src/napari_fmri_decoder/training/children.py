"""Python processes that a run starts: they import what is installed, not what the working folder holds.

A user's file that has the name of a module, `signal.py` say, is neither imported nor run by them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from types import ModuleType
from typing import IO

import psutil

_KILLED_S = 10.0
"""Seconds to wait for a process that was killed to be gone."""


def start(code: str, *, stderr: IO[bytes] | None = None, priority: int = 0) -> subprocess.Popen[bytes]:
    """Start a Python process with a pipe to its standard input, and one from its standard output.

    Parameters
    ----------
    code : str
        What it runs.
    stderr : file, optional
        Takes what it and its own children print; this process' standard error by default.
    priority : int
        Class of priority on Windows.
    """
    installed, users = import_folders()
    # after the start, in which Python runs a `sitecustomize.py`
    code = f"import sys; sys.path += {users!r}; {code}"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code],  # -P: no module of the working folder; its children inherit it
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(installed)},
        start_new_session=True,  # Ctrl-C in the terminal is for the parent, which stops the child
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) | priority,
    )


def end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    """Close the pipes of a child, which then ends by itself, and wait until all that it started is gone.

    Parameters
    ----------
    child : Popen
    patience_s : float
        Seconds that it, and then its own children, have; those that take longer are killed.
    """
    family = _family(child)
    for pipe in (child.stdin, child.stdout):
        with suppress(OSError):
            pipe.close()  # type: ignore[union-attr]
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        family = [*family, *_family(child)]
        child.kill()
        child.wait()
        patience_s = 0.0
    if left := _left(family, patience_s):
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        _left(left, _KILLED_S)


def _family(child: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(child.pid).children(recursive=True))
    except psutil.Error:  # it has ended
        return []


def _left(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Give those of some processes that still run after so many seconds."""
    until = time.monotonic() + seconds
    while (processes := [one for one in processes if _runs(one)]) and time.monotonic() < until:
        time.sleep(0.02)
    return processes


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def how_it_ended(code: int) -> str:
    """Exit status in words."""
    return f"by signal {-code}; 9 is most often a full memory" if code < 0 else f"with status {code}"


def import_folders() -> tuple[list[str], list[str]]:
    """Give the folders that a child imports from: those of this process but the working folder's.

    Python puts first on `sys.path` the working folder (`python -m`, a notebook) or the folder of the script.
    Where modules of this process come from there, such as a decoder beside a notebook, the folder is the
    child's too, but last, so that its files hide no installed module.

    Returns
    -------
    installed, users : list of str
        Absolute paths; the second is to follow the first.
    """
    first = {os.path.realpath(folder) for folder in _unsafe()}
    used = {os.path.realpath(folder) for folder in _folders_of_modules()}
    installed, users = [], []
    for entry in dict.fromkeys(os.path.abspath(entry) for entry in sys.path):  # "" is the working folder
        if os.path.realpath(entry) not in first:
            installed.append(entry)
        elif os.path.realpath(entry) in used:
            users.append(entry)
    return installed, users


def _unsafe() -> list[str]:
    folders = []
    with suppress(OSError):  # a working folder that was deleted
        folders.append(os.getcwd())
    script = vars(sys.modules["__main__"]).get("__file__")
    if isinstance(script, str):
        folders.append(os.path.dirname(os.path.abspath(script)))
    return folders


def _folders_of_modules() -> set[str]:
    """Folders that this process imported top-level modules from; `__main__` is the script itself."""
    folders = set()
    for name, module in list(sys.modules.items()):
        if "." in name or name.startswith("__") or not isinstance(module, ModuleType):
            continue
        path = vars(module).get("__file__")
        if isinstance(path, str):
            folder, file = os.path.split(os.path.abspath(path))
            folders.add(os.path.dirname(folder) if file.startswith("__init__.") else folder)
    return folders
