"""A run in a separate process: it has the same results, and stops when it should."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from small import write_small

from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.pipeline import AuditError, Heartbeat, Prepared, RunDone, run, run_in_subprocess
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FoldDone

CNN = """name = "cnn2d"
filters = [2]
dense = [4]
[training]
threads = 1
epochs = {}"""


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})


def long_run(folder: Path) -> Iterator[Any]:
    recipe = load_recipe(write_small(folder, CNN.format(100_000)))
    return run_in_subprocess(recipe, folder, folder / "run")


def child_of(events: Iterator[Any]) -> subprocess.Popen[bytes]:
    child = events.gi_frame.f_locals["child"]  # type: ignore[attr-defined]
    assert isinstance(child, subprocess.Popen)
    return child


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "pipeline.subprocess_run" in " ".join(p.cmdline())]


def test_events_and_results_equal_a_run_in_this_process(tmp_path: Path) -> None:
    recipe = load_recipe(write_small(tmp_path, CNN.format(2)))
    read: list[int] = []
    here = list(run(recipe, tmp_path, tmp_path / "here"))
    apart = [
        e for e in run_in_subprocess(recipe, tmp_path, tmp_path / "apart", read.append) if e != Heartbeat()
    ]
    assert [type(e) for e in apart] == [type(e) for e in here]
    for one, other in zip(apart, here, strict=True):
        if isinstance(one, (BatchDone, EpochDone)):
            assert one == other
        elif isinstance(one, FoldDone):
            np.testing.assert_array_equal(one.result.probabilities, other.result.probabilities)
            assert one.result.model.state.keys() == other.result.model.state.keys()
            for name, value in one.result.model.state.items():
                np.testing.assert_array_equal(value, other.result.model.state[name])
        elif isinstance(one, Prepared):
            np.testing.assert_array_equal(one.samples.X, other.samples.X)
            np.testing.assert_array_equal(one.series.at(3), other.series.at(3))
    assert isinstance(apart[-1], RunDone)
    assert apart[-1].result.scores.accuracy == here[-1].result.scores.accuracy
    assert apart[-1].result.prepared.notes == here[-1].result.prepared.notes
    for name in ("predictions.tsv", "history.tsv"):
        assert (tmp_path / "apart" / name).read_text() == (tmp_path / "here" / name).read_text()
    assert not children()


@pytest.mark.slow
def test_stopping_ends_the_process_with_a_checkpoint_to_resume(tmp_path: Path) -> None:
    events = long_run(tmp_path)
    for event in events:
        if isinstance(event, EpochDone) and event.epoch == 5:
            break
    child = child_of(events)
    events.close()  # type: ignore[attr-defined]
    assert child.returncode == 0, "it was not killed, and has not trained for 100,000 epochs"
    assert not children()
    assert list((tmp_path / "run" / "tasks").glob("checkpoint*"))
    recipe = load_recipe(tmp_path / "recipe.toml")
    for event in (again := run(recipe, tmp_path, tmp_path / "run", resume=True)):
        if isinstance(event, BatchDone):
            break
    again.close()
    assert event.epoch > 5, "reported epochs are not repeated"


def test_a_killed_process_is_one_error_with_advice(tmp_path: Path) -> None:
    events = long_run(tmp_path)
    next(event for event in events if isinstance(event, EpochDone))
    os.kill(children()[0].pid, signal.SIGKILL)
    with pytest.raises(TrainingError, match=r"signal 9.*continue with Resume"):
        list(events)


def test_input_errors_are_unchanged(tmp_path: Path) -> None:
    recipe = load_recipe(write_small(tmp_path, 'name = "linear"\n[split]\nscheme = "explicit"\ntest = ["9"]'))
    with pytest.raises(InputError, match="'9'") as caught:
        list(run_in_subprocess(recipe, tmp_path, tmp_path / "run"))
    with pytest.raises(InputError) as ours:
        list(run(recipe, tmp_path, tmp_path / "here"))
    assert str(caught.value) == str(ours.value)


def test_an_audit_error_keeps_its_findings() -> None:
    import pickle

    from napari_fmri_decoder.samples.audit import Finding

    error = AuditError([Finding("run-in-both-parts", "error", "Run 1 is in both parts.")])
    again = pickle.loads(pickle.dumps(error))
    assert again.findings == error.findings
    assert str(again) == str(error)


@pytest.mark.slow
def test_the_process_ends_if_its_parent_has_ended(tmp_path: Path) -> None:
    events = long_run(tmp_path)
    for event in events:
        if isinstance(event, EpochDone):
            break
    held = child_of(events)
    for pipe in (held.stdin, held.stdout):  # as the system does with the pipes of a process that is killed
        pipe.close()  # type: ignore[union-attr]
    held.wait()
    with pytest.raises(ValueError, match="closed file"):
        next(events)
