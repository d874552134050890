"""The script of a run: a plain one that gives the same predictions, or one sentence on why there is none."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from small import SHAPE, series, write_small
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.pipeline.script import check_expressible, script_of_run
from napari_fmri_decoder.recipe import load_recipe, make_recipe
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

BLOCKED = """import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "napari_fmri_decoder":
            raise ImportError("a plain script must not import " + name)
sys.meta_path.insert(0, Block())
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _run(folder, decoder, *, prepare=""):
    path = write_small(folder, decoder, strength=6.0)
    volume, _ = series(strength=6.0)
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:11, 4:13, 2:6] = 1
    write(Volume(mask, volume.affine, "mask"), folder / "mask.nii.gz")
    text = path.read_text().replace("[data]", '[data]\nmask = "mask.nii.gz"\n')
    text = text.replace("standardize_runs = true", f"standardize_runs = true\n{prepare}")
    path.write_text(text + '\n[report]\nfigures = "none"\n[baseline]\nmodels = []\n')
    return finish(run(load_recipe(path), folder, folder / "run"))


def _predicted(result, folder):
    """Predictions of the script, in a fresh interpreter that cannot import this package, and the script."""
    path = folder / "plain" / "script.py"
    done = CliRunner().invoke(app, ["script", str(result.folder), "-o", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (path.parent / "blocked.py").write_text(BLOCKED)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, "blocked.py", "script.py", "out.tsv"],
        cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert "import napari_fmri_decoder" not in text
    return pd.read_csv(path.parent / "out.tsv", sep="\t")


CASES = {
    "lda": ('name = "lda"', {}, 1e-4),
    "lda with given shrinkage": ('name = "lda"\nshrinkage = 0.3\npriors = "equal"', {}, 1e-4),
    "linear": ('name = "linear"\nC = 0.1', {}, 1e-4),
    "svm": ('name = "linear"\nloss = "svm"\nC = 0.001', {}, 1e-4),
    "mlp": ('name = "mlp"\nhidden = 12\n[training]\nepochs = 30', {}, 1e-3),
    "mlp in batches": ('name = "mlp"\n[training]\nepochs = 4\nbatch_size = 16\noptimizer = "adam"', {}, 1e-3),
    "cnn2d": ('name = "cnn2d"\nfilters = [4]\ndense = [8]\n[training]\nepochs = 2', {}, 1e-3),
    "cnn3d": ('name = "cnn3d"\nfilters = [4]\ndense = [8]\n[training]\nepochs = 2', {}, 1e-3),
    "block means": ('name = "lda"', {"prepare": "average_blocks = true"}, 1e-4),
    "run means": ('name = "lda"', {"prepare": "average_runs = true\nsmooth_mm = 5.0"}, 1e-4),
    "rotated slab": ('name = "lda"\n[slab]\nrotate_x = 15\nstart = 2\nstop = 5\ncrop = false', {}, 1e-3),
}


FAST = ("lda", "linear", "mlp", "cnn2d", "rotated slab")


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c in FAST else pytest.mark.slow) for c in CASES]
)
def test_it_gives_the_same_predictions(case, tmp_path):
    decoder, more, tolerance = CASES[case]
    result = _run(tmp_path, decoder, **more)
    theirs = _predicted(result, tmp_path)
    ours = pd.read_csv(result.folder / "predictions.tsv", sep="\t")
    for name in ("volume", "run", "fold", "true", "predicted"):
        assert theirs[name].tolist() == ours[name].tolist(), name
    np.testing.assert_allclose(theirs["p_open"], ours["p_open"], atol=tolerance)
    assert ours["p_open"].nunique() > 1


@pytest.mark.parametrize(
    ("sections", "named"),
    [
        ({"decoder": {"name": "linear", "C": "nested"}}, "decoder.C = nested"),
        ({"decoder": {"name": "mlp", "preset": "keras"}}, "decoder.preset = keras"),
        ({"decoder": {"name": "dummy"}}, "decoder.name = dummy"),
        ({"decoder": {"name": "mlp"}, "training": {"schedule": "cosine"}}, "training.schedule = cosine"),
        ({"training": {"screening": 50}}, "training.screening = 50"),
        ({"training": {"balance": "weights"}}, "training.balance = weights"),
        ({"training": {"whiten": True}}, "training.whiten = True"),
        ({"split": {"scheme": "group-k-fold"}}, "split.scheme = group-k-fold"),
        ({"prepare": {"confounds": ["motion"]}}, r"prepare.confounds = \[motion\]"),
        ({"prepare": {"scrub_mm": 0.5}}, "prepare.scrub_mm = 0.5"),
        ({"zmaps": {}}, r"\[zmaps\]"),
    ],
)
def test_an_option_that_it_cannot_express_is_named(sections, named):
    base = {"data": {"images": "a.nii"}, "labels": {"source": "events"}, "decoder": {"name": "lda"}}
    recipe = make_recipe(base | sections)
    with pytest.raises(InputError, match=f"cannot express every option, and this run has {named}"):
        check_expressible(recipe)


def test_a_folder_without_labels_of_volumes_is_refused(tmp_path):
    result = _run(tmp_path, 'name = "lda"')
    (result.folder / "volume_labels.tsv").unlink()
    with pytest.raises(InputError, match=r"has no volume_labels\.tsv"):
        script_of_run(result.folder)
