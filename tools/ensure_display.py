"""Ensure that windows can be opened: an X server, and the libraries that Qt and OpenGL load.

The tests of the window run under Xvfb. If it is missing on a Debian-like machine, this script installs it
if it has permission, and otherwise prints the command to run. It needs only the standard library.

Usage: python tools/ensure_display.py [--screen]

With `--screen` the window must be visible to a person, so that Xvfb is not sufficient.
"""

from __future__ import annotations

import argparse
import ctypes
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGES = {
    "xvfb": None,
    "libgl1": "libGL.so.1",
    "libegl1": "libEGL.so.1",
    "libgl1-mesa-dri": None,
    "libopengl0": "libOpenGL.so.0",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xinerama0": "libxcb-xinerama.so.0",
    "libdbus-1-3": "libdbus-1.so.3",
}
"""Debian packages, each with the library that it provides; None for a program or a driver."""

DRIVERS = ("/usr/lib/dri/*_dri.so", "/usr/lib/*/dri/*_dri.so", "/usr/lib64/dri/*_dri.so")
"""Locations of the OpenGL drivers that Xvfb draws with."""


@dataclass(frozen=True)
class Machine:
    """What is available on this machine.

    Attributes
    ----------
    linux : bool
    reachable : bool
        Whether the display named by DISPLAY or WAYLAND_DISPLAY responds.
    xvfb : bool
        Whether Xvfb is on PATH.
    absent : tuple of str
        Debian packages of the libraries that do not load, and of the driver if there is none.
    uninstalled : tuple of str or None
        Packages in `PACKAGES` that are not installed according to dpkg; None without apt and dpkg.
    privilege : {"root", "sudo", "none"}
        How packages can be installed without asking for a password.
    """

    linux: bool
    reachable: bool
    xvfb: bool
    absent: tuple[str, ...]
    uninstalled: tuple[str, ...] | None
    privilege: Literal["root", "sudo", "none"]


@dataclass(frozen=True)
class Plan:
    """What to do: nothing, run `commands`, or stop with `message`."""

    action: Literal["nothing", "install", "stop"]
    message: str
    commands: tuple[tuple[str, ...], ...] = ()


def parse_display(display: str) -> tuple[str, int] | None:
    """Split the value of DISPLAY into host ("" for this machine) and number; None if it is neither.

    Examples
    --------
    >>> parse_display(":99.0"), parse_display("far:1"), parse_display("")
    (('', 99), ('far', 1), None)
    """
    match = re.fullmatch(r"(?P<host>[^:]*):(?P<number>\d+)(\.\d+)?", display)
    return (match["host"].removeprefix("unix"), int(match["number"])) if match else None


def ready(machine: Machine, *, screen: bool = False) -> bool:
    """Whether a window can be opened now."""
    if not machine.linux:
        return True
    return not machine.absent and (machine.reachable or (machine.xvfb and not screen))


def plan(machine: Machine, *, screen: bool = False) -> Plan:
    """Decide what to do on `machine`.

    Parameters
    ----------
    machine : Machine
    screen : bool
        Whether the window must be visible to a person.

    Returns
    -------
    Plan
    """
    if ready(machine, screen=screen):
        return Plan("nothing", "Windows can be opened.")
    if screen and not machine.reachable:
        return Plan(
            "stop",
            "A screen is required, but neither DISPLAY nor WAYLAND_DISPLAY names one that responds. "
            "Log in at the machine or by `ssh -X`, or run `tox run -e demo`, which needs no screen.",
        )
    found = lacking(machine)
    if machine.uninstalled is None:
        return Plan("stop", f"{found} Install the packages that provide them on your system.")
    # a library may fail to load because of another missing package: install all missing ones
    names = [n for n in PACKAGES if n in machine.uninstalled and not (screen and n == "xvfb")]
    if not names:
        return Plan(
            "stop", f"{found} dpkg lists them as installed: run\n{by_hand(machine.absent, '--reinstall')}"
        )
    if machine.privilege == "none":
        return Plan("stop", f"{found} Run\n{by_hand(names)}")
    prefix = ("sudo", "-n", "env") if machine.privilege == "sudo" else ("env",)
    quiet = (*prefix, "DEBIAN_FRONTEND=noninteractive")
    install = (*quiet, "apt-get", "install", "-y", "--no-install-recommends", *names)
    return Plan("install", f"{found} Installing.", ((*quiet, "apt-get", "update"), install))


