"""Untrusted files: pipes, 5,000 levels of nesting, names that a file system cannot distinguish."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.group import summarize_group
from napari_fmri_decoder.files import DEEPEST, parse_json, parse_toml
from napari_fmri_decoder.pipeline.predicting import _constant_notes
from napari_fmri_decoder.pipeline.resume import _differences, _listed
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.samples.bids.names import repetition_time, run_keys
from napari_fmri_decoder.samples.labels.events import EventLabels
from napari_fmri_decoder.samples.zmaps.table import file_words
from napari_fmri_decoder.text import printable, shortened
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.training.tasks.tasks import unpack_model
from napari_fmri_decoder.volumes.atlas_names import read_names
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read, read_series
from napari_fmri_decoder.volumes.volume import Volume

DEEP = '{"a":' * 5000 + "1" + "}" * 5000
pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only Unix has named pipes")


def _save(path: Path, shape: tuple[int, ...] = (3, 3, 2, 6), tr: float = 2.0, value: float = 100.0) -> Path:
    image = nib.Nifti1Image(np.full(shape, value, np.float32), np.diag([3, 3, 3, 1]))
    image.header.set_xyzt_units("mm", "sec")
    if len(shape) == 4:
        image.header["pixdim"][4] = tr
    nib.save(image, path)
    return path


@pytest.mark.parametrize(
    "text", [DEEP, "[" * 5000, '{"a": [' * 100, "[" * (DEEPEST + 2) + "]" * (DEEPEST + 2)]
)
def test_deeply_nested_or_invalid_json_gives_one_error(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_json(text, "sidecar.json")
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a = " + "{a=" * 5000, "a." * 5000 + "a = 1", "a = " + "9" * 5000]
)
def test_deeply_nested_or_endless_toml_gives_one_error(text: str) -> None:
    with pytest.raises(InputError, match=r"recipe\.toml must"):
        parse_toml(text, "recipe.toml")


def test_normal_nesting_is_read() -> None:
    assert parse_json('{"a": [[1, {"b": 2}]]}', "x") == {"a": [[1, {"b": 2}]]}
    assert parse_toml("a = [[1, {b = 2}]]", "x") == {"a": [[1, {"b": 2}]]}


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        "[" * 5000,
        '{"napari_fmri_decoder": ' + "[" * 5000,
        '{"napari_fmri_decoder": {"names": ' + "[" * 5000,
    ],
)
def test_deeply_nested_header_comment_is_ignored(tmp_path: Path, content: str) -> None:
    image = nib.load(_save(tmp_path / "bold.nii"))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", content.encode()))
    nib.save(image, tmp_path / "commented.nii")
    volume = read(tmp_path / "commented.nii")
    assert volume.n_volumes == 6
    assert volume.names == ()


@pytest.mark.parametrize(
    "text", [DEEP, "[]", "3", '{"RepetitionTime": true}', '{"RepetitionTime": Infinity}', "\xff"]
)
def test_sidecar_without_repetition_time_is_ignored(tmp_path: Path, text: str) -> None:
    bold = tmp_path / "sub-1_task-x_bold.nii.gz"
    (tmp_path / "sub-1_task-x_bold.json").write_text(text)
    assert repetition_time(bold) is None
    (tmp_path / "sub-1_task-x_bold.json").write_text('\ufeff{"RepetitionTime": 2}')
    assert repetition_time(bold) == (2.0, tmp_path / "sub-1_task-x_bold.json")


@pytest.mark.parametrize("about", [DEEP, "[]", "{}", "3", '{"input_shape": 3}', "9" * 5000])
def test_stored_task_with_invalid_description_gives_one_error(about: str) -> None:
    with pytest.raises(InputError, match="Delete the folder"):
        unpack_model({"about": np.array(about)}, get_decoder({"name": "linear"}))


def test_deeply_nested_scores_are_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(DEEP)
    with pytest.raises(InputError, match="run folders"):
        summarize_group([tmp_path])


def test_deeply_nested_xml_of_an_atlas_is_handled(tmp_path: Path) -> None:
    path = tmp_path / "atlas.xml"
    path.write_text("<a>" * 5000 + '<label index="3">name</label>' + "</a>" * 5000)
    assert read_names(path) == {3: "name"}
    path.write_text("<a>" * 5000)
    with pytest.raises(InputError):
        read_names(path)


@pipes
@pytest.mark.parametrize(
    ("opened", "pipe"),
    [
        ("x.nii", "x.nii"),
        ("x.img", "x.hdr"),
        ("x.hdr", "x.img"),
        ("x.img", "x.mat"),
        ("x+orig.HEAD", "x+orig.BRIK"),
    ],
)
def test_no_part_of_an_image_is_read_from_a_pipe(tmp_path: Path, opened: str, pipe: str) -> None:
    os.mkfifo(tmp_path / pipe)
    if opened != pipe:
        (tmp_path / opened).write_bytes(b"\0" * 400)
    with pytest.raises(InputError, match="is a pipe"):
        read(tmp_path / opened)


@pipes
def test_recipe_sidecar_atlas_task_and_run_are_not_read_from_a_pipe(tmp_path: Path) -> None:
    for name in ("r.toml", "atlas.txt", "scores.json", "sub-1_task-x_bold.json", "fit.task"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is a pipe"):
        load_recipe(tmp_path / "r.toml")
    with pytest.raises(InputError, match="is a pipe"):
        read_names(tmp_path / "atlas.txt")
    with pytest.raises(InputError, match="is a pipe"):
        summarize_group([tmp_path])
    assert repetition_time(tmp_path / "sub-1_task-x_bold.nii.gz") is None
    assert TaskStore(tmp_path).read("fit") is None


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["sub-1_task-a_run-1_bold.nii", "sub-1_task-b_run-1_bold.nii"], ["a-1", "b-1"]),
        (["sub-1_task-a_bold.nii", "sub-1_task-b_bold.nii"], ["a-1", "b-1"]),
        (
            ["sub-1_task-a_run-01_bold.nii", "sub-1_task-b_run-1_bold.nii", "sub-2_task-a_run-1_bold.nii"],
            ["a-1", "b-1", "a-1"],
        ),
        (["sub-1_task-a_run-1_bold.nii", "sub-1_task-b_run-2_bold.nii"], ["1", "2"]),
        (["sub-1_task-a_run-1_bold.nii", "sub-1_task-a_run-1_desc-x_bold.nii"], ["1", "1"]),
        (["pre.nii", "post.nii"], ["pre", "post"]),
    ],
)
def test_task_is_part_of_the_run_name_if_two_tasks_share_a_number(names: list[str], runs: list[str]) -> None:
    assert [run for _, _, run in run_keys(names)] == runs


def test_two_tasks_with_the_same_run_number_are_read_together(tmp_path: Path) -> None:
    for task in ("a", "b"):
        _save(tmp_path / f"sub-1_task-{task}_run-1_bold.nii", (2, 2, 2, 8))
        rows = "onset\tduration\ttrial_type\n0\t8\tface\n8\t8\thouse\n"
        (tmp_path / f"sub-1_task-{task}_run-1_events.tsv").write_text(rows)
    series = read_series(sorted(tmp_path.glob("*_bold.nii")))
    table, _ = EventLabels().rows(series, tmp_path)
    assert table["run"].unique().tolist() == ["a-1", "b-1"]


def test_run_with_one_volume_is_rejected(tmp_path: Path) -> None:
    paths = [_save(tmp_path / f"run-{i}_bold.nii", (2, 2, 2, n)) for i, n in ((1, 8), (2, 8), (3, 1))]
    for some in (paths, paths[1:], paths[2:] + paths[:1]):
        with pytest.raises(InputError, match=r"at least two volumes, but run-3_bold\.nii has 1"):
            read_series(some)


@pytest.mark.parametrize(
    "labels",
    [
        ["Face", "face", "FACE"],
        ["a b", "ab", "a/b"],
        ["é", "è", "日本", ""],
        ["L" * 300, "L" * 301, "s"],
        ["../up", "q?*<>|:", "house"],
    ],
)
def test_file_name_parts_are_short_and_unique_on_every_file_system(labels: list[str]) -> None:
    words = file_words(labels)
    assert len({word.lower() for word in words.values()}) == len(labels)
    assert all(word.isascii() and word.isalnum() and len(word) <= 64 for word in words.values())


def test_unambiguous_names_are_unchanged() -> None:
    assert file_words(["face", "big house"]) == {"face": "face", "big house": "bighouse"}


def test_longest_possible_file_name_can_be_written(tmp_path: Path) -> None:
    volume = read(_save(tmp_path / "bold.nii"))
    path = tmp_path / ("x" * 251 + ".nii")
    assert read(write(volume, path)).n_volumes == 6
    with pytest.raises(InputError, match="cannot be written"):
        write(volume, tmp_path / ("x" * 300 + ".nii"))


@pytest.mark.parametrize("number", [28, 30, 122, 5])
def test_failed_write_of_an_image_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(path: str, mode: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    volume = Volume(np.zeros((2, 2, 2), np.float32), np.diag([3.0, 3, 3, 1]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.nii").write_bytes(b"old")
    monkeypatch.setattr("napari_fmri_decoder.volumes.nifti.ImageOpener", full)
    with pytest.raises(InputError, match=os.strerror(number)):
        write(volume, tmp_path / "out" / "old.nii")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["old.nii"]
    assert (tmp_path / "out" / "old.nii").read_bytes() == b"old"


def test_difference_in_a_long_list_is_described_briefly() -> None:
    old = {
        "data": {"images": [f"/data/sub-{i:02}/func/bold.nii.gz" for i in range(60)]},
        "training": {"epochs": 3},
    }
    new = json.loads(json.dumps(old))
    new["data"]["images"][7] = "/data/other.nii.gz"
    new["training"]["epochs"] = 4
    found = _listed(_differences(old, new))
    assert found == (
        "data.images was /data/sub-07/func/bold.nii.gz, is /data/other.nii.gz at entry 8, "
        "training.epochs was 3, is 4"
    )
    new["data"]["images"] = new["data"]["images"][:5]
    assert "(60 entries before, 5 now)" in _listed(_differences(old, new))
    many = _listed(
        _differences({str(i): "x" * 500 for i in range(50)}, {str(i): "y" * 500 for i in range(50)})
    )
    assert len(many) < 1200
    assert many.endswith("and 44 more")


@pytest.mark.parametrize(("same", "expected"), [((), 0), ((0,), 1), ((1,), 1), ((0, 1), 1)])
def test_constant_series_gives_a_note(same: tuple[int, ...], expected: int) -> None:
    X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    for run in same:
        X[run * 4 : run * 4 + 4] = X[run * 4]
    table = pd.DataFrame({"subject": "", "session": "", "run": ["1"] * 4 + ["2"] * 4})
    notes = _constant_notes(X, table)
    assert len(notes) == expected
    assert all("meaningless" in note for note in notes)


def test_texts_are_safe_for_a_terminal() -> None:
    assert printable("a\x1b]0;x\x07\u202eb") == "a\\x1b]0;x\\x07\\u202eb"
    assert printable(SimpleNamespace(a=1)).startswith("namespace")
    assert len(shortened("x" * 10**6, 60)) == 60
