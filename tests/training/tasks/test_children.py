"""Processes that a run starts: what they import, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import psutil
import pytest
from hostile_folder import STANDARD, enter_hostile_folder

import napari_fmri_decoder
from napari_fmri_decoder.training.tasks import children
from napari_fmri_decoder.training.tasks.children import import_folders

PYTHONS_OWN = Path(os.__file__).parent
WHERE = f"import {', '.join(STANDARD)}; print(signal.__file__, flush=True)"


def said(code: str) -> str:
    """What a child prints first; it ends when told to."""
    child = children.start(f"{code}; import sys; sys.stdin.read()")
    try:
        return child.stdout.readline().decode().strip()  # type: ignore[union-attr]
    finally:
        children.end(child, 60)
        assert child.returncode == 0


def test_no_file_of_the_working_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = enter_hostile_folder(tmp_path, monkeypatch)
    assert Path(said(WHERE)).parent == PYTHONS_OWN
    assert Path(
        said(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WHERE!r}])")
    ).parent == (PYTHONS_OWN), "nor by processes that the child starts"
    assert not evidence.exists()


def test_the_command_run_as_a_module_is_as_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = enter_hostile_folder(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(Path(napari_fmri_decoder.__file__).parents[1]))
    (Path.cwd() / "sitecustomize.py").unlink()  # Python itself runs it, before any of ours
    done = subprocess.run(
        [sys.executable, "-m", "napari_fmri_decoder.cli.nothing"], capture_output=True, text=True, check=False
    )
    assert "No module named napari_fmri_decoder.cli.nothing" in done.stderr
    assert not evidence.exists()


@pytest.mark.parametrize("first", ["", ".", "{cwd}", "{cwd}/../study"])
def test_the_working_folder_is_excluded_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    enter_hostile_folder(tmp_path, monkeypatch)
    monkeypatch.setattr(sys, "path", [first.format(cwd=Path.cwd()), *sys.path[1:]])
    installed, users = import_folders()
    assert users == []
    assert Path.cwd() not in [Path(folder).resolve() for folder in installed]
    assert str(PYTHONS_OWN) in installed


def test_the_folder_of_a_script_is_excluded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "analysis.py"), raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert all(str(tmp_path) not in folders for folders in import_folders())


@pytest.mark.parametrize("file", ["my_decoder.py", "my_decoder/__init__.py"])
def test_a_folder_that_modules_came_from_follows_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    evidence = enter_hostile_folder(tmp_path, monkeypatch)
    module = types.ModuleType("my_decoder")
    module.__file__ = str(Path.cwd() / file)
    monkeypatch.setitem(sys.modules, "my_decoder", module)
    assert import_folders()[1] == [str(Path.cwd())]
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text("")
    assert Path(said(f"import my_decoder; {WHERE}")).parent == PYTHONS_OWN
    assert not evidence.exists()


def test_a_working_folder_that_is_gone_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "getcwd", gone)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if os.path.isabs(path)])
    assert str(PYTHONS_OWN) in import_folders()[0]


def test_a_child_that_does_not_end_is_ended_with_what_it_started() -> None:
    code = (
        "import subprocess, sys, time; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)']); "
        "print(p.pid, flush=True); time.sleep(3600)"
    )
    child = children.start(code)
    inner = psutil.Process(int(child.stdout.readline()))  # type: ignore[union-attr]
    children.end(child, 0)
    assert child.returncode != 0
    assert not inner.is_running() or inner.status() == psutil.STATUS_ZOMBIE
