"""What the bars of the command line say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from small import write_small

from napari_fmri_decoder.cli import progress
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import Stage
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldStarted, Quality
from napari_fmri_decoder.training.tasks.store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def test_a_bar_shows_accuracies_and_the_remaining_time_of_all_folds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten seconds an epoch: after epoch 2 of 4, 2 and the 4 of the last fold are left, a minute."""
    clock = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])

    def events() -> Generator[Any, None, None]:
        train, test, validation = Quality(0.5, 0.75), Quality(0.9, 0.5), Quality(0.7, 0.625)
        for fold in (0, 1):
            yield FoldStarted(fold, 2, f"run {fold + 1}")
            yield FitStarted(4, 1, 10, train, test, validation)
            for epoch in (1, 2):
                clock[0] += 10
                yield EpochDone(epoch, train, test, validation if fold == 0 else None)

    with pytest.raises(InputError, match="was stopped"):
        progress.follow(events())
    first, second = _last_lines(capsys.readouterr().err)
    assert "fold 0 (1 of 2), run 1" in first
    assert "(01:00 for all)" in first
    assert "train=0.750, validation=0.625, test=0.500" in first
    assert "for all" not in second
    assert "train=0.750, test=0.500" in second
    assert "2/4" in second


def _last_lines(text: str) -> tuple[str, str]:
    """Last texts of the bars of both folds."""
    lines = text.replace("\r", "\n").split("\n")
    first, second = ([line for line in lines if name in line][-1] for name in ("run 1", "run 2"))
    return first, second


def test_the_first_interrupt_waits_for_the_step_and_the_second_does_not() -> None:
    told, closed = [], []

    def steps() -> Generator[int, None, None]:
        try:
            for i in range(5):
                if i == 2:
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.01)  # the step goes on
                yield i
        finally:
            closed.append(True)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        told.extend(progress.stoppable(steps()))
    assert told == [0, 1, 2]
    assert closed == [True]
    assert signal.getsignal(signal.SIGINT) is before

    def stuck() -> Generator[int, None, None]:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
        yield 0

    with pytest.raises(KeyboardInterrupt):
        list(progress.stoppable(stuck()))
    assert signal.getsignal(signal.SIGINT) is before


def test_uninterrupted_work_returns_its_result() -> None:
    def steps() -> Generator[Stage, None, str]:
        yield Stage("At work")
        return "made"

    assert progress.follow_to_end(steps()) == "made"


WATCHED = """
import sys
from contextlib import closing
from pathlib import Path

from napari_fmri_decoder import pipeline
from napari_fmri_decoder.cli import main
from napari_fmri_decoder.training.tasks import checkpoint
from napari_fmri_decoder.training.events import BatchDone

checkpoint.EVERY_S = float("inf")  # after the first epoch alone
run = pipeline.run

def watched(*args, **options):
    batches = 0
    with closing(run(*args, **options)) as events:
        for event in events:
            batches += isinstance(event, BatchDone)
            if batches == 100:
                (Path(sys.argv[-1]) / "far").touch()
            yield event

pipeline.run = watched
main()
"""
"""The command, which says when it has trained for a hundred batches, some epochs."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_ctrl_c_leaves_a_checkpoint_within_the_epoch_and_explains_how_to_resume(tmp_path: Path) -> None:
    network = 'name = "mlp"\nhidden = 4\n[training]\nepochs = 1000000\nbatch_size = 2\nthreads = 1'
    recipe = write_small(tmp_path, network)
    command = [sys.executable, "-c", WATCHED, "train", str(recipe), "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        while not (tmp_path / "run" / "far").exists():
            assert child.poll() is None
            time.sleep(0.02)
        first = kept(tmp_path)
        child.send_signal(signal.SIGINT)
        _, printed = child.communicate()
    assert child.returncode == 130
    assert printed.splitlines()[-1].endswith("continue with --resume.")
    assert "Traceback" not in printed
    assert first == (1, 0)
    assert kept(tmp_path) > first


def kept(folder: Path) -> tuple[int, int]:
    """Epochs and batches in the one checkpoint."""
    (path,) = (folder / "run" / "tasks").glob("checkpoint*")
    arrays = TaskStore(path.parent).read(path.stem)
    assert arrays is not None
    return len(arrays["epochs"]), int(arrays["position"][0])
