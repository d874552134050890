"""A group of subjects: one run per subject, and each subject compared with its own null distribution.

The folds of one subject share training data, so their spread says little about the population, and no
t test is computed over them. A group shows how subjects differ, how many exceed their own null, and how many
members of the population have an effect at least.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.finished_run import NULL, ReadRun, SubjectScore, read_run
from napari_fmri_decoder.evaluation.json_values import finite_or_none
from napari_fmri_decoder.evaluation.prevalence import LEVEL, Prevalence, prevalence, prevalence_sentence
from napari_fmri_decoder.volumes.kind_and_tr import is_doubt

if TYPE_CHECKING:
    from collections.abc import Sequence

OVERRIDDEN = "The audit has errors that were overridden in: "
"""Begins the note on subjects with overridden findings."""


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Subjects and their summary.

    Attributes
    ----------
    measure : str
        The headline of all runs: "accuracy" or "balanced_accuracy".
    chance : float
    mean, median, std, minimum, maximum : float
        Of the subjects' scores; std is the sample standard deviation (n - 1), NaN for one subject.
    n_tested : int
        Subjects with a permutation test.
    n_significant : int
        Subjects with p at most 0.05.
    p_of_count : float or None
        Probability of as many or more if no subject had an effect: binomial, 0.05 each. It tests
        whether any subject has an effect, not whether the typical subject has.
    subjects : tuple of SubjectScore
    notes : tuple of str
    prevalence : Prevalence or None
        Of the subjects with a permutation test; None if there are fewer than two.
    """

    measure: str
    chance: float
    mean: float
    median: float
    std: float
    minimum: float
    maximum: float
    n_tested: int
    n_significant: int
    p_of_count: float | None
    subjects: tuple[SubjectScore, ...]
    notes: tuple[str, ...] = ()
    prevalence: Prevalence | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `group.json`; numbers that are not finite become null."""
        content: dict[str, Any] = finite_or_none(asdict(self))
        return content

    def table(self) -> pd.DataFrame:
        """Return one row per subject."""
        return pd.DataFrame([asdict(row) for row in self.subjects])


def summarize_group(folders: Sequence[Path]) -> GroupScores:
    """Summarize run folders, one per subject.

    Parameters
    ----------
    folders : sequence of Path
        Run folders of one recipe, each with the images of another subject. The name of a subject is
        in the column `subject` of its predictions; if that is empty, it is the name of the folder.

    Returns
    -------
    GroupScores

    Raises
    ------
    InputError
        If a folder contains no finished run, a subject occurs twice, several subjects share a run, or
        the runs differ in their classes.
    """
    from scipy.stats import binom  # takes a second, and docks import this module

    if not folders:
        raise InputError("A group needs at least one run folder, got none. List the folders of all subjects.")
    runs = [read_run(folder) for folder in folders]
    first = runs[0].scores
    for run in runs[1:]:
        if run.scores["classes"] != first["classes"]:
            raise InputError(
                f"All runs of a group must have the same classes, but {runs[0].row.folder} has "
                f"{first['classes']} and {run.row.folder} has {run.scores['classes']}. "
                "Summarize them separately."
            )
    measure, measure_notes = _measure(runs)
    names = [run.row.subject for run in runs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"Each subject must occur once, but {', '.join(repeated)} has several run folders. List only one."
        )
    rows = tuple(run.row for run in runs)
    scores = np.array([row.score for row in rows])
    p = [row.p for row in rows if row.p is not None]
    significant = sum(value <= LEVEL for value in p)
    return GroupScores(
        measure=measure,
        chance=float(first["chance"]),
        mean=float(scores.mean()),
        median=float(np.median(scores)),
        std=float(scores.std(ddof=1)) if len(scores) > 1 else float("nan"),
        minimum=float(scores.min()),
        maximum=float(scores.max()),
        n_tested=len(p),
        n_significant=significant,
        p_of_count=float(binom.sf(significant - 1, len(p), LEVEL)) if p else None,
        subjects=rows,
        notes=(*measure_notes, *_notes(runs, rows)),
        prevalence=_prevalence(runs),
    )


def write_group(group: GroupScores, folder: Path) -> list[Path]:
    """Write `group.json` and `group.tsv` into a folder, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(group.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "group.json").write_text(text + "\n", encoding="utf-8")
    group.table().to_csv(folder / "group.tsv", sep="\t", index=False, na_rep="n/a", float_format="%.6g")
    return [folder / "group.json", folder / "group.tsv"]


