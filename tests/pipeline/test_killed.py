"""A training process that is killed at any step, or while it writes, resumes to the same results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small import write_small

from napari_fmri_decoder.training.tasks.store import TaskStore

CNN = """name = "cnn2d"
filters = [3]
dense = [8]
[training]
epochs = 24
batch_size = 16
validation = "runs"
patience = 20
schedule = "cosine"
threads = 1"""

SCRIPT = """
import os, signal, sys
from pathlib import Path

import sklearn.linear_model, sklearn.preprocessing, torch._dynamo  # loaded late otherwise, by each child
from napari_fmri_decoder.pipeline import run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.tasks import checkpoint
from napari_fmri_decoder.atomic_files import PARTIAL
from napari_fmri_decoder.training.events import BatchDone, EpochDone, FitStarted

checkpoint.EVERY_S, checkpoint.SHARE = 0.0, float("inf")  # after each epoch
folder = Path(sys.argv[1])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def halve(n):
    whole, written = Path.write_bytes, 0
    def write_bytes(path, content):
        nonlocal written
        written += path.name.endswith(PARTIAL)
        if written == n:
            whole(path, bytes(content)[: len(content) // 2])
            die()
        return whole(path, content)
    Path.write_bytes = write_bytes

def train(out, batch=None, file=None):
    # All modules are loaded, and nothing has been computed, so that a child is a fresh process at once.
    child = os.fork()
    if not child:
        sys.stderr = open(os.devnull, "w")
        if file:
            halve(file)
        batches = epochs = 0
        for event in run(load_recipe(folder / "recipe.toml"), folder, out, resume=True):
            epochs = 0 if isinstance(event, FitStarted) else epochs + isinstance(event, EpochDone)
            batches += isinstance(event, BatchDone)
            if batch and batches >= batch and epochs:
                die()
            if getattr(event, "text", "").startswith("Writing"):
                os._exit(0)  # all is computed, and kept; pictures and report take longer than that
        os._exit(1)
    return os.waitpid(child, 0)[1]

killed = folder / "killed"
assert train(folder / "never") == 0
for batch, file in ((7, None), (None, 4), (32, None), (None, 9), (51, None), (None, 1)):
    assert train(killed, batch, file) == signal.SIGKILL
    tasks = killed / "tasks"
    if batch:
        assert list(tasks.glob("checkpoint*.task")), "killed within a fold"
    else:
        assert list(tasks.glob(f".*{PARTIAL}")), "killed within a file"
assert train(killed) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_weights_and_scores_are_the_same_after_any_number_of_kills(tmp_path: Path) -> None:
    write_small(tmp_path, CNN)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    never, killed = TaskStore(tmp_path / "never" / "tasks"), TaskStore(tmp_path / "killed" / "tasks")
    names = list(never.names(""))
    assert [sum(name.startswith(kind) for name in names) for kind in ("fold-cnn2d", "refit-cnn2d")] == [4, 1]
    assert list(killed.names("")) == names, "no checkpoint is left"
    for name in names:
        ours, theirs = killed.read(name), never.read(name)
        assert ours is not None
        assert theirs is not None
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            np.testing.assert_array_equal(ours[key], value, err_msg=f"{name} {key}")
    assert list(killed.folder.glob(".*"))
    for path in killed.folder.glob(".*"):  # half written; another process may be at it for an hour
        os.utime(path, (0, 0))
    killed.remove_stale_partials()
    assert not list(killed.folder.glob(".*")), "nothing half written is left"
