"""Scores and options of one finished run, read from its folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.decoders import registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular, parse_json, parse_toml, read_text
from napari_fmri_decoder.samples.bids.names import entities

if TYPE_CHECKING:
    from numpy.typing import NDArray

NULL = "null.tsv"
"""File of a run folder with the score of each permutation."""


@dataclass(frozen=True, slots=True)
class SubjectScore:
    """One subject: the headline score of its run, the linear baseline, and its permutation test.

    `p`, `permutations` and `null_mean` are None if the run had no permutations; `folder` is its run folder.
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


@dataclass(frozen=True, slots=True, eq=False)
class ReadRun:
    """A finished run: its row in the table of subjects, its scores, and the options that runs must share.

    `null` has the score of each permutation; None if the run had none, or is of a version that did not list
    them.
    """

    row: SubjectScore
    scores: dict[str, Any]
    options: dict[str, Any]
    null: NDArray[np.float64] | None = None


def read_run(folder: Path) -> ReadRun:
    """Read a run folder.

    Raises
    ------
    InputError
        If the folder contains no finished run, or a run of several subjects.
    """
    try:
        scores = parse_json(read_text(folder / "scores.json", "scores"), "scores.json")
        recipe = parse_toml(read_text(folder / "recipe.toml", "recipe"), "recipe.toml")
        check_regular(folder / "predictions.tsv", "table of predictions")
        predictions = pd.read_csv(folder / "predictions.tsv", sep="\t", dtype=str, keep_default_na=False)
        subjects = sorted(set(predictions["subject"]) - {"", "n/a"})
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
        listed = read_null(folder) if null else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"A group consists of the run folders of finished runs, but {folder} is not one "
            f"({type(error).__name__}: {error}). List folders that `fmri-decoder train` has written."
        ) from error
    if len(subjects) > 1:
        raise InputError(
            f"Each run must be of one subject, but {folder} has {len(subjects)} subjects: its folds train on "
            "several. Write one recipe per subject."
        )
    keys = ("zmaps", "prepare", "slab", "split", "decoder", "training", "null")
    options: dict[str, Any] = {key: recipe.get(key) for key in keys}
    kind = registry.get((options["decoder"] or {}).get("name", ""))
    # earlier versions wrote options that the decoder never reads
    if kind is not None and isinstance(options["training"], dict):
        read = options["training"].items()
        options["training"] = {name: value for name, value in read if name not in kind.unread_training}
    if isinstance(options["slab"], dict):
        options["slab"] = {k: v for k, v in options["slab"].items() if not k.startswith("resolved")}
    labels = recipe.get("labels", {})  # files and runs differ between subjects
    options["labels"] = {key: labels.get(key) for key in ("exclude", "lag", "trim_start", "trim_end")}
    data = recipe.get("data", {})
    options |= {
        "data.kind": data.get("kind", "auto"),
        "data.tr": data.get("tr"),
        "data.mask": _mask(data.get("mask")),
    }
    names = [entities(path) for path in data.get("images", ())]
    for key, entity in (("tasks", "task"), ("space", "space"), ("space", "res")):
        options.setdefault(f"data.{key}", []).append(sorted({name.get(entity, "") for name in names}))
    return ReadRun(row, scores, options, listed)


def null_table(scores: NDArray[np.float64]) -> pd.DataFrame:
    """List the scores of permutations, (n,), as `null.tsv` does: columns permutation (from 1) and score."""
    return pd.DataFrame({"permutation": np.arange(1, len(scores) + 1), "score": scores})


def read_null(folder: Path) -> NDArray[np.float64] | None:
    """Read the scores of the permutations of a run, (n,); None if its folder does not list them.

    Raises
    ------
    InputError
        If the file is not regular.
    ValueError
        If it is damaged.
    """
    if not (folder / NULL).exists():
        return None
    table = pd.read_csv(check_regular(folder / NULL, "table of permutations"), sep="\t")
    return np.asarray(table["score"], dtype=np.float64)


def _mask(options: Any) -> Any:
    """Describe how a mask was made, without what differs between subjects: folders, and runs in file names.

    Several masks that differ only in these, such as the brain masks of all runs, count as one.
    """
    if not isinstance(options, dict):
        return options
    described = {key: value for key, value in options.items() if key not in ("path", "masks")}
    if "path" in options:
        described["path"] = re.sub(r"(sub|ses|task|run)-[^_.]+_?", "", Path(options["path"]).name)
    if "masks" in options:
        masks = [_mask(mask) for mask in options["masks"]]
        shaped = any(described.get(key) for key in ("invert", "grow_mm", "largest"))
        if not shaped and described.get("how") != "minus" and all(mask == masks[0] for mask in masks):
            return masks[0]
        described["masks"] = masks
    return described
