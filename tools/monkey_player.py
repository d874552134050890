"""Play one sequence of actions in this process; `monkey.py` starts it and reads its log."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from monkey_actions import Action, choose
from monkey_plants import KNOWN, PLANTS
from monkey_watch import GAP_S, Findings
from monkey_window import World, flush_deleted

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = ("Dummy-", "tqdm", "TMonitor", "MainThread", "asyncio", "QueueFeederThread")
"""Threads of libraries that live as long as the process; others must have ended."""


def actions_of(options: argparse.Namespace, world: World) -> Iterator[Action]:
    """The actions of a file, or of a seed."""
    if options.replay is not None:
        for line in options.replay.read_text().splitlines():
            yield Action(*json.loads(line))
        return
    rng = Random(options.seed)
    yield Action("ready", {"viewer": 0, "answer": 0})
    for _ in range(options.actions - 1):
        yield choose(rng, world)


def left_over(world: World, threads: set[int | None]) -> None:
    """Close everything, and report what remains of it."""
    import psutil

    from napari_fmri_decoder._napari.qt.shutdown import threads as pool

    world.stop_jobs()
    while world.viewers:
        world.close_viewer(0)
    world.settle(200)
    for name in ("last_value", "last_traceback", "last_exc"):  # an error keeps its frames
        setattr(sys, name, None)
    world.wait_for(lambda: not _alive(world), 20)
    if alive := _alive(world):
        referrers = Counter(type(r).__name__ for viewer in alive for r in gc.get_referrers(viewer))
        world.findings.add(
            "viewer left over", f"{len(alive)} of {len(world.gone)}, held by {dict(referrers)}"
        )
    if not pool().waitForDone(20_000):
        world.findings.add("thread left over", f"{pool().activeThreadCount()} of the plugin's jobs")
    world.wait_for(lambda: not _new_threads(threads), 20)
    for thread in _new_threads(threads):
        world.findings.add("thread left over", thread.name)
    me = psutil.Process()
    helpers = ("resource_tracker", "forkserver")

    def children() -> list[str]:
        found = [" ".join(child.cmdline()) for child in me.children(recursive=True) if child.is_running()]
        return [line for line in found if line and not any(name in line for name in helpers)]

    world.wait_for(lambda: not children(), 20)
    for line in children():
        world.findings.add("process left over", line)


def _alive(world: World) -> list[Any]:
    flush_deleted()
    gc.collect()
    return [viewer for one in world.gone if (viewer := one()) is not None]


def _new_threads(before: set[int | None]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread.ident not in before and not thread.name.startswith(THREADS)
    ]


def main() -> None:
    """Play, and write each action and each finding to the log."""
    faulthandler.enable()
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--actions", type=int, default=2000)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--plant", choices=tuple(PLANTS))
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--gap", type=float, default=GAP_S)
    options = parser.parse_args()
    os.chdir(options.log.parent)
    threads = {thread.ident for thread in threading.enumerate()}
    findings = Findings(KNOWN)
    log = options.log.open("w", buffering=1)

    def write(**record: Any) -> None:
        log.write(json.dumps(record) + "\n")

    if options.plant:
        PLANTS[options.plant]()
    world = World(options.data, findings, options.gap)
    world.settle(300)
    reported, start, done = 0, time.monotonic(), Counter[str]()
    for action in actions_of(options, world):
        write(action=action.name, arguments=action.arguments)
        doing = f"{action.name} {action.arguments}"
        done[action.name] += 1
        try:
            action.do(world)
        except Exception as error:  # noqa: BLE001 - what the monkey looks for
            findings.add_error(f"exception in {action.name}", error)
        world.settle()
        world.check()
        for kind, text in findings.found[reported:]:
            write(finding=kind, text=text, actions=sum(done.values()), doing=doing)
        reported = len(findings.found)
        if reported and not options.keep_going:
            break
    if not reported or options.keep_going:
        left_over(world, threads)
        for kind, text in findings.found[reported:]:
            write(finding=kind, text=text)
    longest = round(world.watchdog.longest, 2)
    write(
        done=dict(done),
        excused=dict(findings.excused),
        longest_gap=longest,
        seconds=round(time.monotonic() - start),
    )
    world.watchdog.stop()
    log.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
