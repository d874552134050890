"""What the benchmarks share: sides timed in turn, fresh processes, and rows that pass or fail.

Every figure is a ratio of two things that were measured side by side in one run, so that a slow or
busy machine slows both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    what, peer : str
        What was measured, and against what.
    ours, theirs : str
        Medians with their unit.
    figure : float
        What is held: a ratio, milliseconds or seconds.
    limit : str
        ``"<= 0.2"`` or ``">= 6"``; empty where nothing is required.
    """

    what: str
    peer: str
    ours: str
    theirs: str
    figure: float
    limit: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure keeps its limit."""
        if not self.limit:
            return True
        sign, bound = self.limit.split()[:2]
        return self.figure <= float(bound) if sign == "<=" else self.figure >= float(bound)


def in_turn(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Call each side once per round, and give the median seconds of each; one round more to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(repeats + 1):
        for name, call in sides.items():
            start = time.perf_counter()
            call()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    _keep_spread(seconds.values())
    return {name: median(values) for name, values in seconds.items()}


_spreads: list[tuple[float, float]] = []


def _keep_spread(sides: Iterable[Sequence[float]]) -> None:
    """Remember the least and the most of each side, as parts of its median; see `finish`."""
    _spreads.extend((min(values) / median(values), max(values) / median(values)) for values in sides)


def children_in_turn(
    sides: dict[str, Sequence[str]], repeats: int, python: dict[str, str] | None = None
) -> dict[str, dict[str, float]]:
    """Run each side's script in a fresh interpreter once per round; medians of the figures it prints.

    Parameters
    ----------
    sides : dict
        Name to script and arguments. A script prints one JSON object of numbers as its last line.
    repeats : int
    python : dict, optional
        Interpreters of sides that need another than this one.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for round_ in range(repeats + 1):
        for name, command in sides.items():
            interpreter = (python or {}).get(name, sys.executable)
            done = subprocess.run([interpreter, *command], capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr}")
            if round_:
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    medians = {}
    for name, figures in found.items():
        of_key = {key: [f[key] for f in figures] for key in figures[0]}
        _keep_spread(of_key.values())
        medians[name] = {key: median(values) for key, values in of_key.items()}
    return medians


def memory_mib(which: str) -> float:
    """Memory of this process, "VmRSS" now or "VmHWM" at its peak, in MiB; Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def spread(middle: float, each: Sequence[float], unit: str = "") -> str:
    """Write a median with its unit, and the least and the most of what it is the median of."""
    return f"{short(middle)}{unit} ({short(min(each))} to {short(max(each))})"


def short(value: float) -> str:
    """Write a number with three digits that count, and none as a power of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ensure_display() -> Any:
    """Start an X server of our own where there is none; keep what is returned."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return None
    from pyvirtualdisplay import Display

    return Display(size=(1600, 1000), color_depth=24).start()


def table(rows: Sequence[Row]) -> str:
    """Lay rows out as a table of Markdown."""
    cells = [("what", "against", "ours", "theirs", "figure", "required", "")]
    cells += [
        (r.what, r.peer, r.ours, r.theirs, f"{r.figure:.3g}", r.limit or "-", "" if r.passed else "FAILED")
        for r in rows
    ]
    wide = [max(len(row[i]) for row in cells) for i in range(7)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in wide) + "|")
    return "\n".join(lines)


def finish(rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
    """Print the rows, and exit with 1 if one fails; keep them where `run.py` asks for it."""
    script = Path(sys.argv[0]).stem
    if _spreads:
        least, most = min(low for low, _ in _spreads), max(high for _, high in _spreads)
        notes = [
            *notes,
            f"{script}: rounds took {least:.2f} to {most:.2f} times their side's median.",
        ]
    keep = os.environ.get("BENCHMARK_ROWS")
    if keep:
        Path(keep).write_text(json.dumps([[asdict(r) for r in rows], list(notes)]), encoding="utf-8")
    print(table(rows))
    for note in notes:
        print(f"Note: {note}")
    raise SystemExit(any(not r.passed for r in rows))
