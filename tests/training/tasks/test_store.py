"""What a run keeps on its way comes back as it was, or not at all."""

from __future__ import annotations

import os
import stat
import time

import numpy as np
import pytest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate, fold_task
from napari_fmri_decoder.training.events import FitStarted, FoldDone, Note
from napari_fmri_decoder.training.tasks.store import TaskStore, digest_of, read_samples
from napari_fmri_decoder.training.tasks.tasks import Tasks

MLP = get_decoder({"name": "mlp", "hidden": 5})
QUICK = TrainingConfig(epochs=3, threads=1)


def _folds(toy, thirds, tasks=None, config=QUICK):
    events = list(cross_validate(MLP, toy, thirds, config.resolved(MLP), tasks=tasks))
    return events, [event.result for event in events if isinstance(event, FoldDone)]


def _same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.probabilities, b.probabilities)
        np.testing.assert_array_equal(a.train_probabilities, b.train_probabilities)
        assert (a.fold, a.split.name, a.train, a.test) == (b.fold, b.split.name, b.train, b.test)
        assert (a.untrained_train, a.untrained_test, a.history) == (
            b.untrained_train,
            b.untrained_test,
            b.history,
        )
        assert a.model.state.keys() == b.model.state.keys()
        for name, value in a.model.state.items():
            np.testing.assert_array_equal(value, b.model.state[name])
        np.testing.assert_array_equal(a.model.scaler.mean, b.model.scaler.mean)


def test_a_stored_fold_equals_the_fitted_fold(toy, thirds, tmp_path):
    tasks = Tasks(TaskStore(tmp_path))
    _, fitted = _folds(toy, thirds, tasks)
    events, read = _folds(toy, thirds, tasks)
    assert not any(isinstance(event, FitStarted) for event in events)
    _same(read, fitted)
    events, _ = _folds(toy, thirds, tasks, QUICK.model_copy(update={"epochs": 2}))
    assert sum(isinstance(event, FitStarted) for event in events) == 2  # other options, another task


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_task_is_done_again(toy, thirds, tmp_path, damage):
    tasks = Tasks(TaskStore(tmp_path))
    _, fitted = _folds(toy, thirds, tasks)
    path = sorted(tmp_path.glob("*.task"))[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": path.read_bytes()[:-50], "flipped": bytes(content), "empty": b""}[damage])
    events, again = _folds(toy, thirds, tasks)
    assert sum(isinstance(event, FitStarted) for event in events) == 1
    _same(again, fitted)


def test_a_worker_reads_the_samples_from_disk_and_fits_the_same(toy, thirds, tmp_path):
    store = TaskStore(tmp_path)
    store.write_samples(toy, thirds)
    samples, splits = read_samples(tmp_path)
    assert digest_of(samples, splits) == digest_of(toy, thirds)
    assert not samples.X.flags.owndata  # a view of the file, not a copy in memory
    np.testing.assert_array_equal(samples.y, toy.y)
    np.testing.assert_array_equal(samples.groups, toy.groups)
    for fold in range(len(thirds)):
        fold_task(tmp_path, MLP, QUICK.resolved(MLP), fold)
    _, by_tasks = _folds(toy, thirds, Tasks(store))
    _same(by_tasks, _folds(toy, thirds)[1])
    other = toy.relabeled(toy.table["label"].to_numpy()[::-1])
    store.write_samples(other, thirds)  # the next run in this folder, while the worker lives on
    assert digest_of(*read_samples(tmp_path)) == digest_of(other, thirds)
    store.drop_samples()
    with pytest.raises(InputError, match="must have access to the run folder"):
        read_samples(tmp_path)


def test_digests_of_different_samples_differ(toy, thirds):
    same = digest_of(toy, thirds)
    changed = toy.X.copy()
    changed[0, 0] += 1
    others = [
        (type(toy)(changed, toy.table, toy.classes, toy.space), thirds),
        (toy.relabeled(toy.table["label"].to_numpy()[::-1]), thirds),
        (toy, thirds[:1]),
    ]
    assert same == digest_of(toy, thirds)
    assert len({same, *(digest_of(*other) for other in others)}) == 4


def test_notes_are_stored_with_a_fold_and_reported_once(toy, thirds, tmp_path):
    tasks = Tasks(TaskStore(tmp_path))
    decoder = get_decoder({"name": "linear", "C": "nested"})
    first, again = (
        [
            e.message
            for e in cross_validate(decoder, toy, thirds, QUICK.resolved(decoder), tasks=tasks)
            if isinstance(e, Note)
        ]
        for _ in range(2)
    )
    assert first == again
    assert len(first) == len(set(first)) > 0


def test_what_another_process_may_be_writing_is_not_swept_away(tmp_path):
    young, old = tmp_path / ".fold.task.7-1.partial", tmp_path / ".fold.task.8-1.partial"
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 3600,) * 2)
    TaskStore(tmp_path).remove_stale_partials()
    assert young.exists()
    assert not old.exists()


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    store = TaskStore(tmp_path)
    store.write("one", {"a": np.arange(3)})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(InputError, match="No space left"):
        store.write("one", {"a": np.arange(9)})
    assert [p.name for p in tmp_path.iterdir()] == ["one.task"]
    np.testing.assert_array_equal(store.read("one")["a"], np.arange(3))


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("private", [True, False])
def test_samples_for_workers_of_this_machine_are_closed_to_other_users(toy, thirds, tmp_path, private):
    before = os.umask(0o022)
    try:
        TaskStore(tmp_path).write_samples(toy, thirds, private=private)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("samples.npy", "samples.task"), 0o600 if private else 0o644)
    np.testing.assert_array_equal(read_samples(tmp_path)[0].X, toy.X)
