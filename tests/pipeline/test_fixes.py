"""The fix of each finding of the audit removes it: prepared again with the fix, the finding is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.pipeline import Prepared, prepare_run
from napari_fmri_decoder.pipeline.fixes import fix_of, fixed_recipe, fixed_table, remedies
from napari_fmri_decoder.recipe import Recipe
from napari_fmri_decoder.samples.audit import checks, severities
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RUNS, BLOCK = 4, 8
RAW = {"detrend": False, "standardize_runs": False}


def orders(seed: int, blocks: str = "aaaabbbb") -> list[str]:
    """Labels of the blocks, in a random order for each run."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.permutation(list(blocks))) for _ in range(RUNS)]


@dataclass(frozen=True)
class Case:
    """Data and options with a finding.

    Attributes
    ----------
    blocks : list of str
        Labels of the blocks of each run.
    options : dict
        Sections of the recipe.
    change : callable
        Changes (x, y, z, n) data, given the labels.
    one_file : bool
        Whether the runs are in one file.
    columns : callable
        Columns to add to the labels, given their table.
    """

    blocks: list[str] = field(default_factory=lambda: ["abababab", "babababa"] * 2)
    options: dict[str, Any] = field(default_factory=dict)
    change: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]] = lambda data, labels: data
    one_file: bool = False
    subjects: bool = False
    columns: Callable[[pd.DataFrame], dict[str, Any]] = lambda table: {}

    def write(self, folder: Path) -> Recipe:
        """Write images and labels; return the recipe."""
        labels = np.array([letter for run in self.blocks for letter in run for _ in range(BLOCK)])
        lengths = [len(run) * BLOCK for run in self.blocks]
        data = 100 + np.random.default_rng(1).normal(size=(20, 16, 4, len(labels)))
        data = self.change(data, labels).astype(np.float32)
        ends = np.cumsum([0, *lengths])
        parts = [data] if self.one_file else [data[..., a:b] for a, b in pairwise(ends)]
        names = [f"run-{i}_bold.nii.gz" for i in range(1, len(parts) + 1)]
        for name, part in zip(names, parts, strict=True):
            write(Volume(part, np.diag([3.0, 3, 3, 1]), "bold", 2.5), folder / name)
        table = pd.DataFrame({"label": labels, "run": np.repeat(np.arange(1, RUNS + 1), lengths)})
        if self.subjects:
            table["subject"] = np.where(table["run"] < 3, "x", "y")
        table = table.assign(**self.columns(table))
        table.to_csv(folder / "volumes.tsv", sep="\t", index=False)
        mask = np.zeros((20, 16, 4), dtype=np.uint8)
        means = data.reshape(-1, len(labels) // BLOCK, BLOCK).mean(axis=2)
        of_a = labels[::BLOCK] == "a"
        difference = np.abs(means[:, of_a].mean(axis=1) - means[:, ~of_a].mean(axis=1))
        mask.ravel()[np.argsort(difference)[-20:]] = 1
        write(Volume(mask, np.diag([3.0, 3, 3, 1]), "mask"), folder / "by_labels.nii.gz")
        corner = np.zeros((20, 16, 4), dtype=np.uint8)
        corner[:5, :5] = 1
        write(Volume(corner, np.diag([3.0, 3, 3, 1]), "mask"), folder / "corner.nii.gz")
        content = {
            "data": {"images": names},
            "labels": {"source": "table", "table": "volumes.tsv"},
            "decoder": {"name": "linear"},
        }
        for section, values in self.options.items():
            content.setdefault(section, {}).update(values)
        return Recipe.model_validate(content)


def copied(data: NDArray[Any], _: NDArray[Any]) -> NDArray[Any]:
    data[..., 100] = data[..., 7]
    return data


def nearly_copied(data: NDArray[Any], _: NDArray[Any]) -> NDArray[Any]:
    data[..., 100] = data[..., 7] + 0.01 * np.random.default_rng(2).normal(size=data.shape[:3])
    return data


def run_copied(data: NDArray[Any], _: NDArray[Any]) -> NDArray[Any]:
    n = data.shape[3] // RUNS
    data[..., n : 2 * n] = data[..., :n] + 0.5 * np.random.default_rng(2).normal(size=(*data.shape[:3], n))
    return data


def only_in_a_corner(data: NDArray[Any], _: NDArray[Any]) -> NDArray[Any]:
    data[5:] = 0
    data[:, 5:] = 0
    return data


def scaled(data: NDArray[Any], _: NDArray[Any]) -> NDArray[Any]:
    data += np.repeat(np.random.default_rng(2).normal(size=RUNS), data.shape[3] // RUNS)
    return (data - data.mean(axis=3, keepdims=True)) / data.std(axis=3, keepdims=True)


def interrupted(table: pd.DataFrame) -> dict[str, Any]:
    """Run 2 contains a block of run 1."""
    return {"run": table["run"].where(table.index // BLOCK != 12, 1)}


def stimuli(table: pd.DataFrame) -> dict[str, Any]:
    """Each run shows four stimuli of each class, and the same ones."""
    return {"stim_file": table["label"] + (table.index // (2 * BLOCK) % 4).astype(str)}


RANDOM = {"split": {"scheme": "random"}}
CASES = {
    "run-in-both-parts": Case(options=RANDOM),
    "neighbours-across-split": Case(options=RANDOM),
    "neighbours-across-runs": Case(one_file=True),
    "duplicate-volumes": Case(options={"prepare": RAW}, change=copied),
    "near-duplicate-volumes": Case(options={"prepare": RAW}, change=nearly_copied),
    "run-copied": Case(change=run_copied),
    "scaled-across-parts": Case(options={"prepare": RAW}, change=scaled),
    "voxels-chosen-by-labels": Case(options={"data": {"mask": "by_labels.nii.gz"}, "prepare": RAW}),
    "mask-not-compared": Case(options={"data": {"mask": "corner.nii.gz"}}, change=only_in_a_corner),
    "mask-from-test-data": Case(options={"data": {"mask": {"strategy": "threshold", "above": 0}}}),
    "mask-excludes-signal": Case(options={"data": {"mask": "by_labels.nii.gz"}}),
    "labels-follow-run": Case(
        ["r".join(np.random.default_rng(i).permutation(list("aabb" + 8 * "ccdd"[i]))) for i in range(RUNS)],
        options={"labels": {"exclude": ["r"]}},
    ),
    "labels-follow-time": Case(["aababbab"] * RUNS),
    "class-imbalance": Case(orders(3, "aaaaaabb")),
    "few-samples": Case(orders(3, "aabb"), options={"prepare": {"average_blocks": True}}),
    "few-tested-blocks": Case(options={"split": {"scheme": "explicit", "test": ["4"]}}),
    "runs-not-used": Case(options={"split": {"scheme": "explicit", "train": ["1", "2"], "test": ["3"]}}),
    "runs-interleaved": Case(columns=interrupted, options={"prepare": RAW}),
    "stimulus-in-both-parts": Case(columns=stimuli),
    "subject-in-both-parts": Case(subjects=True),
}
NO_FIX = {"labels-follow-time", "runs-interleaved"}
"""Only another experiment has another order, and only the user knows the runs."""


def codes(prepared: Prepared) -> set[str]:
    return {finding.code for finding in prepared.findings}


def test_every_finding_has_a_remedy() -> None:
    assert set(remedies) == set(severities())
    assert set(checks) == set(CASES)


@pytest.mark.parametrize("code", sorted(CASES))
def test_with_the_fix_the_finding_is_gone(code: str, tmp_path: Path) -> None:
    recipe = CASES[code].write(tmp_path)
    before = prepare_run(recipe, tmp_path, refuse=False)
    assert code in codes(before)
    fix = fix_of(code, before)
    if code in NO_FIX:
        assert fix is None
        return
    assert fix is not None
    fixed = fixed_recipe(recipe, fix)
    if fix.unlabeled:
        fixed_table(before.table, fix).to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
        assert fixed == recipe
    after = prepare_run(fixed, tmp_path, refuse=False)
    assert code not in codes(after), [f.message for f in after.findings if f.code == code]
    assert len(after.samples.X) > 0.3 * len(before.samples.X)
    assert set(before.samples.classes) - set(after.samples.classes) <= {"c", "d"}


def test_a_fix_that_changes_nothing_is_not_offered(tmp_path: Path) -> None:
    prepared = prepare_run(Case().write(tmp_path), tmp_path)
    assert not prepared.findings
    for code in ("run-in-both-parts", "mask-from-test-data", "duplicate-volumes", "few-samples"):
        assert fix_of(code, prepared) is None
    assert fix_of("a code from another version", prepared) is None


def test_the_error_that_blocks_a_run_has_the_samples_in_which_it_was_found(tmp_path: Path) -> None:
    from napari_fmri_decoder.pipeline import AuditError

    recipe = CASES["run-in-both-parts"].write(tmp_path)
    with pytest.raises(AuditError) as caught:
        prepare_run(recipe, tmp_path)
    prepared = caught.value.prepared
    assert prepared is not None
    assert set(caught.value.findings) <= set(prepared.findings)
    assert fix_of("run-in-both-parts", prepared) is not None
