"""Splits into training and test parts; the honest ones never part a run.

A run is (subject, session, run). Random splits are those of the notebooks that this project grew
from; `audit` marks them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, train_test_split

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.samples.options import Options
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    import pandas as pd

Indices = NDArray[np.int64]
Kind = Literal["run", "session", "subject"]

_LEFT_OUT: dict[str, Kind] = {
    "leave-one-run-out": "run",
    "leave-one-session-out": "session",
    "leave-one-subject-out": "subject",
}
_KINDS = {"sub": "subject", "ses": "session", "run": "run"}
"""Entities of BIDS names, and the columns of the table that hold them."""


class SplitConfig(Options):
    """How samples are split into training and test parts."""

    scheme: Literal[
        "leave-one-run-out",
        "leave-one-session-out",
        "leave-one-subject-out",
        "group-k-fold",
        "stratified-group-k-fold",
        "explicit",
        "random",
    ] = Field(
        "leave-one-run-out",
        description="leave-one-run-out tests on each run in turn, and so for sessions and subjects; "
        "group-k-fold on several whole runs at a time, stratified with the classes as even as whole runs "
        "allow; explicit on the runs that you name; random parts single volumes and so leaks within runs.",
    )
    n_splits: int = Field(5, ge=2, description="Number of folds of the two k-fold schemes.")
    group: Literal["run", "session", "subject"] = Field(
        "run", description="What the two k-fold schemes keep whole."
    )
    test_size: float = Field(
        0.2, gt=0, lt=1, description="Fraction of the samples in the test part of a random split."
    )
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of a random split.")
    method: Literal["train_test_split", "stratified", "shuffle-cut"] = Field(
        "train_test_split",
        description="How a random split is drawn: by scikit-learn's train_test_split, by its "
        "StratifiedShuffleSplit with the classes alike in both parts, or by numpy.random.shuffle of all "
        "samples, cut at int((1 - test_size) N).",
    )
    train: tuple[str, ...] = Field(
        (),
        description='Training runs of an explicit split: "3" is run 3 of everyone, "2/1/3" that of subject '
        '2, session 1, and "2/*" all of subject 2; "sub-2", "ses-1", "run-3" or "sub-2/ses-1" name them by '
        "kind. Empty takes all runs that are not tested; what neither list names is left out.",
    )
    test: tuple[str, ...] = Field(
        (), description="Test runs of an explicit split, named as the training runs are."
    )

    @field_validator("train", "test", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return [str(v) for v in value] if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One fold.

    Attributes
    ----------
    name : str
        For curves and tables: "run 3".
    train, test : (n,) int64 array
        Rows of the samples.
    """

    name: str
    train: Indices
    test: Indices


def make_splits(config: SplitConfig, table: pd.DataFrame) -> list[Split]:
    """Split samples.

    Parameters
    ----------
    config : SplitConfig
    table : DataFrame of n rows
        The samples' table: `label`, `subject`, `session`, `run`; only kept samples, one row each.

    Returns
    -------
    list of Split
        Runs in the order in which they first appear.

    Raises
    ------
    InputError
        If there are too few runs, a run is unknown or on both sides, a class has a single
        sample, or a class to be tested is missing from the training part.
    """
    labels, groups = table["label"].to_numpy(dtype=str), group_keys(table)
    _check_counts(labels)
    match config.scheme:
        case "leave-one-run-out" | "leave-one-session-out" | "leave-one-subject-out":
            splits = _leave_one_out(table, _LEFT_OUT[config.scheme])
        case "group-k-fold" | "stratified-group-k-fold":
            splits = _k_fold(table, labels, config)
        case "explicit":
            splits = [_explicit(table, groups, config)]
        case "random":
            splits = [_random(labels, config)]
    for split in splits:
        _check_classes(split, labels)
    return splits


def _leave_one_out(table: pd.DataFrame, kind: Kind) -> list[Split]:
    groups = _groups(table, kind)
    names = list(dict.fromkeys(groups.tolist()))
    if len(names) < 2:
        raise InputError(
            f"Leaving one {kind} out needs at least two {kind}s, found one ({names[0]!r}). Give the {kind} "
            "of each volume in the labels, or choose scheme = random and read its score with care."
        )
    return [
        Split(f"{kind} {name}", np.flatnonzero(groups != name), np.flatnonzero(groups == name))
        for name in names
    ]


def _groups(table: pd.DataFrame, kind: Kind) -> NDArray[np.str_]:
    """Keys of what is kept whole: a run is (subject, session, run), a session (subject, session)."""
    columns = ("subject", "session", "run")
    finer = columns[columns.index(kind) + 1 :]
    if kind != "run" and not (table[kind].astype(str) != "").any():
        raise InputError(
            f"Splitting by {kind} needs the {kind} of each volume, but the labels name none. "
            f"Give a column {kind}, or split by runs."
        )
    return group_keys(table.assign(**dict.fromkeys(finer, "")))


def _k_fold(table: pd.DataFrame, labels: NDArray[np.str_], config: SplitConfig) -> list[Split]:
    groups, n_splits = _groups(table, config.group), config.n_splits
    n_groups = len(set(groups.tolist()))
    if n_groups < n_splits:
        raise InputError(
            f"Each fold must test at least one {config.group}, got {n_splits} folds for {n_groups} "
            f"{config.group}(s). Choose n_splits between 2 and the number of {config.group}s."
        )
    stratified = config.scheme == "stratified-group-k-fold"
    cutter = StratifiedGroupKFold(n_splits) if stratified else GroupKFold(n_splits)
    with warnings.catch_warnings():
        # It warns of a class with fewer samples than folds; what matters is checked afterwards.
        warnings.simplefilter("ignore", UserWarning)
        try:
            folds = list(cutter.split(np.zeros(len(groups)), labels, groups))
        except ValueError as error:
            raise InputError(
                f"Stratified folds need as many samples of a class as folds: {error} Choose fewer folds."
            ) from error
    return [
        Split(f"fold {i}", train.astype(np.int64), test.astype(np.int64))
        for i, (train, test) in enumerate(folds)
    ]


