"""The docs say what the code does: the reference is its fields' own, the examples are valid recipes."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_fmri_decoder.pipeline.predicting import predict
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.bundle.onnx import export_onnx
from napari_fmri_decoder.volumes.read import read

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"


def test_the_reference_is_up_to_date():
    module = runpy.run_path(str(ROOT / "tools" / "write_reference.py"))
    assert (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8") == module["reference"](), (
        f"run: {Path(sys.executable).name} tools/write_reference.py"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_examples_are_valid_recipes(path):
    assert load_recipe(path).decoder.name in path.name


def blocks_of(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def beside_a_model(tmp_path, monkeypatch):
    """A folder with a model and a scan on its grid, as docs/models.md has them."""
    from napari_fmri_decoder.volumes.nifti import write
    from napari_fmri_decoder.volumes.volume import Volume

    (tmp_path / "model.safetensors").write_bytes((DATA / "format1-cnn2d.safetensors").read_bytes())
    grid = load_bundle(tmp_path / "model.safetensors").space.grid
    data = np.random.default_rng(3).normal(400, 20, size=(*grid.shape, 12)).astype(np.float32)
    write(Volume(data, grid.affine, "bold", 2.0), tmp_path / "bold.nii.gz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_of_a_model_run(beside_a_model, capsys):
    with_package, without, _ = blocks_of("models.md")
    known: dict[str, Any] = {}
    exec(with_package, known)
    ours = known["table"][["p_closed", "p_open"]].to_numpy()
    assert ours.shape == (12, 2)
    assert np.ptp(ours, axis=0).min() > 0.01
    exec(without, known)
    assert capsys.readouterr().out == "['closed', 'open'] 108 voxels\n"
    described = re.findall(
        r"^\| `([\w.]+)`(?:, `([\w.]+)`)? \|", (ROOT / "docs/models.md").read_text("utf-8"), re.M
    )
    names = {name for row in described for name in row if name}
    assert {*known["description"], "step", "chosen"} <= names
    assert {name for name in known["arrays"] if not name.startswith("weights.")} <= names


def test_the_example_of_onnx_runs_and_agrees(beside_a_model, capsys):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason="the packages of the extra `onnx` are not installed")
    export_onnx(load_bundle("model.safetensors"), "model.onnx")
    known: dict[str, Any] = {}
    exec(blocks_of("models.md")[2], known)
    table, _ = predict(load_bundle("model.safetensors"), read("bold.nii.gz"))
    ours = table[["p_closed", "p_open"]].to_numpy()
    np.testing.assert_allclose(known["probabilities"], ours, atol=1e-4)
    assert str(table["predicted"].tolist()) in capsys.readouterr().out


def test_links_within_the_docs_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
