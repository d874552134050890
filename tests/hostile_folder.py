"""A working folder with files named like modules, which must not be executed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

STANDARD = ("signal", "select", "queue", "random", "typing", "email")
"""Modules of the standard library that Dask and others import."""
SHADOWING = (*STANDARD, "numpy", "lz4", "dask", "sitecustomize")


def enter_hostile_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make it the working folder, first on `sys.path` as with `python -m`; return the file of evidence."""
    folder, evidence = tmp_path / "study", tmp_path / "was_run"
    folder.mkdir()
    for name in SHADOWING:
        (folder / f"{name}.py").write_text(f"open({str(evidence)!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return evidence
