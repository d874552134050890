"""Write constraints-lowest.txt: the lowest version of each direct dependency that pyproject.toml allows.

What those need in turn has the newest version that goes with them. torch is left out: its lowest build that
is tested is the one that is installed. Needs uv, which alone resolves this way.

Usage: python tools/write_lowest.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """\
# The lowest versions of direct dependencies (extras all, onnx), and what goes with them, on Python 3.11.
# Written by tools/write_lowest.py from pyproject.toml; `tox run -e lowest` tests with them.
# torch is not here: older builds are not tested, as each takes 200 MB, and with CUDA several GB.
"""
COMMAND = (
    *("uv", "pip", "compile", "pyproject.toml", "--extra", "all", "--extra", "onnx", "--quiet"),
    *("--resolution", "lowest-direct", "--python-version", "3.11", "--no-annotate", "--no-header"),
)


def main() -> None:
    """Resolve and write."""
    override = ROOT / ".torch-override.txt"
    override.write_text("torch>=2.9\n", encoding="utf-8")
    try:
        found = subprocess.run(
            [*COMMAND, "--override", override.name, *sys.argv[1:]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        override.unlink()
    kept = [
        line for line in found.splitlines() if not line.startswith(("torch==", "nvidia", "triton", "cuda"))
    ]
    (ROOT / "constraints-lowest.txt").write_text(HEAD + "\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