def lacking(machine: Machine) -> str:
    """List what is missing for a window, in a sentence."""
    server = () if machine.reachable or machine.xvfb else ("xvfb",)
    return f"Windows need an X server and its libraries; missing: {', '.join((*server, *machine.absent))}."


def by_hand(names: Iterable[str], *options: str) -> str:
    """Command line for a person to install packages."""
    words = ["sudo apt-get update && sudo apt-get install -y --no-install-recommends", *options, *names]
    return " ".join(words)


def inspect() -> Machine:
    """Inspect this machine."""
    if not sys.platform.startswith("linux"):
        return Machine(linux=False, reachable=True, xvfb=False, absent=(), uninstalled=None, privilege="none")
    absent = [name for name, library in PACKAGES.items() if library and not loads(library)]
    if not any(glob.glob(pattern) for pattern in DRIVERS):
        absent.append("libgl1-mesa-dri")
    return Machine(
        linux=True,
        reachable=answers(os.environ.get("DISPLAY", "")) or answers_wayland(),
        xvfb=shutil.which("Xvfb") is not None,
        absent=tuple(absent),
        uninstalled=uninstalled_packages(),
        privilege=privilege(),
    )


def loads(library: str) -> bool:
    """Whether the dynamic linker finds and loads `library`."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def answers(display: str) -> bool:
    """Whether the X server named by `display` accepts a connection."""
    address = parse_display(display)
    if address is None:
        return False
    host, number = address
    path = f"/tmp/.X11-unix/X{number}"
    if host:
        return connects((host, 6000 + number))
    return connects(path) or connects(f"\0{path}")


def answers_wayland() -> bool:
    """Whether the compositor named by WAYLAND_DISPLAY accepts a connection."""
    name = os.environ.get("WAYLAND_DISPLAY")
    return bool(name) and connects(os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name or ""))


def connects(address: str | tuple[str, int]) -> bool:
    """Whether a socket at `address`, a path or (host, port), accepts a connection within two seconds."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.settimeout(2)
        try:
            link.connect(address)
        except OSError:
            return False
    return True


def uninstalled_packages() -> tuple[str, ...] | None:
    """Ask dpkg which of `PACKAGES` are missing; None without apt or dpkg."""
    if not (shutil.which("dpkg-query") and shutil.which("apt-get")):
        return None
    asked = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,  # it exits with 1 if a package is unknown
    )
    installed = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return tuple(name for name in PACKAGES if name not in installed)


def privilege() -> Literal["root", "sudo", "none"]:
    """How packages can be installed without a password."""
    if os.geteuid() == 0:
        return "root"
    if not shutil.which("sudo"):
        return "none"
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return "sudo" if asked.returncode == 0 else "none"


def main(arguments: list[str] | None = None) -> int:
    """Inspect, install if needed and allowed, and inspect again; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--screen", action="store_true", help="the window must be visible to a person")
    screen = parser.parse_args(arguments).screen
    todo = plan(inspect(), screen=screen)
    if todo.action == "nothing":
        return 0
    sys.stderr.write(todo.message + "\n")
    if todo.action == "stop":
        return 1
    for command in todo.commands:
        sys.stderr.write(" ".join(command) + "\n")
        subprocess.run(command, check=False)  # checked below
    after = inspect()
    if ready(after, screen=screen):
        return 0
    left = after.uninstalled or after.absent
    sys.stderr.write(f"{lacking(after)} Installing them failed; run\n{by_hand(left)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
