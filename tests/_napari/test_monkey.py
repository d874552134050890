"""The monkey: a short run finds nothing, planted faults are found, and what fails is made short."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
READY = ["ready", {"viewer": 0}]
VIEW = ["dock", {"viewer": 0, "dock": "View"}]
OPEN = ["open", {"viewer": 0, "names": ["head_T1w.nii.gz"]}]
DELETE = ["delete", {"viewer": 0, "layer": "head_T1w"}]
MOVES = [["dims", {"viewer": 0, "what": "step", "seed": seed}] for seed in range(5)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that plays makes the data."""
    return tmp_path_factory.mktemp("monkey") / "data"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the monkey."""
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module


def play(data: Path, folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    # how long a gap is depends on the processor: `tox run -e monkey` has a limit of 1 s
    fixed = ("--data", data, "--out", folder / "out", "--gap", 1000)
    command = [sys.executable, TOOLS / "monkey.py", *fixed, *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=folder)


def replay(
    data: Path, folder: Path, actions: list[Any], *options: object
) -> subprocess.CompletedProcess[str]:
    place = folder / "actions.jsonl"
    place.write_text("".join(json.dumps(action) + "\n" for action in actions))
    return play(data, folder, "--replay", place, *options)


def test_sixty_actions_find_nothing(data: Path, tmp_path: Path) -> None:
    done = play(data, tmp_path, "--seed", 0, "--actions", 60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 0: 60 actions, 0 findings" in done.stdout


@pytest.mark.parametrize(
    ("plant", "actions", "found"),
    [
        ("touch", [READY, OPEN, VIEW, DELETE, *MOVES], "is not in list"),
        ("keep", [READY, ["delete", {"viewer": 0, "layer": "data"}], VIEW], "deleted layer"),
    ],
)
def test_a_planted_fault_is_found_and_only_that(
    data: Path, tmp_path: Path, plant: str, actions: list[Any], found: str
) -> None:
    done = replay(data, tmp_path, actions, "--plant", plant)
    assert done.returncode == 1, done.stdout + done.stderr
    assert found in done.stdout
    done = replay(data, tmp_path, actions)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failing_sequence_becomes_the_shortest_that_fails(tool: Any) -> None:
    actions = [(f"action {i}", {}) for i in range(100)]
    played: list[int] = []

    def fails(some: list[Any]) -> bool:
        played.append(len(some))
        return all(one in some for one in (actions[3], actions[40], actions[99]))

    shortest = tool("monkey").shrink(actions, fails, 1e9)
    assert shortest == [actions[3], actions[40], actions[99]]
    assert len(played) < 100


def test_only_cpu_time_with_the_package_on_the_stack_is_a_gap(tool: Any) -> None:
    watch = tool("monkey_watch")
    findings = watch.Findings()

    def busy(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    names: dict[str, Any] = {"busy": busy, "sleep": time.sleep}
    code = "def run():\n    busy(1.5)\ndef wait():\n    sleep(1.5)\ndef short():\n    busy(0.3)"
    exec(compile(code, f"{watch.PACKAGE}/x.py", "exec"), names)
    dog = watch.Watchdog(findings)
    dog.start()
    try:
        for work in (lambda: busy(1.5), names["wait"], names["short"], names["run"]):
            assert not findings.found
            dog.beat()
            work()
            dog.beat()
    finally:
        dog.stop()
    ((kind, text),) = findings.found
    assert kind == "event-loop gap"
    assert "x.py:2 run" in text
