"""The recipe: options that it accepts and refuses, and that it is unchanged after writing and reading."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import (
    image_files,
    input_files,
    load_recipe,
    make_recipe,
    parse_recipe,
    rebased,
)

DESIGN = """
[data]
images = ["sub-1/func/*_bold.nii.gz"]
mask = "mask.nii.gz"
anatomy = "T1.nii.gz"
[labels]
source = "table"
table = "volumes.tsv"
exclude = ["rest"]
lag = 0.0
[prepare]
smooth_mm = 0.0
detrend = true
standardize_runs = true
average_blocks = false
[slab]
rotate_x = 20.05
axis = "z"
start = 12
stop = 15
grid = "full"
crop = true
interpolation = "continuous"
[split]
scheme = "leave-one-run-out"
[decoder]
name = "mlp"
[training]
epochs = 300
optimizer = "sgd"
learning_rate = 0.1
seed = 0
threads = 2
[null]
permutations = 0
[audit]
allow = []
"""


def test_a_complete_recipe_is_read_and_written_unchanged():
    recipe = parse_recipe(DESIGN)
    assert (recipe.slab.rotate_x, recipe.slab.stop) == (20.05, 15)
    assert recipe.labels.exclude == ("rest",)
    assert recipe.training.resolved(recipe.decoder).weight_decay == 1e-4
    assert parse_recipe(recipe.to_toml()) == recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            'name = "mlp"|name = "transformer"',
            "one of cnn2d, cnn3d, dummy, lda, linear, mlp, prototype; got 'transformer'",
        ),
        ("epochs = 300|epochs = 0", "epochs: Input should be greater than or equal to 1"),
        ("epochs = 300|epoch = 300", "training.epoch: Extra inputs are not permitted"),
        ('scheme = "leave-one-run-out"|scheme = "leave-one-out"', "split.scheme"),
        ('source = "table"|source = "tabel"', "label source"),
        ("[data]|[data", "must be TOML"),
        ("smooth_mm = 0.0|smooth_mm = -1", "smooth_mm"),
    ],
)
def test_error_names_the_wrong_option(change, message):
    old, new = change.split("|")
    with pytest.raises(InputError) as caught:
        parse_recipe(DESIGN.replace(old, new))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_error_names_the_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.toml"):
        load_recipe(tmp_path / "nothing.toml")


def test_images_of_a_pattern_are_naturally_sorted(tmp_path):
    for run in (10, 2, 1):
        path = tmp_path / "sub-1" / "func" / f"run-{run}_bold.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = image_files(("sub-*/func/*_bold.nii.gz",), tmp_path)
    assert [p.name for p in found] == ["run-1_bold.nii.gz", "run-2_bold.nii.gz", "run-10_bold.nii.gz"]
    with pytest.raises(InputError, match=r"nothing matches \*\.nii"):
        image_files(("*.nii",), tmp_path)


def test_rebased_paths_name_the_same_files(tmp_path):
    base, out = tmp_path / "study", tmp_path / "study" / "run"
    recipe = make_recipe(
        {
            "data": {"images": "../bold.nii", "mask": "run/data/mask.nii.gz"},
            "labels": {"source": "table", "table": "volumes.tsv"},
            "decoder": {"name": "linear"},
        }
    )
    moved = rebased(recipe, base, out)
    assert moved.data.images == ("../../bold.nii",), "relative, because a folder is shared"
    assert Path(moved.data.mask.path) == Path("data/mask.nii.gz")
    assert moved.labels.table == "../volumes.tsv"
    far = rebased(recipe, Path("/study"), tmp_path / "run")
    assert far.labels.table == os.path.abspath("/study/volumes.tsv")
    anywhere = rebased(recipe, base, None)
    assert anywhere.data.mask.path == str(out / "data" / "mask.nii.gz")


def test_input_files_include_masks_events_and_confounds(tmp_path):
    for name in ("bold.nii", "rois/a.nii", "rois/b.nii", "ev/run-1.tsv", "ev/run-2.tsv", "c.tsv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    recipe = make_recipe(
        {
            "data": {
                "images": "bold.nii",
                "mask": {"strategy": "combine", "how": "or", "masks": ["rois/a.nii", "rois/b.nii"]},
            },
            "labels": {"source": "events", "events": ["ev/run-*.tsv"]},
            "prepare": {"confounds": ["trans_x"], "confounds_files": ["c.tsv"]},
            "decoder": {"name": "linear"},
        }
    )
    found = {str(path.relative_to(tmp_path)) for path in input_files(recipe, tmp_path)}
    assert found == {"bold.nii", "rois/a.nii", "rois/b.nii", "ev/run-1.tsv", "ev/run-2.tsv", "c.tsv"}


def test_environment_variables_in_paths_are_replaced(monkeypatch):
    text = DESIGN.replace('"mask.nii.gz"', '"${NOWHERE_SET:-here}/${DATA_FOLDER}/mask.nii.gz"')
    monkeypatch.setenv("DATA_FOLDER", "study")
    assert parse_recipe(text).data.mask.path == "here/study/mask.nii.gz"
    monkeypatch.delenv("DATA_FOLDER")
    with pytest.raises(InputError, match="DATA_FOLDER is not"):
        parse_recipe(text)


def test_error_on_conflicting_options_shows_only_those_options():
    with pytest.raises(InputError, match="got 'hidden'") as caught:
        make_recipe(
            {
                "data": {"images": "x.nii"},
                "labels": {"source": "table", "table": "t.tsv"},
                "decoder": {"name": "linear"},
                "training": {"select": {"hidden": [3]}},
            }
        )
    assert "x.nii" not in str(caught.value)


def loaded_by(code: str, *arguments: object) -> set[str]:
    """Modules that a fresh interpreter has loaded after running `code`."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


SLOW = {"torch", "dask", "distributed", "nilearn", "sklearn", "matplotlib", "captum", "scipy.ndimage"}
"""Libraries that take long to load, and that reading a recipe does not need."""


def test_reading_a_recipe_loads_no_slow_library(tmp_path):
    (tmp_path / "recipe.toml").write_text(DESIGN)
    read = "from napari_fmri_decoder.recipe import load_recipe; load_recipe(sys.argv[1])"
    assert not SLOW & loaded_by(read, tmp_path / "recipe.toml")


def test_an_error_in_the_toml_is_reported_without_loading_the_options(tmp_path):
    (tmp_path / "recipe.toml").write_text("[data")
    read = (
        "from napari_fmri_decoder.errors import InputError\n"
        "from napari_fmri_decoder.recipe import load_recipe\n"
        "try: load_recipe(sys.argv[1])\nexcept InputError: pass"
    )
    assert not {*SLOW, "pydantic", "numpy", "pandas"} & loaded_by(read, tmp_path / "recipe.toml")
