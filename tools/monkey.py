"""Play with the real window at random, and report everything that must not happen.

Each seed gives one sequence of actions: controls at and past their limits, buttons, tabs, mouse, keys; layers
opened, changed, renamed, removed; axes rolled; docks and viewers opened and closed; runs started and stopped.
Nothing may raise an exception, block the event loop for a second of CPU time, or be left over at the end:
threads, processes, viewers. What napari does without the plugin is excluded and listed (`monkey_plants.py`).

A seed plays in its own process. If it fails, its actions are played again, and made fewer as long
as they fail. The shortest sequence is printed and saved, to be repeated with `--replay`.

Usage: python tools/monkey.py [--seed 3] [--seeds 5] [--actions 2000] [--plant touch] [--replay FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HANG_S = 120
"""Seconds without a new action, after which the process is ended; far beyond what a busy machine needs."""
SCREEN = "-screen 0 1600x1000x24"
Actions = list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one sequence of actions led to.

    Attributes
    ----------
    actions : list
        That were done.
    findings : list of (kind, text)
    summary : dict
        Counts and measurements; empty if the process crashed.
    """

    actions: Actions
    findings: list[tuple[str, str]]
    summary: dict[str, Any]


def play(folder: Path, data: Path, log: Path, *options: str) -> Outcome:
    """Play a sequence in its own process, with its own settings and home."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    own = {"HOME": str(home), "NAPARI_CONFIG": str(folder / "settings.yaml"), "OMP_NUM_THREADS": "1"}
    own |= {
        "NAPARI_ASYNC": "0",
        "QT_LOGGING_RULES": "*.debug=false",
        "MPLBACKEND": "Agg",
        "PYTHONFAULTHANDLER": "1",
    }
    xvfb = [] if os.environ.get("DISPLAY") else ["xvfb-run", "-a", "-s", SCREEN]
    script = Path(__file__).with_name("monkey_player.py")
    command = [*xvfb, sys.executable, str(script), str(data), str(log), *options]
    log.unlink(missing_ok=True)
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, env=os.environ | own, stdout=output, stderr=output)
        hanging = _wait(process, log)
    actions: Actions = []
    findings: list[tuple[str, str]] = []
    summary: dict[str, Any] = {}
    for line in log.read_text().splitlines() if log.exists() else []:
        record = json.loads(line)
        if "action" in record:
            actions.append((record["action"], record["arguments"]))
        elif "finding" in record:
            when = (
                f"after {record['actions']} actions, {record['doing']}"
                if "actions" in record
                else "at the end"
            )
            findings.append((record["finding"], f"{record['text'].rstrip()}\n({when})"))
        else:
            summary = record
    if not summary:
        end = "\n".join((folder / "output.txt").read_text(errors="replace").splitlines()[-60:])
        what = "hang" if hanging else f"crash, status {process.returncode}"
        findings.append((what, end))
    return Outcome(actions, findings, summary)


def _wait(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Wait for the end; a process that does nothing new for long is ended. Return whether it was."""
    size, since = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        now = log.stat().st_size if log.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > HANG_S:
            process.send_signal(6)  # faulthandler prints all stacks
            process.wait(20)
            return True
    return False


def kind_of(outcome: Outcome) -> str:
    """Name the first finding, to tell whether fewer actions lead to the same."""
    from monkey_watch import signature

    kind, text = outcome.findings[0]
    return kind if kind.startswith(("crash", "hang")) else signature(kind, text)


