"""The command as a user types it, in separate processes where exit status and streams matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from fmriprep_tree import write_tree
from nilearn.image import crop_img, resample_img
from small import AFFINE, series, write_small
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app, main
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.bundle import load_bundle
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.slabs import Slab
from napari_fmri_decoder.volumes.volume import Volume


def _typed(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_fmri_decoder.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _run(*words: object):
    result = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


COMMANDS = (
    *(
        "info",
        "bids",
        "slab",
        "mask",
        "zmaps",
        "plot",
        "models",
        "train",
        "group",
        "predict",
        "explain",
        "demo",
    ),
    *("demo", "export", "selftest"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    text = _run(command, "--help")
    assert "Example: fmri-decoder" in text


def test_models_counts_the_parameters_of_the_notebooks_network():
    text = _run("models", "cnn2d", "--shape", 40, 56, 3, "--classes", 2)
    assert "2,345,602" in text
    assert "2,342,466" in text
    counted = json.loads(_run("models", "cnn2d", "--shape", 40, 56, 3, "--classes", 2, "--json"))
    assert (counted["total"], counted["trainable"]) == (2345602, 2342466)


def test_info_reports_the_position_of_an_image(tmp_path):
    volume, _ = series(1)
    write(volume, tmp_path / "bold.nii.gz")
    (row,) = json.loads(_run("info", tmp_path / "bold.nii.gz", "--json"))
    assert (row["kind"], row["shape"], row["TR_s"], row["orientation"]) == (
        "bold",
        [14, 16, 8, 16],
        2.0,
        "LAS",
    )
    np.testing.assert_allclose(row["origin_mm"], AFFINE[:3, 3])


def test_info_reports_an_unreadable_file_in_its_row(tmp_path):
    (tmp_path / "bad.nii").write_text("no scan")
    write(series(1)[0], tmp_path / "good.nii")
    done = _typed("info", tmp_path / "bad.nii", tmp_path / "good.nii", "--json")
    bad, good = json.loads(done.stdout)
    assert done.returncode == 2
    assert "must be a NIfTI image" in bad["error"]
    assert good["kind"] == "bold"


def test_info_prints_one_row_per_file_and_the_full_header_of_a_single_file(tmp_path):
    write(series(1)[0], tmp_path / "bold.nii.gz")
    (tmp_path / "bad.nii").write_text("no scan")
    text = _run("info", tmp_path / "bold.nii.gz")
    for words in (
        "format  NIfTI-1",
        "sform  scanner (code 1)",
        "TR_s  2 s",
        "unit_time  sec",
        "LAS",
        "-4 0 0 26",
    ):
        assert words in text
    done = _typed("info", tmp_path / "bold.nii.gz", tmp_path / "bad.nii", tmp_path / "bold.nii.gz")
    head, first, bad, again = done.stdout.strip().splitlines()
    assert done.returncode == 2
    assert head.split()[:3] == ["shape", "kind", "axes"]
    assert first == again
    assert first.startswith("14 16 8 16")
    assert "must be a NIfTI image" in bad


def test_slab_equals_nilearns_steps_and_overlays_the_scan(tmp_path):
    volume, _ = series(1)
    write(volume, tmp_path / "bold.nii.gz")
    degrees = float(np.rad2deg(0.35))
    _run(
        *("slab", tmp_path / "bold.nii.gz", "--rotate-x", degrees, "--axis", "z", "--start", 2),
        *("--stop", 5, "--grid", "nilearn", "-o", tmp_path / "slab.nii.gz"),
    )
    turned = nib.Nifti1Image(np.asarray(volume.data), Slab(rotate_x=degrees).frame.matrix @ AFFINE)
    theirs = crop_img(resample_img(turned, AFFINE, interpolation="continuous"))
    ours = nib.load(tmp_path / "slab.nii.gz")
    expected = theirs.get_fdata()[:, :, 2:5]
    assert np.abs(ours.get_fdata() - expected).max() <= 1e-3 * np.ptp(np.asarray(volume.data))
    back = Slab(rotate_x=degrees).frame.inverse @ theirs.affine
    np.testing.assert_allclose(ours.affine @ [0, 0, -2, 1], back @ [0, 0, 0, 1], atol=1e-3)
    assert ours.header.get_zooms()[3] == pytest.approx(2.0)


def test_plot_draws_a_picture(tmp_path):
    volume, _ = series(1)
    write(volume, tmp_path / "bold.nii.gz")
    values = np.random.default_rng(0).normal(size=volume.shape[:3]).astype(np.float32)
    write(Volume(values, volume.affine, "stat", name="z"), tmp_path / "zmap.nii.gz")
    below = ("--anatomy", tmp_path / "bold.nii.gz", "--threshold", 1.5, "--positions", -6, "--positions", 2)
    for ending in ("png", "svg"):
        said = _run("plot", tmp_path / "zmap.nii.gz", *below, "-o", tmp_path / f"p.{ending}")
        assert f"p.{ending}: 2 slices along z" in said
        assert (tmp_path / f"p.{ending}").stat().st_size > 10_000


def test_bad_input_is_one_line_and_status_2(tmp_path, capsys, monkeypatch):
    write(series(1)[0], tmp_path / "bold.nii.gz")
    for words in (
        ("slab", tmp_path / "bold.nii.gz", "--start", 5, "--stop", 5, "-o", tmp_path / "s.nii.gz"),
        ("slab", tmp_path / "none.nii.gz", "-o", tmp_path / "s.nii.gz"),
        ("slab", tmp_path / "bold.nii.gz", "-o", tmp_path / "s.png"),
        ("mask", tmp_path / "bold.nii.gz", "--strategy", "magic", "-o", tmp_path / "m.nii.gz"),
        ("plot", tmp_path / "bold.nii.gz", "-o", tmp_path / "p.tif"),
        ("plot", tmp_path / "bold.nii.gz", "--volume", 99, "-o", tmp_path / "p.png"),
        ("plot", tmp_path / "bold.nii.gz", "--axis", "w", "-o", tmp_path / "p.png"),
        ("train", tmp_path / "none.toml", "--out", tmp_path / "run"),
        ("predict", tmp_path / "bold.nii.gz", tmp_path / "bold.nii.gz", "-o", tmp_path / "p.tsv"),
    ):
        monkeypatch.setattr(sys, "argv", ["fmri-decoder", *map(str, words)])
        with pytest.raises(SystemExit) as done:
            main()
        assert done.value.code == 2, words
        printed = capsys.readouterr()
        assert len(printed.err.strip().splitlines()) == 1, printed.err
        assert "must" in printed.err or "needs" in printed.err or "is not one of" in printed.err
        assert printed.out == ""


def test_commands_that_read_only_a_header_load_no_torch(tmp_path):
    write(series(1)[0], tmp_path / "bold.nii.gz")
    code = "import sys; from napari_fmri_decoder.cli import app; app(standalone_mode=False); "
    code += "print({'torch', 'sklearn', 'nilearn', 'matplotlib'} & set(sys.modules))"
    command = [sys.executable, "-c", code, "info", str(tmp_path / "bold.nii.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "set()"


SLOW = {"torch", "dask", "distributed", "nilearn", "sklearn", "matplotlib", "scipy.ndimage"}
"""Libraries that take long to load, and that these commands do not need."""


def loaded_by(*words: object) -> set[str]:
    """Modules that a fresh interpreter has loaded after the command."""
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules))\n"
        "from napari_fmri_decoder.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "napari_fmri_decoder.cli" in done.stdout, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_no_numpy():
    assert not {*SLOW, "numpy", "pandas", "nibabel", "scipy"} & loaded_by("--help")


@pytest.mark.parametrize(
    "error",
    [
        ("[decoder]", "[decoder"),
        ("[decoder]", "[decoder]\nwrong = 1"),
        ('name = "linear"', 'name = "lineer"'),
    ],
)
def test_an_error_in_a_recipe_is_reported_before_slow_libraries_are_loaded(tmp_path, error):
    recipe = write_small(tmp_path)
    recipe.write_text(recipe.read_text().replace(*error))
    assert not SLOW & loaded_by("train", recipe, "--out", tmp_path / "run")


def test_mask_is_written_on_the_images_grid(tmp_path):
    volume, _ = series(1)
    write(volume, tmp_path / "bold.nii.gz")
    _run(
        *("mask", tmp_path / "bold.nii.gz", "--strategy", "threshold", "--set", "above=200"),
        *("-o", tmp_path / "m.nii.gz"),
    )
    kept = nib.load(tmp_path / "m.nii.gz").get_fdata() > 0
    np.testing.assert_array_equal(kept, np.asarray(volume.data).mean(axis=-1) > 200)


def test_train_predict_and_explain_from_end_to_end(tmp_path):
    recipe = write_small(
        tmp_path,
        'name = "cnn2d"\n[slab]\nrotate_x = 15\nstart = 3\nstop = 6\n[training]\nepochs = 2\nthreads = 1\n'
        '[split]\nscheme = "explicit"\ntest = ["4"]',
    )
    text = _run("train", recipe, "--out", tmp_path / "run")
    assert "not tested against chance" in text
    assert str(tmp_path / "run" / "report.html") in text
    model = tmp_path / "run" / "model.safetensors"
    printed = tmp_path / "printed.tsv"
    _run("predict", model, tmp_path / "small_bold.nii.gz", "--runs", "16,16,16,16", "-o", printed)
    table = pd.read_csv(printed, sep="\t")
    assert len(table) == 64
    assert set(table["predicted"]) <= {"closed", "open"}
    maps = tmp_path / "maps.nii.gz"
    _run("explain", model, tmp_path / "small_bold.nii.gz", "--layer", "conv1", "-o", maps)
    written = nib.load(tmp_path / "run" / "layers" / "cnn2d_conv1.nii.gz")
    np.testing.assert_allclose(nib.load(maps).affine, written.affine, atol=1e-4)
    assert nib.load(maps).shape == written.shape
    words = ("explain", model, tmp_path / "small_bold.nii.gz", "-o", tmp_path / "again.nii.gz")
    _run(*words, "--method", "activation", "--set", "layer=conv1")
    np.testing.assert_array_equal(nib.load(tmp_path / "again.nii.gz").get_fdata(), nib.load(maps).get_fdata())
    for given, message in {
        ("--method", "tea-leaves"): "name = one of activation",
        ("--set", "later=conv1"): "later: Extra inputs are not permitted",
        ("--set", "layer=conv9"): "it has conv1",
        ("--layer", "conv1", "--set", "layer=conv2"): "must be set once",
    }.items():
        with pytest.raises(InputError, match=message):
            _run(*words, *given)


def test_predictions_on_the_training_scan_are_those_of_the_model(tmp_path):
    recipe = write_small(tmp_path, 'name = "linear"\nC = 0.1')
    _run("train", recipe, "--out", tmp_path / "run")
    _run(
        *("predict", tmp_path / "run" / "model.safetensors", tmp_path / "small_bold.nii.gz"),
        *("--runs", "16,16,16,16", "-o", tmp_path / "printed.tsv"),
    )
    printed = pd.read_csv(tmp_path / "printed.tsv", sep="\t")
    truth = pd.read_csv(tmp_path / "volumes.tsv", sep="\t")
    assert (printed["predicted"] == truth["label"]).mean() > 0.95


def test_explain_writes_maps_of_a_run_and_describes_them(tmp_path):
    recipe = write_small(tmp_path, 'name = "lda"')
    _run("train", recipe, "--out", tmp_path / "run", "--no-figures")
    text = _run("explain", tmp_path / "run", "--method", "pattern")
    path = tmp_path / "run" / "layers" / "stat-pattern_desc-ldaFolds_statmap.nii.gz"
    assert f"{path}: 2 maps of 14 x 16 x 8 voxels, mean over the models of 4 folds." in text
    assert nib.load(path).shape == (14, 16, 8, 2)
    about = json.loads(path.with_name("stat-pattern_desc-ldaFolds_statmap.json").read_text())
    assert about["Maps"] == ["closed", "open"]
    left_out = "roar,label-randomization,stability,captum,plausibility"
    text = _run("explain", tmp_path / "run", "--method", "pattern", "--proof", "--leave-out", left_out)
    proof = json.loads(path.with_name("stat-pattern_desc-ldaFolds_statmap_proof.json").read_text())
    about = json.loads(path.with_name("stat-pattern_desc-ldaFolds_statmap.json").read_text())
    assert about["Proof"] == proof["Line"]
    assert proof["Line"] in text
    assert [c["test"] for c in proof["Checks"]][:2] == ["model-randomization", "faithfulness"]
    assert about["Maps"] == ["closed", "open"]
    groups = ("--group", "label=open", "--group", "outcome=right", "--minus", "label=closed")
    _run("explain", tmp_path / "run", "--method", "gradient-x-input", *groups, "-o", tmp_path / "g.nii.gz")
    about = json.loads((tmp_path / "g.json").read_text())
    source = "mean over held-out volumes (label open, right), minus that of others (label closed)"
    assert about["Source"] == f"{source}, each by the model that held it out"
    assert about["SeenInTraining"] is False
    model, image = tmp_path / "run" / "model.safetensors", tmp_path / "small_bold.nii.gz"
    words = ("--method", "weights", "--models", "all", "--set", "voxels=scaled", "-o", tmp_path / "w.nii.gz")
    _run("explain", model, *words)
    weights = load_bundle(model).model.state["out.weight"]
    found = nib.load(tmp_path / "w.nii.gz").get_fdata()[..., 1]
    np.testing.assert_allclose(found.ravel(), weights[1] - weights[0], rtol=1e-5)
    assert json.loads((tmp_path / "w.json").read_text())["Method"]["voxels"] == "scaled"
    for given, message in {
        ("explain", model, image, "--method", "pattern", "--models", "folds"): "--models is for a run folder",
        ("explain", model, image, "--method", "pattern"): "-o, the output file, is missing",
        ("explain", model, image, "--method", "pattern", "--proof"): "--proof is for a run folder",
        (
            "explain",
            tmp_path / "run",
            "--method",
            "gradient",
            "--group",
            "label=open",
        ): "required with --group",
        ("explain", tmp_path / "run", "--minus", "label=open"): "--minus requires --group",
        ("explain", tmp_path / "run", "--leave-out", "roar"): "--leave-out requires --proof",
        ("explain", tmp_path, "--method", "weights"): "A run folder must contain a finished run",
        ("explain", tmp_path / "run", "--method", "weights", "--volume", "2"): "not of a single volume",
    }.items():
        with pytest.raises(InputError, match=message):
            _run(*given)


def test_export_writes_an_onnx_file_and_reports_the_difference(tmp_path):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason="the packages of the extra `onnx` are not installed")
    model = Path(__file__).parents[1] / "data" / "format1-mlp.safetensors"
    text = _run("export", model, "-o", tmp_path / "model.onnx")
    assert "108 voxels in, 2 probabilities out (closed, open); onnxruntime agrees" in text
    assert (tmp_path / "model.onnx").stat().st_size > 1000


def test_gui_without_napari_explains_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "napari_fmri_decoder._napari.demo", None)
    done = CliRunner().invoke(app, ["demo", "--gui"])
    assert 'pip install "napari-fmri-decoder[all]"' in str(done.exception)


def test_bids_lists_runs_and_missing_files(tmp_path):
    write_tree(tmp_path)
    folder = str(tmp_path / "derivatives" / "fmriprep")
    lines = _run("bids", folder, "--subject", "02").splitlines()
    assert lines[0].split() == ["subject", "session", "task", "run", "space", "missing", "file"]
    assert [line.split()[5] for line in lines[1:5]] == ["confounds", "nothing", "nothing", "events"]
    assert "sessions: a, b" in lines
    rows = json.loads(_run("bids", folder, "--json"))
    assert len(rows) == 8
    assert [row["missing"] for row in rows if row["missing"]] == [["confounds"], ["events"]]
