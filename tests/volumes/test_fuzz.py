"""A short run of the fuzzer on damaged images, and that it detects crashes and hangs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("fuzz")


def test_damaged_images_open_correctly_or_give_one_clear_error():
    done = subprocess.run(
        [sys.executable, TOOLS / "fuzz.py", "--cases", "150", "--seed", "7", "--seconds", "600"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "150 cases" in done.stdout
    assert " 0 opened" not in done.stdout
    assert " 0 refused" not in done.stdout


def test_the_same_seed_makes_the_same_files(fuzz):
    assert fuzz.make_case(3, 17) == fuzz.make_case(3, 17)
    assert fuzz.make_case(3, 17) != fuzz.make_case(4, 17)


@pytest.mark.parametrize(
    ("program", "seconds", "message"),
    [  # a busy machine may need long to end a process that dies; a process that hangs never answers
        ("print('ready', flush=True); input(); import os; os._exit(9)", 600, "died with status 9"),
        ("print('ready', flush=True); input(); input()", 0.3, "hangs"),
    ],
)
def test_worker_that_dies_or_hangs_is_a_finding(fuzz, program, seconds, message):
    findings = list(fuzz.fuzz(0, range(2), [sys.executable, "-c", program], seconds))
    assert [f.case for f in findings] == [0, 1]
    assert all(f.outcome == "failed" and message in f.message for f in findings)