def shrink(actions: Actions, fails: Any, seconds: float) -> Actions:
    """Leave out actions as long as the rest fails: first all but the last, then ever smaller parts.

    Parameters
    ----------
    actions : list
        That fail.
    fails : callable
        Plays actions; returns whether they fail in the same way.
    seconds : float
        Time limit.

    Returns
    -------
    list
        Fewer actions, or the same.
    """
    end = time.monotonic() + seconds
    for last in (10, 40, 160):
        if last < len(actions) and time.monotonic() < end and fails(actions[-last:]):
            actions = actions[-last:]
            break
    size = max(len(actions) // 2, 1)
    while time.monotonic() < end:
        start, shorter = 0, False
        while start < len(actions) and time.monotonic() < end:
            fewer = actions[:start] + actions[start + size :]
            if fewer and fails(fewer):
                actions, shorter = fewer, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(size // 2, 1)
    return actions


def report(title: str, outcome: Outcome, actions: Actions, place: Path) -> None:
    """Print what happened, and the actions that lead to it."""
    for kind, text in outcome.findings:
        print(f"{title}: {kind}\n{text.rstrip()}\n")
    if outcome.findings:
        print(f"{len(actions)} actions lead to the first (repeat them with --replay {place}):")
        for name, arguments in actions[-40:]:
            print(f"    {name} {json.dumps(arguments)}")


def main(arguments: list[str] | None = None) -> int:
    """Play each seed; the exit status is 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="play only this seed")
    parser.add_argument("--seeds", type=int, default=5, help="play the seeds from 0 on, this many")
    parser.add_argument("--actions", type=int, default=2000, help="actions of each seed")
    parser.add_argument("--plant", choices=("touch", "keep"), help="plant a fault, which must be found")
    parser.add_argument("--replay", type=Path, help="play the actions of this file")
    parser.add_argument("--keep-going", action="store_true", help="go on after a finding")
    parser.add_argument(
        "--shrink", type=float, default=600, help="seconds for making a failing sequence shorter"
    )
    parser.add_argument(
        "--gap", type=float, default=1.0, help="longest gap of the event loop, in CPU seconds"
    )
    parser.add_argument("--out", type=Path, default=Path("monkey"), help="where failing actions are saved")
    parser.add_argument("--data", type=Path, help="folder of the data, which are made if it does not exist")
    options = parser.parse_args(arguments)
    seeds = range(options.seeds) if options.seed is None else range(options.seed, options.seed + 1)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="monkey-") as made:
        folder = Path(made)
        data = (options.data or folder / "data").absolute()
        common = [f"--gap={options.gap}", *(["--plant", options.plant] if options.plant else [])]
        common += ["--keep-going"] if options.keep_going else []
        from monkey_data import make_data

        if not data.exists():
            make_data(data)

        def again(actions: Actions) -> Outcome:
            place = folder / "again.jsonl"
            place.write_text("".join(json.dumps(action) + "\n" for action in actions))
            shutil.rmtree(folder / "play", ignore_errors=True)
            return play(folder / "play", data, folder / "log.jsonl", "--replay", str(place), *common)

        if options.replay is not None:
            lines = options.replay.read_text().splitlines()
            outcome = again([tuple(json.loads(line)) for line in lines])
            print(f"{len(outcome.actions)} actions, {len(outcome.findings)} findings")
            report(options.replay.name, outcome, outcome.actions, options.replay)
            return 1 if outcome.findings else 0
        for seed in seeds:
            shutil.rmtree(folder / "play", ignore_errors=True)
            given = ("--seed", str(seed), "--actions", str(options.actions))
            outcome = play(folder / "play", data, folder / "log.jsonl", *given, *common)
            print(
                f"seed {seed}: {len(outcome.actions)} actions, {len(outcome.findings)} findings",
                *(f"{name}: {value};" for name, value in outcome.summary.items()),
            )
            if outcome.findings:
                failed += 1
                first = kind_of(outcome)

                def fails(actions: Actions, first: str = first) -> bool:
                    got = again(actions)
                    return bool(got.findings) and kind_of(got) == first

                options.out.mkdir(parents=True, exist_ok=True)
                actions = (
                    shrink(outcome.actions, fails, options.shrink) if options.shrink else outcome.actions
                )
                place = options.out / f"seed-{seed}.jsonl"
                place.write_text("".join(json.dumps(action) + "\n" for action in actions))
                report(f"seed {seed}", outcome, actions, place)
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
