"""A training process that is killed at random moments, and goes on, ends with the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small import write_small

from napari_fmri_decoder.training.store import TaskStore

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
import os, signal, sys, time
from pathlib import Path

import numpy as np
import sklearn.linear_model, sklearn.preprocessing, torch._dynamo  # loaded late otherwise, by each child
from napari_fmri_decoder.pipeline import run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training import checkpoint

checkpoint.EVERY_S, checkpoint.SHARE = 0.0, float("inf")  # after each epoch
folder, kills = Path(sys.argv[1]), int(sys.argv[2])

def train(out):
    # All modules are loaded, and nothing has been computed, so that a child is a fresh process at once.
    child = os.fork()
    if not child:
        sys.stderr = open(os.devnull, "w")
        for event in run(load_recipe(folder / "recipe.toml"), folder, out, resume=True):
            if getattr(event, "text", "").startswith("Writing"):
                os._exit(0)  # all is computed, and kept; pictures and report take longer than that
        os._exit(1)
    return child

def newest(out):
    found = {}
    for path in (out / "tasks").glob("checkpoint*.task"):
        try:
            found[path.name] = path.stat().st_mtime_ns
        except FileNotFoundError:
            pass
    return found

started = time.monotonic()
assert os.waitpid(train(folder / "never"), 0)[1] == 0
took = time.monotonic() - started
rng = np.random.default_rng(3)
within = 0
for _ in range(kills):
    before = newest(folder / "killed")
    child = train(folder / "killed")
    while newest(folder / "killed") == before and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    time.sleep(rng.uniform(0, took / 20))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    within += bool(newest(folder / "killed"))
assert os.waitpid(train(folder / "killed"), 0)[1] == 0
print(within)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_however_often_it_is_killed_weights_and_scores_are_the_same(tmp_path: Path) -> None:
    write_small(tmp_path, CNN)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "5"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3, "most are killed within a fold"
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
    for path in killed.folder.glob(".*"):  # half written; another process may be at it for an hour
        os.utime(path, (0, 0))
    killed.sweep()
    assert not list(killed.folder.glob(".*")), "nothing half written is left"
