"""Scores of decoding from nuisance variables, as a table and as a finding of the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_fmri_decoder.samples.audit.findings import Finding, checks_of_scores

CODE = "confounds-decode-labels"
LEVEL = 0.07
"""Largest p over all families together that is reported."""
MEAN = "mean of the voxels"
"""The one family that is computed from the brain, but not from a pattern."""


@dataclass(frozen=True, slots=True)
class NuisanceScore:
    """How well one family of nuisance variables decodes the labels.

    Attributes
    ----------
    name : str
        Such as "motion".
    columns : int
        Number of variables.
    score : float
        Headline score on the folds of the run.
    p : float or None
        Of the permutation test; None if nothing can be permuted.
    p_all : float or None
        The same, corrected for the number of families by the maximum statistic.
    """

    name: str
    columns: int
    score: float
    p: float | None
    p_all: float | None


@dataclass(frozen=True, slots=True)
class NuisanceTest:
    """Scores of all families, and the number of permutations."""

    rows: tuple[NuisanceScore, ...]
    permutations: int

    @property
    def sentence(self) -> str:
        """All scores in one line; "" if there are none."""
        listed = ", ".join(
            f"{row.name} {row.score:.3f}" + ("" if row.p_all is None else f" (p = {row.p_all:.2g})")
            for row in self.rows
        )
        return f"Decoded without the pattern of voxels: {listed}." if listed else ""

    @classmethod
    def read(cls, content: dict[str, Any]) -> NuisanceTest:
        """Build from what `dataclasses.asdict` returns."""
        rows = tuple(NuisanceScore(**row) for row in content["rows"])
        return cls(rows, int(content["permutations"]))


def nuisance_finding(test: NuisanceTest, chance: float, *, allowed: bool = False) -> Finding | None:
    """Report the families that decode the labels; None if there is none.

    Parameters
    ----------
    test : NuisanceTest
    chance : float
    allowed : bool
        Whether the recipe allows the code.
    """
    found = [row for row in test.rows if row.p_all is not None and row.p_all <= LEVEL]
    if not found:
        return None
    listed = ", ".join(f"{row.name} {row.score:.3f} (p = {row.p_all:.2g})" for row in found)
    outside = [row for row in found if row.name != MEAN]
    advice = (
        "Part of the score may come from these instead of the pattern of voxels: regress out confounds, "
        "match durations and reaction times, randomize the order for each run, and compare with the table."
        if outside
        else "No pattern is needed for this score: the whole region may respond, or breathing, motion or "
        "arousal may differ. Subtract the mean of the voxels from each volume to test for a pattern."
    )
    return Finding(
        CODE,
        checks_of_scores[CODE],
        f"The labels can be decoded from {listed}; chance is {chance:.3f}, and p is corrected for the "
        f"{len(test.rows)} families that were tried, with {test.permutations} permutations. {advice}",
        allowed,
    )
