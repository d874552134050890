"""Run every benchmark, one after another, each in a process of its own, and print one table.

After a run of all of them the table goes to `docs/benchmarks.md` too, with the machine and the versions.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

from timing import Row, finish, table

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SCRIPTS = {
    "first_frame.py": "Opening a large scan",
    "slab.py": "Cutting a slab",
    "slices.py": "Slices of a rotated template",
    "dragging.py": "Dragging the slab",
    "opening.py": "Opening a scan in napari",
    "training.py": "Training",
    "gpu.py": "Training on a GPU",
    "permutations.py": "Permutations of a network",
    "nested_c.py": "C chosen within the training set",
    "searchlight.py": "A searchlight",
    "workers.py": "Workers",
    "explanations.py": "Explanations",
    "costs.py": "A whole run of a linear decoder",
    "window.py": "The window while a network trains",
}


def main() -> None:
    """Run those that are named, or all."""
    rows: list[Row] = []
    notes: list[str] = []
    parts: list[str] = []
    for name in sys.argv[1:] or SCRIPTS:
        print(f"--- {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "rows.json"
            done = subprocess.run(
                [sys.executable, str(Path(__file__).with_name(name))],
                env={**os.environ, "OMP_NUM_THREADS": "1", "BENCHMARK_ROWS": str(kept)},
                check=False,
            )
            if not kept.exists():
                raise SystemExit(f"{name} ended with {done.returncode} before it had measured.")
            found, said = json.loads(kept.read_text(encoding="utf-8"))
        measured = [Row(**row) for row in found]
        rows += measured
        notes += said
        parts.append(part(name, measured, said))
    print()
    if not sys.argv[1:]:
        PAGE.write_text(page(parts), encoding="utf-8")
    finish(rows, notes)


def part(script: str, rows: list[Row], notes: list[str]) -> str:
    """Lay out what one script measured, for the page of the docs."""
    shown = [f"## {SCRIPTS.get(script, script)}", f"`benchmarks/{script}`"]
    shown += [table(rows)] if rows else []
    shown += ["\n".join(f"- {note}" for note in notes)] if notes else []
    return "\n\n".join(shown)


def page(parts: list[str]) -> str:
    """Lay out the page of the docs."""
    today, body = date.today().isoformat(), "\n\n".join(parts)
    return f"""# Benchmarks: measurements

Written by `tox run -e bench` on {today}; [what each figure means](../benchmarks/README.md). Medians; in
brackets the least and the most.

{machine()}, Python {platform.python_version()}; {", ".join(versions())}.

{body}
"""


def machine() -> str:
    """Name the processor, its cores and the memory."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    name = next(
        (line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor()
    )
    memory = psutil.virtual_memory().total / 2**30
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def versions() -> Iterable[str]:
    """Name what was measured, and against what."""
    for name in ("torch", "numpy", "scipy", "nibabel", "nilearn", "scikit-learn", "napari", "distributed"):
        yield f"{name} {version(name)}"
    peer = os.environ.get("FMRI_DECODER_BENCH_PEER")
    for name in ("napari-nifti", "keras", "tensorflow") if peer else ():
        asked = f"from importlib.metadata import version; print(version({name!r}))"
        done = subprocess.run([str(peer), "-c", asked], capture_output=True, text=True, check=False)
        yield f"{name} {done.stdout.strip() or 'not there'}"


if __name__ == "__main__":
    main()
