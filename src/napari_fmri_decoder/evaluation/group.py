"""A group of subjects: each with a run of its own, and each held against its own null.

Folds of one subject share their training data, so that their spread says little of the population, and
no t test is done over them. What a group shows is how subjects differ, and how many beat their own null.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular, parse_json, parse_toml, read_text
from napari_fmri_decoder.samples.bids import entities
from napari_fmri_decoder.volumes.settling import is_doubt

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05
"""Of p, for counting subjects."""


@dataclass(frozen=True, slots=True)
class SubjectScore:
    """One subject: the headline score of its run, what stands beside it, and its own null.

    `p` and `permutations` are None where the run had no permutations; `folder` is its run folder.
    """

    subject: str
    folder: str
    score: float
    linear: float | None
    p: float | None
    permutations: int | None
    null_mean: float | None
    n_samples: int
    n_folds: int


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Subjects and their summary.

    Attributes
    ----------
    measure : str
        The headline of all runs: "accuracy" or "balanced_accuracy".
    chance : float
    mean, median, std, minimum, maximum : float
        Of the subjects' scores; std divides by one less than their number, and is NaN for one.
    n_tested : int
        Subjects that have a null.
    n_significant : int
        Those with p at most 0.05.
    p_of_count : float or None
        How often as many, or more, would come from nothing: binomial, 0.05 each. It asks whether
        any subject has an effect, not whether the typical one has.
    subjects : tuple of SubjectScore
    notes : tuple of str
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

    def to_dict(self) -> dict[str, Any]:
        """Give the content of `group.json`; a number that is not there becomes null."""
        content = asdict(self)
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in content.items()}

    def table(self) -> pd.DataFrame:
        """One row per subject."""
        return pd.DataFrame([asdict(row) for row in self.subjects])


def summarise_group(folders: Sequence[Path]) -> GroupScores:
    """Summarise run folders, one per subject.

    Parameters
    ----------
    folders : sequence of Path
        Run folders of one recipe, each with the images of another subject. A subject is named by
        the column `subject` of its predictions, or by its folder where that is empty.

    Returns
    -------
    GroupScores

    Raises
    ------
    InputError
        If a folder holds no run that has ended, a subject comes twice, several subjects share a run,
        or the runs differ in their classes.
    """
    if not folders:
        raise InputError("A group needs at least one run folder, got none. Name those of all subjects.")
    found = [_read(folder) for folder in folders]
    first = found[0].scores
    for one in found[1:]:
        if one.scores["classes"] != first["classes"]:
            raise InputError(
                f"All runs of a group must have the same classes, but {found[0].row.folder} has "
                f"{first['classes']} and {one.row.folder} has {one.scores['classes']}. Summarise them apart."
            )
    measure, mixed = _measure(found)
    names = [one.row.subject for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"Each subject must come once, but {', '.join(twice)} has several run folders. Name one of each."
        )
    rows = tuple(one.row for one in found)
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
        notes=(*mixed, *_notes(found, rows)),
    )


def write_group(group: GroupScores, folder: Path) -> list[Path]:
    """Write `group.json` and `group.tsv` into a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(group.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "group.json").write_text(text + "\n", encoding="utf-8")
    group.table().to_csv(folder / "group.tsv", sep="\t", index=False, na_rep="n/a", float_format="%.6g")
    return [folder / "group.json", folder / "group.tsv"]


def group_sentences(group: GroupScores) -> list[str]:
    """Say what the group shows, in plain words."""
    name = group.measure.replace("_", " ")
    n = len(group.subjects)
    spread = "" if n == 1 else f", standard deviation {group.std:.3f}"
    said = [
        f"Mean {name} of {n} subject{'s' if n > 1 else ''}: {group.mean:.3f}{spread}, "
        f"{group.minimum:.3f} to {group.maximum:.3f}; chance {group.chance:.3f}."
    ]
    if group.n_tested:
        said.append(
            f"{group.n_significant} of {group.n_tested} subjects beat their own null (p <= {LEVEL}); as many "
            f"or more would come from nothing with probability {group.p_of_count:.3g}."
        )
    if group.n_tested < n:
        said.append(f"{n - group.n_tested} of {n} not tested against chance (no permutations).")
    return [*said, *group.notes]


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    row: SubjectScore
    scores: dict[str, Any]
    options: dict[str, Any]