def group_sentences(group: GroupScores) -> list[str]:
    """Summarize a group in sentences."""
    name = group.measure.replace("_", " ")
    n = len(group.subjects)
    spread = "" if n == 1 else f", standard deviation {group.std:.3f}"
    sentences = [
        f"Mean {name} of {n} subject{'s' if n > 1 else ''}: {group.mean:.3f}{spread}, "
        f"{group.minimum:.3f} to {group.maximum:.3f}; chance {group.chance:.3f}."
    ]
    if group.n_tested:
        sentences.append(
            f"{group.n_significant} of {group.n_tested} subjects exceed their own null (p <= {LEVEL}); "
            f"without any effect, the probability of as many or more is {group.p_of_count:.3g}."
        )
    if group.prevalence is not None:
        sentences.append(prevalence_sentence(group.prevalence))
    if group.n_tested < n:
        sentences.append(f"{n - group.n_tested} of {n} not tested against chance (no permutations).")
    return [*sentences, *group.notes]


def _prevalence(runs: Sequence[ReadRun]) -> Prevalence | None:
    """Infer the prevalence, unless fewer than two subjects have listed permutations."""
    tested = [(run.row.score, run.null) for run in runs if run.null is not None]
    if len(tested) < 2:
        return None
    return prevalence(np.array([score for score, _ in tested]), [null for _, null in tested])


def _measure(runs: Sequence[ReadRun]) -> tuple[str, list[str]]:
    """Choose the score of all runs. With classes of equal size, accuracy and balanced accuracy agree."""
    headlines = {run.scores["headline"] for run in runs}
    if len(headlines) == 1:
        return str(headlines.pop()), []
    plain = [run.row.subject for run in runs if run.scores["headline"] == "accuracy"]
    return "balanced_accuracy", [
        f"All classes of {', '.join(plain)} have the same size, so the accuracy (a mean over folds) is used "
        "there, and the balanced accuracy for the other subjects."
    ]


def _notes(runs: Sequence[ReadRun], rows: Sequence[SubjectScore]) -> list[str]:
    """Report where the analyses of the runs differ, and doubts about their data."""
    notes = []
    for key in runs[0].options:
        if any(run.options[key] != runs[0].options[key] for run in runs):
            notes.append(f"The runs differ in [{key}]: their scores come from different analyses.")
    if len({_preprocessing(run) for run in runs}) > 1:
        notes.append("The runs differ in the preprocessing of their data: see the notes in each report.")
    doubts: dict[str, list[str]] = {}
    for run in runs:
        for note in run.scores.get("notes", ()):
            if is_doubt(note):
                doubts.setdefault(note, []).append(run.row.subject)
    notes += [f"{', '.join(subjects)}: {note}" for note, subjects in doubts.items()]
    unlisted = [run.row.subject for run in runs if run.row.p is not None and run.null is None]
    if unlisted:
        notes.append(
            f"Prevalence is inferred without {', '.join(unlisted)}: {NULL} is missing, because an earlier "
            "version wrote the run. Complete the run again with --resume."
        )
    too_few = [r.subject for r in rows if r.permutations is not None and 1 / (r.permutations + 1) > LEVEL]
    if too_few:
        notes.append(
            f"With fewer than {round(1 / LEVEL) - 1} permutations, p cannot reach {LEVEL}. Increase "
            f"permutations for: {', '.join(too_few)}."
        )
    overridden = [run.row.subject for run in runs if _has_errors(run.scores)]
    if overridden:
        notes.append(f"{OVERRIDDEN}{', '.join(overridden)}.")
    return notes


def _preprocessing(run: ReadRun) -> str:
    """Return the preprocessing of a run's data; its number of volumes may differ."""
    note = next((n for n in run.scores.get("notes", ()) if n.startswith("Data: ")), "")
    return note.split(" ", 2)[-1]


def _has_errors(scores: dict[str, Any]) -> bool:
    return any(finding.get("severity") == "error" for finding in scores.get("audit", []))
