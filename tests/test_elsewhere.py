"""tools/elsewhere.py changes what it says, gives the command's status back, and leaves nothing running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

TOOL = Path(__file__).parents[1] / "tools" / "elsewhere.py"


def run(place: str, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, TOOL, place, sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("place", "isa"), [("old", "SSE41"), ("avx2", "AVX2")])
def test_libraries_are_told_of_another_processor(place: str, isa: str) -> None:
    assert run(place, "import os; print(os.environ['ONEDNN_MAX_CPU_ISA'])").stdout.strip() == isa


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned here")
def test_one_core_is_one() -> None:
    assert run("one-core", "import os; print(len(os.sched_getaffinity(0)))").stdout.strip() == "1"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reads no TZ")
def test_abroad_it_is_another_hour() -> None:
    assert run("abroad", "import time; print(-time.timezone // 3600)").stdout.strip() == "14"


def test_busy_processes_run_meanwhile_and_end_with_the_command() -> None:
    code = "import psutil; print(*[p.pid for p in psutil.Process().parent().children()])"
    others = [int(pid) for pid in run("busy", code).stdout.split()]
    assert len(others) == 9  # eight, and the command
    assert not [pid for pid in others if psutil.pid_exists(pid)]


def test_the_status_is_that_of_the_command_and_an_unknown_place_is_refused() -> None:
    assert run("abroad", "raise SystemExit(3)").returncode == 3
    refused = run("moon", "")
    assert refused.returncode == 2
    assert "usage" in refused.stderr
