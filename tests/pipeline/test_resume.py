"""The scores are the same wherever a run is computed, and however often it is interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from distributed import Client
from small import write_small

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.scores import score_folds
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import BatchDone, FitStarted, FoldDone, Progress
from napari_fmri_decoder.training.tasks.worker_host import PATIENT

N = 48
LINEAR = f'name = "linear"\nC = 0.1\n[null]\npermutations = {N}\n[training]\nthreads = 1'
MLP = 'name = "mlp"\nhidden = 4\n[null]\npermutations = 4\n[training]\nepochs = 3\nseeds = 3\nthreads = 1'


def _numbers(folder: Path) -> dict:
    """All of scores.json but the time it took."""
    return json.loads((folder / "scores.json").read_text()) | {"seconds": 0}


def _tasks(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "tasks").glob("*.task")}


def _written(folder: Path) -> dict[str, int]:
    """When each task that is done was written down."""
    return {p.name: p.stat().st_mtime_ns for p in (folder / "tasks").glob("*.task")}


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serial")
    write_small(folder, LINEAR, strength=6.0)
    finish(run(load_recipe(folder / "recipe.toml"), folder, folder / "run"))
    return folder


def _workers() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_scores_are_the_same_if_one_of_two_workers_is_killed(serial, tmp_path):
    recipe, killed, most = load_recipe(serial / "recipe.toml"), [], 0
    with closing(run(recipe, serial, tmp_path / "run", cluster="local:2")) as events:
        for event in events:
            if isinstance(event, Progress) and event.what == "permutations":
                most = max(most, event.done)
                if 0 < event.done < N and not killed:
                    worker = _workers()[0]
                    worker.send_signal(signal.SIGKILL)
                    killed.append(event.done)
    assert killed
    assert most == N
    assert _numbers(tmp_path / "run") == _numbers(serial / "run")
    assert (tmp_path / "run" / "predictions.tsv").read_bytes() == (
        serial / "run" / "predictions.tsv"
    ).read_bytes()
    # Files for the workers are removed; completed tasks remain; no process remains.
    assert not (tmp_path / "run" / "tasks" / "samples.npy").exists()
    assert not _workers()


def test_a_stopped_run_resumes_where_it_was(serial, tmp_path):
    recipe, out = load_recipe(serial / "recipe.toml"), tmp_path / "run"
    with closing(run(recipe, serial, out)) as events:
        for event in events:
            if isinstance(event, Progress) and event.what == "permutations" and event.done == 20:
                break
    kept = _written(out)
    assert any(name.startswith("permutations") for name in kept)
    assert not (out / "scores.json").exists()
    with pytest.raises(InputError, match=r"is not complete.*--resume"):
        finish(run(recipe, serial, out))
    fits = 0
    with closing(run(recipe, serial, out, resume=True)) as events:
        for event in events:
            fits += isinstance(event, FitStarted)
    assert fits == 1  # the model that is kept: neither folds nor baselines were fitted again
    assert kept.items() <= _written(out).items()  # completed tasks are not repeated
    assert _numbers(out) == _numbers(serial / "run")


def test_resume_refuses_another_recipe_samples_or_software(serial, tmp_path):
    write_small(tmp_path, LINEAR)
    recipe, out = load_recipe(tmp_path / "recipe.toml"), tmp_path / "run"
    with closing(run(recipe, tmp_path, out)) as events:
        next(event for event in events if isinstance(event, BatchDone))
    other = write_small(tmp_path, LINEAR.replace("0.1", "1.0"))
    with pytest.raises(InputError, match=r"another recipe \(decoder\.C was 0\.1, is 1\.0\)"):
        finish(run(load_recipe(other), tmp_path, out, resume=True))
    write_small(tmp_path, LINEAR, seed=5)
    with pytest.raises(InputError, match="other samples"):
        finish(run(recipe, tmp_path, out, resume=True))
    begun = out / "tasks" / "run.json"
    content = json.loads(begun.read_text())
    write_small(tmp_path, LINEAR)
    begun.write_text(json.dumps(content | {"versions": content["versions"] | {"torch": "1.0"}}))
    with pytest.raises(InputError, match=r"other software \(torch was 1\.0"):
        finish(run(recipe, tmp_path, out, resume=True))
    begun.write_text(json.dumps(content | {"computed": {"device": "cuda", "precision": "float32"}}))
    with pytest.raises(InputError, match=r"another kind of hardware \(device was cuda, is cpu\)"):
        finish(run(recipe, tmp_path, out, resume=True))
    begun.write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        finish(run(recipe, tmp_path, out, resume=True))


def test_scores_are_written_last_and_a_completed_run_is_not_overwritten(tmp_path, monkeypatch):
    linear = LINEAR.replace(f"= {N}", "= 0")
    write_small(tmp_path, linear)
    recipe, out = load_recipe(tmp_path / "recipe.toml"), tmp_path / "run"

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("napari_fmri_decoder.pipeline.folder.write_report", killed)
        with pytest.raises(KeyboardInterrupt):
            finish(run(recipe, tmp_path, out))
    assert not (out / "scores.json").exists()
    finish(run(recipe, tmp_path, out, resume=True))
    assert 'href="scores.json"' in (out / "report.html").read_text(encoding="utf-8")
    before = (out / "model.safetensors").read_bytes(), _numbers(out)

    shutil.rmtree(out / "tasks")
    other = load_recipe(write_small(tmp_path, linear.replace("0.1", "1.0")))
    with pytest.raises(
        InputError, match=r"which is complete \(decoder\.C was 0\.1, is 1\.0\).*Choose another"
    ):
        finish(run(other, tmp_path, out, resume=True))
    write_small(tmp_path, linear, seed=5)
    with pytest.raises(InputError, match="labels or mask have changed"):
        finish(run(recipe, tmp_path, out, resume=True))
    assert ((out / "model.safetensors").read_bytes(), _numbers(out)) == before
    write_small(tmp_path, linear)
    finish(run(recipe, tmp_path, out, resume=True))  # the same: it may be done again
    assert ((out / "model.safetensors").read_bytes(), _numbers(out)) == before
    shutil.rmtree(out / "tasks")
    (out / "model.safetensors").unlink()
    with pytest.raises(InputError, match="its recipe cannot be read"):
        finish(run(recipe, tmp_path, out, resume=True))


def test_scores_of_several_seeds_and_their_spread(tmp_path):
    write_small(tmp_path, MLP, strength=6.0)
    scores = finish(run(load_recipe(tmp_path / "recipe.toml"), tmp_path, tmp_path / "run")).scores
    assert scores.seeds.seeds == (0, 1, 2)
    assert scores.seeds.scores[0] == scores.score
    prepared = prepare_run(load_recipe(tmp_path / "recipe.toml"), tmp_path)
    config = prepared.recipe.training.model_copy(update={"seed": 2})
    events = cross_validate(prepared.recipe.decoder, prepared.samples, prepared.splits, config)
    alone = [event.result for event in events if isinstance(event, FoldDone)]
    assert score_folds(alone, prepared.samples).score == scores.seeds.scores[2]


@pytest.mark.slow
@pytest.mark.parametrize("decoder", [LINEAR, MLP.replace("threads = 1", "threads = 2")])
def test_serial_and_two_workers_give_the_same_scores(tmp_path, decoder):
    write_small(tmp_path, decoder, strength=6.0)
    recipe = load_recipe(tmp_path / "recipe.toml")
    finish(run(recipe, tmp_path, tmp_path / "serial"))
    finish(run(recipe, tmp_path, tmp_path / "workers", cluster="local:2"))
    assert _numbers(tmp_path / "serial") == _numbers(tmp_path / "workers")


@pytest.mark.slow
def test_scores_are_the_same_with_an_external_scheduler_and_workers(serial, tmp_path):
    """As on a cluster: `dask scheduler` and `dask worker` are started by hand, and outlive the run."""
    written = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    address = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
    with contextlib.ExitStack() as ended:

        def start(what: str, *options: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
            process = subprocess.Popen(command, **quiet)
            ended.callback(process.wait)
            ended.callback(process.terminate)
            return process

        scheduler = start("scheduler", *address, "--scheduler-file", str(written))
        while not (written.exists() and written.read_text().endswith("}")):
            assert scheduler.poll() is None
            time.sleep(0.05)
        where = json.loads(written.read_text())["address"]
        assert where.startswith("tcp://127.0.0.1:")
        workers = [start("worker", where, "--nthreads", "1", "--no-dashboard") for _ in range(2)]
        with Client(where, timeout=PATIENT) as client:
            client.wait_for_workers(2)
        words = ["train", serial / "recipe.toml", "--out", tmp_path / "run", "--cluster", where]
        command = [sys.executable, "-m", "napari_fmri_decoder.cli", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert all(process.poll() is None for process in (scheduler, *workers)), "they are not ours to end"
    assert _numbers(tmp_path / "run") == _numbers(serial / "run")
    predictions = [folder / "run" / "predictions.tsv" for folder in (tmp_path, serial)]
    assert predictions[0].read_bytes() == predictions[1].read_bytes()


@pytest.mark.parametrize("cluster", ["serial", "local:2"])
@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_scores(serial, tmp_path, cluster):
    out = tmp_path / "run"
    words = ["train", serial / "recipe.toml", "--out", out, "--cluster", cluster]
    command = [sys.executable, "-m", "napari_fmri_decoder.cli", *map(str, words)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as running:
        wanted = "fold-*.task" if cluster == "serial" else "permutations-*.task"
        while not list((out / "tasks").glob(wanted)):
            assert running.poll() is None
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
    kept = {p.name: p.stat().st_mtime_ns for p in (out / "tasks").glob("*.task") if p.name != "samples.task"}
    assert kept
    assert not (out / "scores.json").exists()
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert _numbers(out) == _numbers(serial / "run")
    for name, written in kept.items():
        assert (out / "tasks" / name).stat().st_mtime_ns == written
