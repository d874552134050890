"""Each subject is a separate run, wherever it is computed; a failure does not stop the others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from fmriprep_tree import write_tree

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.evaluation.group import summarize_group
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.pipeline.events import SubjectDone
from napari_fmri_decoder.pipeline.subjects import _where, one_per_subject, run_subjects
from napari_fmri_decoder.recipe import Recipe, make_recipe
from napari_fmri_decoder.training.events import Note, Progress

DEVICE_COUNT = "napari_fmri_decoder.training.torch.devices.device_count"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_tree(folder)
    return folder


def recipe(**data: object) -> Recipe:
    return make_recipe(
        {
            "data": {"bids": "derivatives/fmriprep", **data},
            "labels": {"source": "events"},
            "decoder": {"name": "linear", "C": 0.1},
        }
    )


def scores(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "scores.json").read_text())
    return {name: value for name, value in found.items() if name != "seconds"}


def test_each_subject_equals_a_separate_run_and_failures_are_reported(root: Path, tmp_path: Path) -> None:
    each = one_per_subject(recipe(), root)
    assert list(each) == ["sub-01", "sub-02"]
    notes: list[str] = []
    ended: list[SubjectDone] = []

    def on_event(event: object) -> None:
        if isinstance(event, SubjectDone):
            ended.append(event)
        if isinstance(event, Note):
            notes.append(event.message)

    both = {name: (one, root) for name, one in each.items()}
    group = run_to_end(run_subjects(both, tmp_path / "here"), on_event)
    assert [row.subject for row in group.subjects] == ["01"]
    assert [done.folder.name for done in ended] == ["sub-01", "sub-02"]
    assert not ended[0].problem
    assert ended[1].problem.startswith("Every run must have events")
    assert any(note.startswith("sub-02 failed: Every run must have events") for note in notes)
    finish(run(recipe(subjects="01"), root, tmp_path / "alone"))
    assert scores(tmp_path / "here" / "sub-01") == scores(tmp_path / "alone")
    assert (tmp_path / "here" / "group.json").exists()
    assert group.to_dict()["mean"] == summarize_group([tmp_path / "alone"]).to_dict()["mean"]


def test_subjects_on_workers_have_the_same_scores_and_resume_skips_them(root: Path, tmp_path: Path) -> None:
    both = {n: (one, root) for n, one in one_per_subject(recipe(sessions=["a"]), root).items()}
    run_to_end(run_subjects(both, tmp_path / "there", cluster="local:2"))
    run_to_end(run_subjects(both, tmp_path / "here"))
    for name in both:
        assert scores(tmp_path / "there" / name) == scores(tmp_path / "here" / name)
    written = (tmp_path / "there" / "sub-01" / "scores.json").stat().st_mtime_ns
    run_to_end(run_subjects(both, tmp_path / "there", resume=True))
    assert (tmp_path / "there" / "sub-01" / "scores.json").stat().st_mtime_ns == written


def test_a_completed_subject_of_another_recipe_is_refused(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def study(base: Path, **data: object) -> None:
        each = one_per_subject(recipe(subjects="01", **data), base)
        run_to_end(run_subjects({n: (one, base) for n, one in each.items()}, out, resume=True))

    first = tmp_path / "study"
    shutil.copytree(root, first)
    study(first, sessions=["a"])
    written = (out / "sub-01" / "scores.json").stat().st_mtime_ns
    for change, message in (
        ({"mask": {"strategy": "all"}}, "data.mask was unset"),
        ({"sessions": "b"}, "sess"),
    ):
        with pytest.raises(
            InputError, match=rf"sub-01 was run with another recipe .*{message}.*Choose another"
        ):
            study(first, **{"sessions": ["a"], **change})
    with pytest.raises(InputError, match=r"data\.bids was"):  # the same names in another dataset
        study(root, sessions=["a"])
    moved = tmp_path / "elsewhere"
    first.rename(moved)
    study(moved, sessions=["a"])
    assert (out / "sub-01" / "scores.json").stat().st_mtime_ns == written
    (out / "sub-01" / "asked.toml").unlink()
    with pytest.raises(InputError, match="has no record of its recipe"):
        study(moved, sessions=["a"])


@pytest.mark.parametrize("error", [MemoryError("6 GiB"), OSError(5, "Input/output error"), KeyError("gone")])
def test_a_subject_that_breaks_in_any_way_leaves_the_others_go_on(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(
        one: Recipe, base: Path, folder: Path, watch: object, **more: bool
    ) -> Generator[object, None, None]:
        if folder.name == "sub-01":
            raise error
        folder.mkdir()
        yield Progress("fold", 1, 1)
        raise InputError("Data must be there.")

    monkeypatch.setattr("napari_fmri_decoder.pipeline.subjects.run", broken)
    both = {n: (one, root) for n, one in one_per_subject(recipe(), root).items()}
    events: list[object] = []
    with pytest.raises(InputError, match=r"All \d+ subjects failed"):
        run_to_end(run_subjects(both, tmp_path), events.append)
    notes = [event.message for event in events if isinstance(event, Note)]
    assert notes == [f"sub-01 failed: {type(error).__name__}: {error}", "sub-02 failed: Data must be there."]


def test_a_subject_whose_workers_are_killed_is_said(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killing:
        """Workers that are killed by each subject; test_workers tests real workers."""

        def imap(self, function: Any, calls: Any, on_killed: Any) -> Generator[Any, None, None]:
            error = TrainingError("A task killed its worker several times.")
            yield from (on_killed(call, error) for call in calls)

    monkeypatch.setattr("napari_fmri_decoder.pipeline.subjects.open_pool", lambda *_: nullcontext(Killing()))
    both = {n: (one, root) for n, one in one_per_subject(recipe(), root).items()}
    events: list[object] = []
    with pytest.raises(InputError, match=r"All \d+ subjects failed"):
        run_to_end(run_subjects(both, tmp_path, cluster="local:2"), events.append)
    for name in both:
        assert Note(f"{name} failed: A task killed its worker several times.") in events


def test_recipes_of_images_and_subjects_that_all_fail_are_refused(root: Path, tmp_path: Path) -> None:
    images = make_recipe(
        {"data": {"images": ["a.nii"]}, "labels": {"source": "events"}, "decoder": {"name": "mlp"}}
    )
    with pytest.raises(InputError, match="must have a dataset"):
        one_per_subject(images, root)
    with pytest.raises(InputError, match=r"All \d+ subjects failed"):
        run_to_end(run_subjects({"one": (images, root)}, tmp_path))


def test_networks_of_several_subjects_do_not_share_a_graphics_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    linear, network = recipe(), recipe().model_copy(update={"decoder": get_decoder({"name": "mlp"})})
    two = {name: (linear, Path()) for name in ("sub-1", "sub-2")}
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: 0)
    assert _where("auto", two) == _where("auto", two | {"sub-2": (network, Path())}) == "local:2"
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: int(kind == "cuda"))
    assert _where("auto", two) == "local:2"
    assert _where("auto", two | {"sub-2": (network, Path())}) == "serial"
    assert _where("local:2", two | {"sub-2": (network, Path())}) == "local:2", "who asks for it gets it"
