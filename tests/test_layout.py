"""Rules of the package: which module imports which, what loads lazily, and what a wheel must contain."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import napari_fmri_decoder as fd

ROOT = Path(__file__).parents[1]
PACKAGE = Path(importlib.import_module("napari_fmri_decoder").__file__ or "").parent
HEAVY = ("torch", "nilearn", "sklearn", "pandas", "matplotlib")
"""Libraries that take long to load."""
NAPARI = importlib.util.find_spec("napari") is not None
NEEDS_NAPARI = pytest.mark.skipif(not NAPARI, reason="napari is not installed here, on purpose")


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
        pytest.param("napari_fmri_decoder._napari.layers.to_layer", marks=NEEDS_NAPARI),
    ],
)
def test_opening_a_scan_loads_nothing_heavy(module: str):
    loaded = run("-c", f"import sys, {module}; print(*sys.modules)")
    assert loaded.returncode == 0, loaded.stderr
    assert not set(HEAVY) & set(loaded.stdout.split())


def write_image(folder: Path) -> Path:
    nib = pytest.importorskip("nibabel")
    np = pytest.importorskip("numpy")
    path = folder / "bold.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((3, 4, 5, 6), np.int16), np.diag([2.0, 2, 2, 1])), path)
    return path


def test_reading_a_scan_loads_nothing_heavy(tmp_path: Path):
    path = write_image(tmp_path)
    read = "from napari_fmri_decoder.volumes.read import read; read(sys.argv[1]).at(5)"
    loaded = run("-c", f"import sys; {read}; print(*sys.modules)", path)
    assert loaded.returncode == 0, loaded.stderr
    assert not set(HEAVY) & set(loaded.stdout.split())


@NEEDS_NAPARI
def test_opening_the_docks_waits_for_no_heavy_library():
    docks = ", ".join(
        f"napari_fmri_decoder._napari.{name}.dock"
        for name in ("view", "prepare", "labels", "train", "look_inside")
    )
    loaded = run("-c", f"import sys, {docks}; print(*sys.modules)")
    assert loaded.returncode == 0, loaded.stderr
    heavy = {"torch", "nilearn", "sklearn", "matplotlib", "captum", "distributed", "scipy.stats"}
    assert not heavy & set(loaded.stdout.split())


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


def test_importing_the_package_loads_no_library():
    loaded = run("-c", "import sys, napari_fmri_decoder; print(*sys.modules)")
    assert loaded.returncode == 0, loaded.stderr
    assert not {*HEAVY, "numpy", "pydantic", "nibabel", "scipy"} & set(loaded.stdout.split())


def test_public_read_returns_the_volume_of_a_file(tmp_path: Path):
    path = write_image(tmp_path)
    loaded = run(
        "-c", "import sys, napari_fmri_decoder as fd; fd.read(sys.argv[1]).at(5); print(*sys.modules)", path
    )
    assert loaded.returncode == 0, loaded.stderr
    assert not set(HEAVY) & set(loaded.stdout.split())


def test_public_names_are_those_that_a_notebook_needs():
    for name in (
        *("read", "write", "Volume", "Recipe", "load_recipe", "run", "finish", "load_bundle", "predict"),
        *("decoders", "label_sources", "mask_strategies", "explainers", "__version__"),
    ):
        assert name in dir(fd)
        assert getattr(fd, name)
    assert "linear" in fd.decoders.registry
    assert "table" in fd.label_sources
    assert "epi" in fd.mask_strategies
    assert "activation" in fd.explainers
    with pytest.raises(AttributeError, match="nothing"):
        fd.nothing  # noqa: B018


def packages() -> list[str]:
    """Every package that exports names, and whose requirements are installed."""
    found = [PACKAGE, *(path.parent for path in PACKAGE.rglob("*/__init__.py"))]
    names = [".".join(path.relative_to(PACKAGE.parent).parts) for path in found]
    return [name for name in sorted(names) if NAPARI or not needs_napari(name)]


def needs_napari(name: str) -> bool:
    """Whether a module can be imported only with napari."""
    return "._napari" in name or name.startswith("napari_fmri_decoder.widgets")


@pytest.mark.parametrize("name", packages())
def test_a_package_exports_objects_that_exist_and_hide_no_module(name: str):
    package = importlib.import_module(name)
    exported = {name for name in getattr(package, "__all__", ()) if name != "__version__"}
    for one in sorted(exported if NAPARI else exported - {"widgets"}):
        assert getattr(package, one) is not None
    if Path(package.__file__ or "").with_suffix(".pyi").exists():  # lazy: which of the two it is would vary
        modules = {module.name for module in pkgutil.iter_modules(package.__path__) if not module.ispkg}
        assert not exported & modules


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_imports_that_a_page_names_work(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^ *(import napari_fmri_decoder.*|from napari_fmri_decoder.*)$", text, re.MULTILINE)
    assert lines
    for line in lines:
        exec(line, {})
    names = set(re.findall(r"\bfd\.(\w+)", text))
    for name in names if NAPARI else names - {"widgets"}:
        assert hasattr(fd, name), f"{page}: fd.{name}"


def modules_outside_napari() -> list[str]:
    paths = sorted(p.relative_to(PACKAGE.parent).with_suffix("") for p in PACKAGE.rglob("*.py"))
    names = [".".join(p.parts).removesuffix(".__init__") for p in paths]
    return [name for name in names if not needs_napari(name) and not name.endswith(".__main__")]


@pytest.mark.parametrize("name", modules_outside_napari())
def test_examples_in_docstrings_work(name: str):
    tried = doctest.testmod(importlib.import_module(name))
    assert tried.failed == 0


def test_manifest_at_the_root_is_the_packaged_one():
    link = ROOT / "napari.yaml"
    assert link.is_symlink()
    assert link.readlink() == Path("src/napari_fmri_decoder/napari.yaml")
    assert link.read_text() == (PACKAGE / "napari.yaml").read_text()


@NEEDS_NAPARI
def test_manifest_is_valid_and_all_it_names_exists():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("napari-fmri-decoder")
    assert manifest.display_name == manifest.name, "else docks opened from the menu and by scripts differ"
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


def test_the_architecture_page_lists_every_module() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.split("```text\n")[1].split("```")[0]
    listed: dict[str, set[str]] = {}
    folder = ""
    for line in tree.splitlines():
        folder = line[:24].strip().rstrip("/.") or (folder if not line[:24].strip() else "")
        listed.setdefault(folder, set()).update(line[24:].split())
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        if not path.stem.startswith("__"):
            name = path.parent.relative_to(PACKAGE).as_posix()
            found.setdefault("" if name == "." else name, set()).add(path.stem)
    assert listed == found


def test_modules_and_functions_stay_small() -> None:
    large = []
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 300:
            large.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 80:
                    large.append(f"{path.name}: {node.name} has {length} lines")
    assert not large


def test_docks_build_no_qt_controls_directly():
    control = re.compile(r"\bQ(LineEdit|ComboBox|SpinBox|DoubleSpinBox|CheckBox|PushButton|Slider)\(")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for folder in ("view", "prepare", "labels", "train", "look_inside", "plots", "results")
        for path in (PACKAGE / "_napari" / folder).rglob("*.py")
        if control.search(path.read_text("utf-8"))
    }
    assert not found, f"use the magicgui widgets of _napari/forms: {sorted(found)}"
