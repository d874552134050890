"""Write the tree of modules into docs/architecture.md: python tools/write_tree.py."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "napari_fmri_decoder"
PAGE = ROOT / "docs" / "architecture.md"
INDENT, WIDTH = 24, 125


def tree() -> str:
    """One entry per package, from the order of the page; packages that are new come after their parents."""
    packages = {path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("__init__.py")}
    known = re.findall(r"^(\./|[a-z_0-9/]+/) ", _block(PAGE.read_text(encoding="utf-8")), re.MULTILINE)
    order = [name.rstrip("/") for name in known if name.rstrip("/") in packages]
    for name in sorted(packages - set(order)):
        parents = [i for i, one in enumerate(order) if name.startswith(f"{one}/")]
        order.insert(parents[-1] + 1 if parents else len(order) - 1, name)
    return "\n".join(filter(None, map(_entry, order)))


def _entry(package: str) -> str:
    names = sorted(path.stem for path in (SOURCE / package).glob("*.py") if not path.stem.startswith("__"))
    head = ("./" if package == "." else f"{package}/").ljust(INDENT)
    lines = textwrap.wrap(
        " ".join(names), WIDTH, initial_indent=head, subsequent_indent=" " * INDENT, break_on_hyphens=False
    )
    return "\n".join(lines)


def _block(page: str) -> str:
    return page.split("```text\n", 1)[1].split("\n```", 1)[0]


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.replace(_block(page), tree()), encoding="utf-8")
