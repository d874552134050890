"""Damaged images: a short run of the fuzzer, and that the fuzzer sees crashes and hangs."""

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


def test_damaged_images_open_rightly_or_get_one_clear_error():
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
    ("program", "seconds", "said"),
    [  # one that dies has all the time that a busy machine takes to end it; one that hangs never answers
        ("print('ready', flush=True); input(); import os; os._exit(9)", 600, "died with status 9"),
        ("print('ready', flush=True); input(); input()", 0.3, "hangs"),
    ],
)
def test_a_worker_that_dies_or_hangs_is_a_finding(fuzz, program, seconds, said):
    findings = list(fuzz.fuzz(0, range(2), [sys.executable, "-c", program], seconds))
    assert [f.case for f in findings] == [0, 1]
    assert all(f.outcome == "failed" and said in f.message for f in findings)
