"""CONTRIBUTING.md, followed literally: each of its files, copied to its place, is found everywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small import AFFINE, SHAPE, write_small

ROOT = Path(__file__).parents[1]
FILES = dict(
    re.findall(
        r"```python\n# (src/\S+)\n(.*?)```",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
)
RECIPE = """
[data]
images = "small_bold.nii.gz"
mask = { strategy = "right-half", x = -20 }
[labels]
source = "halves"
runs = 4
[decoder]
name = "two-layers"
width = 4
[training]
epochs = 2
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the new files."""
    copy = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        assert not (copy / name).exists()
        (copy / name).write_text(text, encoding="utf-8")
    return copy / "src"


def command(source: Path, *words: object, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "napari_fmri_decoder.cli", *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_a_file_of_each_kind() -> None:
    folders = sorted(str(Path(name).parent.relative_to("src/napari_fmri_decoder")) for name in FILES)
    assert folders == ["decoders", "explain", "samples/labels", "samples/masks"]


def test_a_run_uses_the_new_files(source: Path, tmp_path: Path) -> None:
    write_small(tmp_path)
    recipe = tmp_path / "new.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    command(source, "train", recipe, "--out", tmp_path / "run", "--no-figures", folder=tmp_path)
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    assert sorted(scores["classes"]) == ["first", "second"]

    model = next((tmp_path / "run").rglob("model.safetensors"))
    maps = tmp_path / "maps.nii.gz"
    image = tmp_path / "small_bold.nii.gz"
    command(
        source,
        *("explain", model, image, "-o", maps, "--method", "scaled-input", "--set", "factor=2"),
        folder=tmp_path,
    )
    found = np.asarray(nib.load(maps).dataobj)
    x = (AFFINE @ [*np.indices(SHAPE).reshape(3, -1), np.ones(np.prod(SHAPE))])[0].reshape(SHAPE)
    used = np.abs(found).reshape(*SHAPE, -1).max(axis=-1) > 0
    assert used.any()
    assert not used[x <= -20].any()


def test_commands_use_the_new_files(source: Path, tmp_path: Path) -> None:
    write_small(tmp_path)
    assert "dense2" in command(source, "models", "two-layers", folder=tmp_path)
    words = ("small_bold.nii.gz", "--strategy", "right-half", "--set", "x=4", "-o", "half.nii.gz")
    command(source, "mask", *words, folder=tmp_path)
    mask = np.asarray(nib.load(tmp_path / "half.nii.gz").dataobj)
    x = AFFINE[0, 0] * np.arange(SHAPE[0]) + AFFINE[0, 3]
    np.testing.assert_array_equal(mask.any(axis=(1, 2)), x > 4)