def _read(folder: Path) -> _Run:
    try:
        scores = parse_json(read_text(folder / "scores.json", "scores"), "scores.json")
        recipe = parse_toml(read_text(folder / "recipe.toml", "recipe"), "recipe.toml")
        check_regular(folder / "predictions.tsv", "table of predictions")
        said = pd.read_csv(folder / "predictions.tsv", sep="\t", dtype=str, keep_default_na=False)
        subjects = sorted(set(said["subject"]) - {"", "n/a"})
        null = scores["permutation"] or {}
        row = SubjectScore(
            subject=subjects[0] if len(subjects) == 1 else folder.resolve().name,
            folder=str(folder),
            score=float(scores[scores["headline"]]),
            linear=scores["baseline"].get("linear"),
            p=null.get("p"),
            permutations=null.get("n"),
            null_mean=null.get("mean"),
            n_samples=int(scores["n_samples"]),
            n_folds=len(scores["folds"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"A group is made of run folders that have ended, but {folder} is none ({type(error).__name__}: "
            f"{error}). Name folders that `fmri-decoder train` has written."
        ) from error
    if len(subjects) > 1:
        raise InputError(
            f"Each subject needs a run of its own, but {folder} holds {len(subjects)}: its folds "
            "train on other subjects too. Write one recipe per subject."
        )
    keys = ("zmaps", "prepare", "slab", "split", "decoder", "training", "null")
    options: dict[str, Any] = {key: recipe.get(key) for key in keys}
    if isinstance(options["slab"], dict):
        options["slab"] = {k: v for k, v in options["slab"].items() if not k.startswith("resolved")}
    labels = recipe.get("labels", {})  # files and runs are each subject's own
    options["labels"] = {key: labels.get(key) for key in ("exclude", "lag", "trim_start", "trim_end")}
    data = recipe.get("data", {})
    options |= {
        "data.kind": data.get("kind", "auto"),
        "data.tr": data.get("tr"),
        "data.mask": _mask(data.get("mask")),
    }
    names = [entities(path) for path in data.get("images", ())]
    for choice, entity in (("tasks", "task"), ("space", "space"), ("space", "res")):
        options.setdefault(f"data.{choice}", []).append(sorted({name.get(entity, "") for name in names}))
    return _Run(row, scores, options)


def _mask(options: Any) -> Any:
    """Tell how a mask was made, without what is each subject's own: folders, and the runs in file names.

    Several masks that are alike but for those, as the brain masks of all runs, are one.
    """
    if not isinstance(options, dict):
        return options
    told = {key: value for key, value in options.items() if key not in ("path", "masks")}
    if "path" in options:
        told["path"] = re.sub(r"(sub|ses|task|run)-[^_.]+_?", "", Path(options["path"]).name)
    if "masks" in options:
        masks = [_mask(one) for one in options["masks"]]
        shaped = any(told.get(key) for key in ("invert", "grow_mm", "largest"))
        if not shaped and told.get("how") != "minus" and all(one == masks[0] for one in masks):
            return masks[0]
        told["masks"] = masks
    return told


def _measure(found: Sequence[_Run]) -> tuple[str, list[str]]:
    """Name the score of all runs. Where classes are of one size, the accuracy is the balanced accuracy."""
    headlines = {one.scores["headline"] for one in found}
    if len(headlines) == 1:
        return str(headlines.pop()), []
    plain = [one.row.subject for one in found if one.scores["headline"] == "accuracy"]
    return "balanced_accuracy", [
        f"Of {', '.join(plain)} the classes are of one size, so that the accuracy, a mean over folds, stands "
        "beside the balanced accuracy of the others."
    ]


def _notes(found: Sequence[_Run], rows: Sequence[SubjectScore]) -> list[str]:
    """Say where the runs of a group are not of one analysis."""
    notes = []
    for key in found[0].options:
        if any(one.options[key] != found[0].options[key] for one in found):
            notes.append(f"The runs differ in [{key}]: their scores are not of one analysis.")
    if len({_treatment(one) for one in found}) > 1:
        notes.append("The runs differ in what was done to their data: see the notes of each report.")
    doubts: dict[str, list[str]] = {}
    for one in found:
        for note in one.scores.get("notes", ()):
            if is_doubt(note):
                doubts.setdefault(note, []).append(one.row.subject)
    notes += [f"{', '.join(subjects)}: {note}" for note, subjects in doubts.items()]
    coarse = [r.subject for r in rows if r.permutations is not None and 1 / (r.permutations + 1) > LEVEL]
    if coarse:
        notes.append(
            f"With fewer than {round(1 / LEVEL) - 1} permutations no p can reach {LEVEL}, as in: "
            f"{', '.join(coarse)}. Raise permutations there."
        )
    stopped = [r.subject for r, one in zip(rows, found, strict=True) if _errors(one.scores)]
    if stopped:
        notes.append(f"The audit has errors that were overridden in: {', '.join(stopped)}.")
    return notes


def _treatment(one: _Run) -> str:
    """Give what was done to the data of a run; its number of volumes may differ."""
    said = next((n for n in one.scores.get("notes", ()) if n.startswith("Data: ")), "")
    return said.split(" ", 2)[-1]


def _errors(scores: dict[str, Any]) -> bool:
    return any(finding.get("severity") == "error" for finding in scores.get("audit", []))
