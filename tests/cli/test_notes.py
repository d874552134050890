"""What is uncertain of the images, and what was done to them, reaches every output."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.errors import InputError

LEFT = "Left and right are not certain"
LABELS = ["a"] * 4 + ["b"] * 4 + ["a"] * 4 + ["b"] * 4


def _run(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [str(w) for w in words])
    if status:
        assert isinstance(result.exception, InputError), result.output  # main makes it one line and status 2
        return str(result.exception)
    assert result.exit_code == 0, (result.output, result.exception)
    return " ".join(result.output.split())


def _bold(path: Path, seed: int, tr: float = 2.0, places: bool = False) -> Path:
    rng = np.random.default_rng(seed)
    data = 100 + rng.standard_normal((4, 4, 3, 16))
    data[0, 0, :, [i for i, label in enumerate(LABELS) if label == "b"]] += 4
    image = nib.Nifti1Image(data.astype(np.float32), np.diag([3.0, 3, 3, 1]))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = tr
    if not places:
        image.set_sform(None, 0)
        image.set_qform(None, 0)
    nib.save(image, path)
    return path


def _study(folder: Path, data: str = "", **kwargs: object) -> Path:
    for run in (1, 2):
        _bold(folder / f"run-{run}.nii.gz", run, **kwargs)  # type: ignore[arg-type]
    rows = [f"{label}\t{run}" for run in (1, 2) for label in LABELS]
    (folder / "volumes.tsv").write_text("label\trun\n" + "\n".join(rows) + "\n")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'[data]\nimages = "run-*.nii.gz"\n{data}\n[labels]\nsource = "table"\ntable = "volumes.tsv"\n'
        '[decoder]\nname = "linear"\n'
    )
    return recipe


def test_notes_on_images_reach_the_run_the_model_and_the_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = _study(tmp_path)
    printed = _run("train", recipe, "--out", "out")
    assert LEFT in printed
    assert "2 s (TR from its header). Done: detrended in each run; standardized in each run." in printed
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert sum(LEFT in note for note in scores["notes"]) == 1
    assert scores["notes"][0].startswith("Data: a time series of 32 volumes")
    report = (tmp_path / "out" / "report.html").read_text()
    assert LEFT in report
    assert "Data: a time series of 32 volumes" in report
    bold, model = "run-1.nii.gz", "out/model.safetensors"
    assert LEFT in _run("info", bold)
    assert LEFT in _run("mask", bold, "--strategy", "threshold", "-o", "mask.nii.gz")
    assert LEFT in _run("slab", bold, "--stop", 2, "-o", "slab.nii.gz")
    assert LEFT in _run("predict", model, bold, "-o", "p.tsv")
    zmaps = ("zmaps", bold, "--hrf", "none", "--noise", "ols", "--table", "one.tsv", "--exclude", "a")
    (tmp_path / "one.tsv").write_text("label\trun\n" + "".join(f"{label}\t1\n" for label in LABELS))
    assert LEFT in _run(*zmaps, "-o", "maps")
    about = json.loads((tmp_path / "maps" / "zmaps.json").read_text())
    assert any(LEFT in note for note in about["notes"])
    assert about["repetition_time_from"] == "its header"
    assert LEFT in _run("group", "out")


def test_a_tr_in_milliseconds_is_reported(tmp_path):
    assert "milliseconds" in _run(
        "train", _study(tmp_path, tr=2000.0, places=True), "--out", tmp_path / "out"
    )


def test_a_run_without_a_tr_reports_that_nothing_was_detrended_and_how_to_set_it(tmp_path):
    printed = _run("train", _study(tmp_path, tr=0, places=True), "--out", tmp_path / "out")
    assert "treated as a stack of images" in printed
    assert "data.tr" in printed
    assert "Not done:" in printed
    stated = _study(tmp_path, "tr = 2.0", tr=0, places=True)
    assert "one every 2 s (TR as set by the user). Done: detrended" in _run(
        "train", stated, "--out", tmp_path / "o2"
    )


@pytest.mark.parametrize("stated", ["kind = 'map'", "tr = 2.0\nkind = 'stat'"])
def test_unknown_kinds_and_kinds_without_a_tr_are_refused(tmp_path, stated):
    assert "kind" in _run("train", _study(tmp_path, stated), "--out", tmp_path / "out", status=2)


def test_zmaps_compare_the_tr_with_the_json_file_as_train_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _bold(tmp_path / "sub-1_bold.nii.gz", 1, places=True)
    (tmp_path / "sub-1_bold.json").write_text('{"RepetitionTime": 1.0}')
    (tmp_path / "one.tsv").write_text("label\trun\n" + "".join(f"{label}\t1\n" for label in LABELS))
    words = (
        "zmaps",
        "sub-1_bold.nii.gz",
        "--hrf",
        "none",
        "--noise",
        "ols",
        "--table",
        "one.tsv",
        "--exclude",
        "a",
    )
    assert "must fit the images" in _run(*words, "-o", "maps", status=2)
    assert not (tmp_path / "maps").exists()
    assert "one every 1 s (TR as set by the user)" in _run(*words, "--tr", 1, "-o", "maps")
    assert json.loads((tmp_path / "maps" / "zmaps.json").read_text())["repetition_time"] == 1.0


def test_info_accepts_a_kind_and_reports_its_source(tmp_path):
    path = _bold(tmp_path / "a.nii.gz", 1, places=True)
    (found,) = json.loads(_run("info", path, "--json"))
    assert (found["kind"], found["kind_from"], found["TR_s"]) == ("bold", "its header's TR (2 s)", 2.0)
    (found,) = json.loads(_run("info", path, "--kind", "stat", "--json"))
    assert (found["kind"], found["kind_from"], found["TR_s"]) == ("stat", "stated", None)
