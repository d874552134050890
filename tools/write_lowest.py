"""Write constraints-lowest.txt: the lowest version of each direct dependency that pyproject.toml allows.

Indirect dependencies have the newest compatible versions. torch is excluded: the lowest tested build is the
installed one. Needs uv, the only resolver with this mode.

Usage: python tools/write_lowest.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """\
# The lowest versions of direct dependencies (extras all, onnx), and compatible indirect ones, on Python 3.11.
# Written by tools/write_lowest.py from pyproject.toml; `tox run -e lowest` tests with them.
# torch is excluded: older builds are not tested, as each takes 200 MB, and several GB with CUDA.
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
