"""Python processes that a run starts: they import installed packages, not files of the working folder.

A user's file with the name of a module, such as `signal.py`, is neither imported nor run by them.
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
"""Seconds to wait for a killed process to end."""


def start(code: str, *, stderr: IO[bytes] | None = None, priority: int = 0) -> subprocess.Popen[bytes]:
    """Start a Python process with pipes to its standard input and from its standard output.

    Parameters
    ----------
    code : str
        Python code that it runs.
    stderr : file, optional
        For the output of the process and its children; standard error of this process by default.
    priority : int
        Priority class on Windows.
    """
    installed, users = import_folders()
    # after the start, during which Python runs a `sitecustomize.py`
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
    """Close the pipes of a child, which then ends, and wait until all of its children have ended.

    Parameters
    ----------
    child : Popen
    patience_s : float
        Seconds for the child, and then for its children; those that take longer are killed.
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
    if running := _still_running(family, patience_s):
        for process in running:
            with suppress(psutil.Error):
                process.kill()
        _still_running(running, _KILLED_S)


def _family(child: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(child.pid).children(recursive=True))
    except psutil.Error:  # it has ended
        return []


def _still_running(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Processes that still run after a number of seconds."""
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
    """Describe an exit status, for a message."""
    return f"by signal {-code}; 9 usually means out of memory" if code < 0 else f"with status {code}"


def import_folders() -> tuple[list[str], list[str]]:
    """Folders that a child imports from: those of this process without the working folder.

    Python puts the working folder (`python -m`, a notebook) or the folder of the script first on `sys.path`.
    If modules of this process come from there, such as a decoder next to a notebook, the child uses that
    folder too, but last, so that its files do not hide installed modules.

    Returns
    -------
    installed, users : list of str
        Absolute paths; the second list follows the first.
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
    with suppress(OSError):  # the working folder was deleted
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
