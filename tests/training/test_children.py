"""Processes that a run starts: what they import, and how they end."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import psutil
import pytest

from napari_fmri_decoder.training import children
from napari_fmri_decoder.training.children import import_folders

HIDING = ("signal", "select", "queue", "random", "typing", "email", "lz4", "numpy", "sitecustomize")
"""Modules that Python, Dask or numpy would import from the working folder, if they looked there."""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of which no file may be run, first on the path as `python -m` puts it."""
    folder = tmp_path / "study"
    folder.mkdir()
    for name in HIDING:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'was_run')!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def said(code: str) -> str:
    child = children.start(f"{code}; sys.stdin.read()")
    try:
        return child.stdout.readline().decode().strip()  # type: ignore[union-attr]
    finally:
        children.end(child, 60)
        assert child.returncode == 0


def test_no_file_of_the_working_folder_is_run(hostile: Path) -> None:
    code = f"import sys; import {', '.join(set(HIDING) - {'lz4', 'sitecustomize'})}; print(signal.__file__)"
    assert Path(said(code)).parent == Path(os.__file__).parent
    assert not (hostile.parent / "was_run").exists()


def test_processes_that_it_starts_do_not_look_there_either(hostile: Path) -> None:
    inner = "import sys, signal; print(signal.__file__, flush=True)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    assert Path(said(code)).parent == Path(os.__file__).parent
    spawned = (
        "import multiprocessing.spawn, subprocess, sys; "
        "subprocess.run([*multiprocessing.spawn.get_command_line()[:-2], 'import sys; print(sys.flags.safe_path)'])"
    )
    assert said(spawned) == "True"
    assert not (hostile.parent / "was_run").exists()


@pytest.mark.parametrize("first", ["", ".", "{cwd}", "{cwd}/../study"])
def test_the_working_folder_is_left_out_however_it_is_written(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(sys, "path", [first.format(cwd=hostile), *sys.path[1:]])
    installed, users = import_folders()
    assert users == []
    assert hostile.resolve() not in [Path(folder).resolve() for folder in installed]
    assert str(Path(os.__file__).parent) in installed


def test_the_folder_of_a_script_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "analysis.py"), raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert str(tmp_path) not in sum(import_folders(), [])


@pytest.mark.parametrize("file", ["my_decoder.py", "my_decoder/__init__.py"])
def test_a_folder_that_modules_came_from_stays_but_last(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    module = types.ModuleType("my_decoder")
    module.__file__ = str(hostile / file)
    monkeypatch.setitem(sys.modules, "my_decoder", module)
    installed, users = import_folders()
    assert users == [str(hostile)]
    assert str(hostile) not in installed
    (hostile / "my_decoder.py").write_text("")
    code = "import sys, signal, my_decoder; print(signal.__file__)"
    assert Path(said(code)).parent == Path(os.__file__).parent
    assert not (hostile.parent / "was_run").exists()


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
    inner.wait(60)
    assert not inner.is_running()
