"""The headline of a run: one text, and one color per severity, for report, command, window and layers."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.p_values import p_text

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.samples.audit.findings import Severity

UNTESTED = "not tested against chance (no permutations)"

BY_RUN = "with whole runs held out"

MISSING = "\N{EN DASH}"
"""Shown for a number that does not exist."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Colors of a marked text, as "#rrggbb": the contrast is at least 4.5:1, whatever surrounds them."""

    background: str
    text: str


SEVERITY_MARKS: dict[Severity, Mark] = {
    "error": Mark("#b3261e", "#ffffff"),
    "warning": Mark("#e69f00", "#000000"),
    "note": Mark("#0072b2", "#ffffff"),
}
"""How each severity of the audit's findings is marked, in the report and in the window."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The score of a run in words.

    Attributes
    ----------
    sentence : str
        Score, folds, chance, baselines, the permutation test, and the comparison with the better baseline.
    warning : str
        The findings of the audit that are overridden; "" if there are none.
    severity : {"error", "warning", "note"} or None
        Of these findings.
    """

    sentence: str
    warning: str = ""
    severity: Severity | None = None

    @property
    def text(self) -> str:
        """The sentence and the warning."""
        return f"{self.sentence} {self.warning}".rstrip()

    @property
    def html(self) -> str:
        """The same in HTML, with the warning in the color of its severity."""
        if self.severity is None:
            return escape(self.sentence)
        return f"{escape(self.sentence)}<br>{marked(self.warning, self.severity)}"


def run_headline(scores: Scores) -> Headline:
    """Write the headline of a run.

    Parameters
    ----------
    scores : Scores
        With baseline, permutation and audit.

    Returns
    -------
    Headline
        It is shown wherever a score is shown.
    """
    sentence = f"{_score(scores)}; {', '.join(_chance_and_baselines(scores))}; {_permutation_test(scores)}."
    if scores.versus_baseline:
        sentence += f" {scores.versus_baseline.sentence}"
    if scores.best_of:
        sentence += f" {scores.best_of.sentence}"
    if scores.lag and scores.lag.chosen:
        sentence += f" {scores.lag.sentence}"
    if scores.directions:
        each = ", ".join(f"{name} {number(value)}" for name, value in scores.directions.items())
        sentence += f" Cross-decoding, training to test: {each}."
    codes = [finding.code for finding in scores.audit if finding.allowed and finding.severity == "error"]
    if not codes:
        return Headline(sentence)
    warning = (
        f"The audit found errors, which the recipe overrides: {', '.join(codes)}. "
        "These may explain the score."
    )
    return Headline(sentence, warning, "error")


def marked(text: str, severity: Severity) -> str:
    """Write a text as HTML, in the colors of a severity.

    Examples
    --------
    >>> marked("a < b", "note")
    '<b style="background-color:#0072b2; color:#ffffff">&nbsp;a &lt; b&nbsp;</b>'
    """
    mark = SEVERITY_MARKS[severity]
    style = f"background-color:{mark.background}; color:{mark.text}"
    return f'<b style="{style}">&nbsp;{escape(text)}&nbsp;</b>'


def number(value: str | float | None) -> str:
    """Write texts and counts as they are, and other numbers with three decimals."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return MISSING
    return f"{value:z.3f}" if isinstance(value, float) else str(value)  # z: no minus sign before 0.000


def _score(scores: Scores) -> str:
    name = scores.headline.replace("_", " ").capitalize()
    per_fold = [getattr(fold, scores.headline) for fold in scores.folds]
    folds = "1 fold"
    if len(per_fold) > 1:
        folds = f"{len(per_fold)} folds, {number(min(per_fold))} to {number(max(per_fold))}"
    if scores.seeds:
        by_seed = scores.seeds.scores
        folds += f"; {len(by_seed)} seeds, {number(min(by_seed))} to {number(max(by_seed))}"
    return f"{name} {number(scores.score)} ({folds})"


def _chance_and_baselines(scores: Scores) -> list[str]:
    comparisons = [f"chance {number(scores.chance)}"]
    for name, value in scores.baseline.items():
        by_run = scores.baseline_by_run if name == "linear" else None
        comparisons.append(
            f"{name} {number(value)}" + ("" if by_run is None else f" ({BY_RUN} {number(by_run)})")
        )
    return comparisons


def _permutation_test(scores: Scores) -> str:
    if not scores.permutation:
        return UNTESTED
    test = scores.permutation
    return f"{p_text(test.p, test.n)} (their mean {number(test.mean)})"