def _explicit(table: pd.DataFrame, groups: NDArray[np.str_], config: SplitConfig) -> Split:
    if not config.test:
        raise InputError('An explicit split must name its test runs, got none. Set test = ["12"] or such.')
    test = _rows_of_runs(config.test, table, groups)
    train = _rows_of_runs(config.train, table, groups) if config.train else ~test
    both = sorted(set(groups[train & test].tolist()))
    if both:
        raise InputError(
            f"A run must be trained on or tested on, not both; found {', '.join(both)} in train and test. "
            "Take it out of one of them."
        )
    if not train.any():
        raise InputError("Some runs must be left to train on, but all are named in test. Name fewer.")
    return Split(f"test on {', '.join(config.test)}", np.flatnonzero(train), np.flatnonzero(test))


def _rows_of_runs(names: tuple[str, ...], table: pd.DataFrame, groups: NDArray[np.str_]) -> NDArray[np.bool_]:
    kinds = [kind for kind in _KINDS.values() if (table[kind].astype(str) != "").any()]
    columns = {
        kind: [plain_label(label, kind) for label in table[kind].astype(str)] for kind in _KINDS.values()
    }
    plain = ["/".join(parts) for parts in zip(*(columns[kind] for kind in kinds), strict=True)]
    rows = np.zeros(len(table), dtype=bool)
    for name in names:
        asked = nfc(name)
        found = np.array(columns["run"]) == plain_label(asked, "run")
        found |= _by_kind(asked, columns)
        parts = asked.split("/")
        if len(parts) == len(kinds):
            asked = "/".join(plain_label(part, kind) for part, kind in zip(parts, kinds, strict=True))
        found |= [
            fnmatchcase(a, asked) or fnmatchcase(nfc(b), nfc(name))
            for a, b in zip(plain, groups, strict=True)
        ]
        if not found.any():
            known = ", ".join(dict.fromkeys(groups.tolist()))
            raise InputError(f"A split must name runs that exist, got {name!r}. The runs are: {known}.")
        rows |= found
    return rows


def _by_kind(name: str, columns: Mapping[str, list[str]]) -> NDArray[np.bool_]:
    """Rows that "sub-2", "ses-1" or "sub-2/run-3" name; none where it is no such name."""
    rows = np.ones(len(columns["run"]), dtype=bool)
    for part in name.split("/"):
        kind = _KINDS.get(part.partition("-")[0])
        if kind is None:
            return np.zeros(len(rows), dtype=bool)
        rows &= np.array(columns[kind]) == plain_label(part, kind)
    return rows


def _random(labels: NDArray[np.str_], config: SplitConfig) -> Split:
    n = len(labels)
    if config.method == "shuffle-cut":
        # What numpy.random.seed and numpy.random.shuffle do, without their global state.
        order = np.arange(n)
        np.random.RandomState(config.seed).shuffle(order)
        cut = int(round(1 - config.test_size, 12) * n)
        train, test = order[:cut], order[cut:]
    else:
        stratify = labels if config.method == "stratified" else None
        try:
            train, test = train_test_split(
                np.arange(n), test_size=config.test_size, random_state=config.seed, stratify=stratify
            )
        except ValueError as error:
            raise InputError(f"A random split must leave samples in both parts: {error}") from error
    return Split("random", np.asarray(train, dtype=np.int64), np.asarray(test, dtype=np.int64))


def _check_counts(labels: NDArray[np.str_]) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise InputError(
            f"Decoding needs at least two classes, found {len(classes)} ({', '.join(classes)}). "
            "Check the labels, and what is excluded."
        )
    alone = classes[counts == 1]
    if len(alone):
        raise InputError(
            f"Each class needs at least two samples, one to train on and one to test on; "
            f"{', '.join(alone)} has 1 of {len(labels)}. Exclude it, or merge it with another class."
        )


def _check_classes(split: Split, labels: NDArray[np.str_]) -> None:
    if not len(split.train) or not len(split.test):
        raise InputError(
            f"Both parts of a split must hold samples; {split.name!r} trains on {len(split.train)} and tests "
            f"on {len(split.test)}. Change test_size or the runs."
        )
    missing = sorted(set(labels[split.test].tolist()) - set(labels[split.train].tolist()))
    if missing:
        raise InputError(
            f"Each class that is tested must be in the training part too; in {split.name!r} "
            f"{', '.join(missing)} is tested but never trained on. Exclude it, or choose another split."
        )


def inner_folds(groups: NDArray[np.str_], most: int = 5) -> list[tuple[Indices, Indices]]:
    """Part a training part again, by whole runs: what options are chosen by.

    Parameters
    ----------
    groups : (n,) str array
        The run of each sample.
    most : int
        Folds at most.

    Returns
    -------
    list of (training, left out) rows
        Empty where there is one run.
    """
    n = min(most, len(np.unique(groups)))
    return list(GroupKFold(n).split(groups, groups=groups)) if n > 1 else []
