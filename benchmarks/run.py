"""Run every benchmark, one after another, each in a process of its own, and print one table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Row, finish

SCRIPTS = (
    "first_frame.py",
    "slab.py",
    "slices.py",
    "dragging.py",
    "opening.py",
    "permutations.py",
    "workers.py",
    "window.py",
)


def main() -> None:
    """Run those that are named, or all."""
    rows: list[Row] = []
    notes: list[str] = []
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
        rows += [Row(**row) for row in found]
        notes += said
    print()
    finish(rows, notes)


if __name__ == "__main__":
    main()
