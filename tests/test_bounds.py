"""Lower bounds of dependencies are those that `tox run -e lowest` tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
NOT_TESTED = {"torch"}
"""Its older builds are not installed: see constraints-lowest.txt."""


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [Requirement(text) for text in (*project["dependencies"], *extras["all"], *extras["onnx"])]


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pins = (re.match(r"([\w.-]+)==(\S+)", line) for line in lines)
    return {canonicalize_name(pin[1]): Version(pin[2].partition("+")[0]) for pin in pins if pin}


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_a_lower_bound_is_the_version_that_is_tested(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    bounds = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
    assert len(bounds) == 1, f"{requirement} must have one lower bound"
    if name in NOT_TESTED:
        assert name not in pinned()
    else:
        assert pinned()[name] == bounds[0], "run tools/write_lowest.py, and `tox run -e lowest`"


def test_both_constraints_of_torch_agree() -> None:
    pins = [
        re.search(r"^torch==(\S+)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("constraints.txt", "constraints-torch.txt")
    ]
    assert [pin and pin[1] for pin in pins] == [pins[0] and pins[0][1]] * 2
