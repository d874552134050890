"""The docs say what the code does: the reference is its fields' own, the examples are valid recipes."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from napari_fmri_decoder.recipe import load_recipe

ROOT = Path(__file__).parents[1]


def test_the_reference_is_up_to_date():
    module = runpy.run_path(str(ROOT / "tools" / "write_reference.py"))
    assert (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8") == module["reference"](), (
        f"run: {Path(sys.executable).name} tools/write_reference.py"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_examples_are_valid_recipes(path):
    assert load_recipe(path).decoder.name in path.name


def test_links_within_the_docs_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
