"""The rules of the house: what imports what, what loads what, and what a package must carry."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = Path(importlib.import_module("napari_fmri_decoder").__file__ or "").parent
HEAVY = ("torch", "nilearn", "sklearn", "pandas", "matplotlib")
NEEDS_NAPARI = pytest.mark.skipif(
    importlib.util.find_spec("napari") is None, reason="napari is not installed here, on purpose"
)


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def test_imports_only_go_down():
    checked = run(
        "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "broken" in checked.stdout


@pytest.mark.parametrize(
    "module",
    [
        "napari_fmri_decoder.volumes.nifti",
        pytest.param("napari_fmri_decoder._napari.reader", marks=NEEDS_NAPARI),
        pytest.param("napari_fmri_decoder._napari.layers", marks=NEEDS_NAPARI),
    ],
)
def test_opening_a_scan_loads_nothing_heavy(module: str):
    loaded = run("-c", f"import sys, {module}; print(*sys.modules)")
    assert loaded.returncode == 0, loaded.stderr
    assert not set(HEAVY) & set(loaded.stdout.split())


def test_reading_a_scan_loads_nothing_heavy(tmp_path: Path):
    nib = pytest.importorskip("nibabel")
    np = pytest.importorskip("numpy")
    path = tmp_path / "bold.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((3, 4, 5, 6), np.int16), np.diag([2.0, 2, 2, 1])), path)
    read = "from napari_fmri_decoder.volumes.nifti import read; read(sys.argv[1]).at(5)"
    loaded = run("-c", f"import sys; {read}; print(*sys.modules)", path)
    assert loaded.returncode == 0, loaded.stderr
    assert not set(HEAVY) & set(loaded.stdout.split())


def test_a_run_of_linear_loads_neither_torch_nor_dask(tmp_path: Path):
    pytest.importorskip("nibabel")
    from small import write_small

    recipe = write_small(tmp_path, n_runs=2)
    train = (
        "import sys; from pathlib import Path\nfrom napari_fmri_decoder.recipe import load_recipe, "
        "with_report\nfrom napari_fmri_decoder.pipeline import finish, run\nfolder = "
        "Path(sys.argv[1]).parent\nfinish(run(with_report(load_recipe(sys.argv[1]), figures='none'), "
        "folder, folder / 'run'))\nprint(*sys.modules)"
    )
    loaded = run("-c", train, recipe)
    assert loaded.returncode == 0, loaded.stderr
    assert not {"torch", "distributed", "dask", "captum", "matplotlib"} & set(loaded.stdout.split())


def modules_outside_napari() -> list[str]:
    paths = sorted(p.relative_to(PACKAGE.parent).with_suffix("") for p in PACKAGE.rglob("*.py"))
    names = [".".join(p.parts).removesuffix(".__init__") for p in paths]
    return [name for name in names if "._napari" not in name and not name.endswith(".__main__")]


@pytest.mark.parametrize("name", modules_outside_napari())
def test_examples_in_docstrings_give_what_they_say(name: str):
    tried = doctest.testmod(importlib.import_module(name))
    assert tried.failed == 0


def test_manifest_at_the_root_is_the_packaged_one():
    link = ROOT / "napari.yaml"
    assert link.is_symlink()
    assert link.readlink() == Path("src/napari_fmri_decoder/napari.yaml")
    assert link.read_text() == (PACKAGE / "napari.yaml").read_text()


def test_manifest_is_valid_and_all_it_names_exists():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("napari-fmri-decoder")
    assert manifest.display_name == "fMRI decoder"
    for command in manifest.contributions.commands or []:
        module, _, function = (command.python_name or "").partition(":")
        spec = importlib.util.find_spec(module)
        assert spec is not None, command.python_name
        source, name = Path(spec.origin or "").read_text(), function.split(".")[0]
        assert f"def {name}(" in source or f"class {name}(" in source, command.python_name


def test_package_carries_its_types_and_its_command():
    assert (PACKAGE / "py.typed").is_file()
    (command,) = entry_points(group="console_scripts", name="fmri-decoder")
    assert command.value == "napari_fmri_decoder.cli:main"
