"""A package of somebody else's is installed by pip, and found wherever our own classes are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_package import NAME, VERSION, install
from safetensors import safe_open
from small import series, write_small

from napari_fmri_decoder.errors import InputError, MissingPackageError
from napari_fmri_decoder.registry import choose
from napari_fmri_decoder.training.bundle.bundle import load_bundle

PACKAGE = f"{NAME} {VERSION}"
SOURCES = Path(__file__).parents[1] / "src"
RECIPE = """
[data]
images = "small_bold.nii.gz"
mask = {strategy = "bright", percent = 60}
[labels]
source = "counted"
each = [%s]
[decoder]
name = "narrow"
units = 3
[training]
threads = 1
[report]
figures = "none"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_small(folder)
    labels = ", ".join(f'"{label}"' for label in series(1)[1]["label"])
    (folder / "recipe.toml").write_text(RECIPE % labels)
    return folder


def python(code: str, *folders: Path, warnings: str = "default") -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds packages in some folders."""
    path = os.pathsep.join(map(str, [SOURCES, *folders]))
    command = [sys.executable, "-W", warnings, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )


def command(*words: object, plugin: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, [SOURCES, plugin] if plugin else [SOURCES]))
    line = [sys.executable, "-m", "napari_fmri_decoder.cli", *map(str, words)]
    return subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )


@pytest.fixture(scope="module")
def run_folder(installed: Path, study: Path) -> Path:
    out = study / "run"
    done = command("train", study / "recipe.toml", "--out", out, "--cluster", "serial", plugin=installed)
    assert done.returncode == 0, done.stderr
    return out


def test_every_registry_finds_the_classes_of_an_installed_package(installed: Path) -> None:
    code = """
import sys
from napari_fmri_decoder.decoders import get_decoder, registry
from napari_fmri_decoder.explain import explainers
from napari_fmri_decoder.samples.labels import label_sources
from napari_fmri_decoder.samples.masks import mask_strategies
assert "fmri_narrow" not in sys.modules, "loaded before it was needed"
assert {"mlp", "narrow"} <= set(registry)
assert "bright" in mask_strategies and "counted" in label_sources and "mean-map" in explainers
assert get_decoder({"name": "narrow", "units": 7}).units == 7
"""
    done = python(code, installed)
    assert (done.returncode, done.stderr) == (0, "")


def test_commands_list_and_run_it(installed: Path, run_folder: Path, study: Path) -> None:
    assert "narrow" in command("models", plugin=installed).stdout
    shown = command("models", "narrow", "--shape", "4", "4", "4", "--set", "units=5", plugin=installed)
    assert "tanh1" in shown.stdout
    model = run_folder / "model.safetensors"
    words = ("--method", "mean-map", "--set", "factor=2", "-o", study / "maps.nii")
    done = command("explain", model, study / "small_bold.nii.gz", *words, plugin=installed)
    assert done.returncode == 0, done.stderr
    assert "1 maps" in done.stdout
    done = command("explain", run_folder, "--method", "bias", plugin=installed)
    assert done.returncode == 0, done.stderr
    assert "2 maps" in done.stdout
    about = json.loads((run_folder / "layers" / "stat-bias_desc-narrowFolds_statmap.json").read_text())
    assert (about["Maps"], about["Method"]["package"]) == (["closed", "open"], PACKAGE)
    assert command("predict", model, study / "small_bold.nii.gz", "-o", study / "p.tsv", plugin=installed)


def test_the_report_and_the_bundle_describe_it(run_folder: Path) -> None:
    assert "narrow" in (run_folder / "report.html").read_text()
    with safe_open(run_folder / "model.safetensors", framework="numpy") as file:
        header = json.loads(file.metadata()["napari_fmri_decoder"])
    assert (header["format"], header["decoder"]["units"], header["decoder"]["package"]) == (1, 3, PACKAGE)


def test_workers_and_a_separate_process_find_it(installed: Path, study: Path, run_folder: Path) -> None:
    code = f"""
from pathlib import Path
from napari_fmri_decoder.pipeline import finish, run, run_in_subprocess
from napari_fmri_decoder.recipe import load_recipe

if __name__ == "__main__":
    folder = Path({str(study)!r})
    recipe = load_recipe(folder / "recipe.toml")
    by_workers = finish(run(recipe, folder, folder / "by-workers", cluster="local:1")).scores.score
    apart = finish(run_in_subprocess(recipe, folder, folder / "apart")).scores.score
    print(by_workers == apart)
"""
    done = python(code, installed, warnings="ignore")
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr


def test_the_docs_tool_lists_it(installed: Path) -> None:
    tools = Path(__file__).parents[1] / "tools"
    done = python("from write_reference import reference; print(reference())", installed, tools)
    assert 'name = "narrow"' in done.stdout
    assert 'strategy = "bright"' in done.stdout
    assert 'name = "mean-map"' in done.stdout


def test_a_bundle_names_the_package_that_it_needs(run_folder: Path) -> None:
    with pytest.raises(InputError, match=rf"'narrow' comes with the package '{PACKAGE}', which is not inst"):
        load_bundle(run_folder / "model.safetensors")


def test_a_recipe_names_the_package_that_it_needs(run_folder: Path) -> None:
    """The run folder's own recipe, in which every package is written."""
    done = command("train", run_folder / "recipe.toml", "--dry-run")
    assert done.returncode == 2
    assert PACKAGE in done.stderr
    assert done.stderr.count("\n") == 1
    with pytest.raises(MissingPackageError, match="Install that package"):
        choose({}, "name", "decoder", {"name": "narrow", "package": PACKAGE})


def test_a_written_recipe_runs_again_where_the_package_is_installed(
    installed: Path, run_folder: Path
) -> None:
    assert run_folder.joinpath("recipe.toml").read_text().count(PACKAGE) == 3  # decoder, labels, mask
    done = command("train", run_folder / "recipe.toml", "--dry-run", plugin=installed)
    assert done.returncode == 0, done.stderr


def test_a_package_that_fails_is_named_once_and_breaks_nothing(tmp_path: Path) -> None:
    points = (
        "[napari_fmri_decoder.decoders]\nx = fmri_broken\n[napari_fmri_decoder.explainers]\ny = fmri_broken\n"
    )
    broken = install(tmp_path, "import no_such_library\n", "fmri-broken", points)
    code = """
from napari_fmri_decoder.decoders import registry
from napari_fmri_decoder.explain import explainers
assert "mlp" in registry and "activation" in explainers
assert "mlp" in registry
"""
    done = python(code, broken)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("The plugin package fmri-broken 1.4 could not be loaded") == 1
    assert "no_such_library" in done.stderr
    shown = command("models", plugin=broken)
    assert shown.returncode == 0
    assert "mlp" in shown.stdout
    assert "fmri-broken 1.4" in shown.stderr


def test_a_package_whose_class_is_incomplete_is_named(tmp_path: Path) -> None:
    code = """
from typing import Literal
from napari_fmri_decoder.decoders import NetworkDecoder

class Bare(NetworkDecoder):
    name: Literal["bare"] = "bare"
    def build(self, input_shape, n_classes): ...
"""
    bare = install(tmp_path, code, "fmri-bare", "[napari_fmri_decoder.decoders]\nbare = fmri_bare:Bare\n")
    shown = command("models", plugin=bare)
    assert shown.returncode == 0
    assert "fmri-bare 1.4" in shown.stderr
    assert "layout, summary, training_defaults" in shown.stderr
