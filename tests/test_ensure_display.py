"""What tools/ensure_display.py decides on machines other than this one."""

from __future__ import annotations

import importlib.util
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest


def load() -> ModuleType:
    path = Path(__file__).parents[1] / "tools" / "ensure_display.py"
    spec = importlib.util.spec_from_file_location("ensure_display", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ensure_display"] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


tool = load()
everything = tuple(tool.PACKAGES)
READY = tool.Machine(linux=True, reachable=False, xvfb=True, absent=(), uninstalled=(), privilege="none")
BARE = tool.Machine(
    linux=True, reachable=False, xvfb=False, absent=everything[1:], uninstalled=everything, privilege="root"
)


@pytest.mark.parametrize(
    ("display", "parsed"),
    [
        (":0", ("", 0)),
        (":99.1", ("", 99)),
        ("unix:3", ("", 3)),
        ("localhost:10.0", ("localhost", 10)),
        ("", None),
        ("wayland-0", None),
    ],
)
def test_display_is_parsed(display: str, parsed: tuple[str, int] | None):
    assert tool.parse_display(display) == parsed


@pytest.mark.parametrize(
    "machine",
    [
        READY,
        replace(READY, xvfb=False, reachable=True),
        replace(READY, uninstalled=None),
        replace(BARE, linux=False),
    ],
    ids=["xvfb", "display", "not debian", "not linux"],
)
def test_nothing_is_done_where_windows_open(machine: object):
    assert tool.plan(machine).action == "nothing"


def test_root_installs_what_is_missing():
    plan = tool.plan(BARE)
    assert plan.action == "install"
    update, install = plan.commands
    assert update == ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "update")
    assert install[-len(everything) :] == everything


def test_only_what_is_missing_is_installed():
    plan = tool.plan(replace(BARE, absent=("libegl1",), uninstalled=("xvfb", "libegl1")))
    assert plan.commands[1][-2:] == ("xvfb", "libegl1")
    assert "libgl1" not in plan.commands[1]


def test_sudo_is_used_without_asking():
    assert {command[:2] for command in tool.plan(replace(BARE, privilege="sudo")).commands} == {
        ("sudo", "-n")
    }


def test_without_rights_the_exact_line_is_told():
    plan = tool.plan(replace(BARE, privilege="none", absent=("libegl1",), uninstalled=("xvfb", "libegl1")))
    assert (plan.action, plan.commands) == ("stop", ())
    assert plan.message.splitlines() == [
        "Windows need an X server and its libraries; missing: xvfb, libegl1. Run",
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends xvfb libegl1",
    ]


def test_installed_packages_whose_library_does_not_load_are_reinstalled_by_hand():
    plan = tool.plan(replace(READY, absent=("libegl1",)))
    assert plan.action == "stop"
    assert plan.message.endswith("--reinstall libegl1")


def test_other_systems_are_told_what_is_missing():
    plan = tool.plan(replace(BARE, uninstalled=None))
    assert plan.action == "stop"
    assert "missing: xvfb, libgl1," in plan.message
    assert "apt-get" not in plan.message


def test_xvfb_is_no_screen_for_a_person():
    plan = tool.plan(READY, screen=True)
    assert plan.action == "stop"
    assert "DISPLAY" in plan.message
    assert tool.plan(replace(READY, reachable=True), screen=True).action == "nothing"


def test_display_that_nobody_serves_does_not_answer():
    assert not tool.answers(":54321")
    assert not tool.answers("no display")


def test_display_that_takes_connections_answers(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "X1"))
        server.listen()
        assert tool.connects(str(tmp_path / "X1"))


def test_library_that_is_not_there_does_not_load():
    assert not tool.loads("libno-such-thing.so.1")


def test_packages_are_those_dpkg_does_not_list_as_installed(monkeypatch: pytest.MonkeyPatch):
    listed = "\n".join(f"{name} installed" for name in everything[2:]) + "\nxvfb config-files\n"
    monkeypatch.setattr(tool.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(tool.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=listed, returncode=1))
    assert tool.uninstalled_packages() == ("xvfb", "libgl1")


@pytest.mark.parametrize(("machines", "status"), [([BARE, READY], 0), ([BARE, BARE], 1)])
def test_exit_status_says_whether_installing_helped(
    machines: list[object], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    seen, ran = iter(machines), []
    monkeypatch.setattr(tool, "inspect", lambda: next(seen))
    monkeypatch.setattr(tool.subprocess, "run", lambda command, **_: ran.append(command))
    assert tool.main([]) == status
    assert len(ran) == 2
    if status:
        assert (
            capsys.readouterr().err.splitlines()[-1].startswith("sudo apt-get update && sudo apt-get install")
        )


def test_stopping_installs_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tool, "inspect", lambda: replace(BARE, privilege="none"))
    monkeypatch.setattr(tool.subprocess, "run", lambda *_, **__: pytest.fail("nothing may be run"))
    assert tool.main([]) == 1
