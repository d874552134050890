"""Splits into training and test sets, by whole runs except for the random scheme.

A run is (subject, session, run). Random splits reproduce those of the original notebooks; `audit`
reports that they leak.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import Options, several_texts
from napari_fmri_decoder.samples.run_selection import rows_of_runs
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    import pandas as pd

Indices = NDArray[np.int64]
Kind = Literal["run", "session", "subject"]

_HELD_OUT: dict[str, Kind] = {
    "leave-one-run-out": "run",
    "leave-one-session-out": "session",
    "leave-one-subject-out": "subject",
}


class SplitConfig(Options):
    """How samples are split into training and test sets."""

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
        description="Cross-validation scheme. leave-one-run-out: each run is the test set once, and likewise "
        "for sessions and subjects. group-k-fold: several whole runs are held out at a time. "
        "stratified-group-k-fold: the same, with class proportions as equal as possible. explicit: the test "
        "set is the runs listed in test. random: single volumes are held out, which leaks within runs.",
        json_schema_extra={"basic": True},
    )
    n_splits: int = Field(
        5,
        ge=2,
        le=10_000,
        description="Number of folds of the k-fold schemes.",
        json_schema_extra={"basic": True},
    )
    group: Literal["run", "session", "subject"] = Field(
        "run", description="Unit that the k-fold schemes keep together."
    )
    test_size: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="Fraction of the samples in the test set of a random split.",
        json_schema_extra={"basic": True},
    )
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Random seed of a random split.")
    method: Literal["train_test_split", "stratified", "shuffle-cut"] = Field(
        "train_test_split",
        description="How a random split is drawn. train_test_split: by scikit-learn's function. stratified: "
        "by its StratifiedShuffleSplit, with the same class proportions in both sets. shuffle-cut: by "
        "numpy.random.shuffle of all samples, split at int((1 - test_size) N).",
    )
    train: tuple[str, ...] = Field(
        (),
        description='Training runs of an explicit split. "3" is run 3 of all subjects, "2/1/3" that of '
        'subject 2, session 1, and "2/*" all runs of subject 2; "sub-2", "ses-1", "run-3" and "sub-2/ses-1" '
        "also "
        "work. By default all runs that are not tested. Runs in neither list are not used.",
        json_schema_extra={"basic": True},
    )
    test: tuple[str, ...] = Field(
        (),
        description="Test runs of an explicit split, in the same notation as train.",
        json_schema_extra={"basic": True},
    )

    @field_validator("train", "test", mode="before")
    @classmethod
    def _to_texts(cls, value: object) -> object:
        return several_texts(value)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One fold.

    Attributes
    ----------
    name : str
        Name in plots and tables: "run 3".
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
        Table of the samples: `label`, `subject`, `session`, `run`, one row per sample.

    Returns
    -------
    list of Split
        In the order in which the runs first occur.

    Raises
    ------
    InputError
        If there are too few runs, a run is unknown or in both sets, a class has a single
        sample, or a class of the test set is missing from the training set.
    """
    labels, groups = table["label"].to_numpy(dtype=str), group_keys(table)
    _check_counts(labels)
    match config.scheme:
        case "leave-one-run-out" | "leave-one-session-out" | "leave-one-subject-out":
            splits = _leave_one_out(table, _HELD_OUT[config.scheme])
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
            f"Leave-one-{kind}-out needs at least two {kind}s, found one ({names[0]!r}). Provide the {kind} "
            "of each volume in the labels, or choose scheme = random and interpret its score with care."
        )
    return [
        Split(f"{kind} {name}", np.flatnonzero(groups != name), np.flatnonzero(groups == name))
        for name in names
    ]


def _groups(table: pd.DataFrame, kind: Kind) -> NDArray[np.str_]:
    """Keys of the units that are kept together: a session, for example, is (subject, session)."""
    columns = ("subject", "session", "run")
    finer = columns[columns.index(kind) + 1 :]
    if kind != "run" and not (table[kind].astype(str) != "").any():
        raise InputError(
            f"Splitting by {kind} needs the {kind} of each volume, but the labels have none. "
            f"Add a column {kind}, or split by runs."
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
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    stratified = config.scheme == "stratified-group-k-fold"
    splitter = StratifiedGroupKFold(n_splits) if stratified else GroupKFold(n_splits)
    with warnings.catch_warnings():
        # It warns about classes with fewer samples than folds; _check_classes makes the stricter check.
        warnings.simplefilter("ignore", UserWarning)
        try:
            folds = list(splitter.split(np.zeros(len(groups)), labels, groups))
        except ValueError as error:
            raise InputError(
                f"Stratified folds need at least as many samples per class as folds: {error} Choose fewer "
                "folds."
            ) from error
    return [
        Split(f"fold {i}", train.astype(np.int64), test.astype(np.int64))
        for i, (train, test) in enumerate(folds)
    ]


def _explicit(table: pd.DataFrame, groups: NDArray[np.str_], config: SplitConfig) -> Split:
    if not config.test:
        raise InputError(
            'An explicit split must name its test runs, got none. Set, for example, test = ["12"].'
        )
    test = rows_of_runs(config.test, table, groups)
    train = rows_of_runs(config.train, table, groups) if config.train else ~test
    both = sorted(set(groups[train & test].tolist()))
    if both:
        raise InputError(
            f"A run must be in the training or the test set, not both; found {', '.join(both)} in train and "
            "test. Remove it from one of them."
        )
    if not train.any():
        raise InputError("Some runs must remain for training, but test names all of them. Name fewer.")
    return Split(f"test on {', '.join(config.test)}", np.flatnonzero(train), np.flatnonzero(test))


def _random(labels: NDArray[np.str_], config: SplitConfig) -> Split:
    n = len(labels)
    if config.method == "shuffle-cut":
        # Equals numpy.random.seed and numpy.random.shuffle, without the global state.
        order = np.arange(n)
        np.random.RandomState(config.seed).shuffle(order)
        cut = int(round(1 - config.test_size, 12) * n)
        train, test = order[:cut], order[cut:]
    else:
        from sklearn.model_selection import train_test_split

        stratify = labels if config.method == "stratified" else None
        try:
            train, test = train_test_split(
                np.arange(n), test_size=config.test_size, random_state=config.seed, stratify=stratify
            )
        except ValueError as error:
            raise InputError(f"A random split must leave samples in both sets: {error}") from error
    return Split("random", np.asarray(train, dtype=np.int64), np.asarray(test, dtype=np.int64))


def _check_counts(labels: NDArray[np.str_]) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise InputError(
            f"Decoding needs at least two classes, found {len(classes)} ({', '.join(classes)}). "
            "Check the labels and the excluded ones."
        )
    single = classes[counts == 1]
    if len(single):
        raise InputError(
            f"Each class needs at least two samples, one for training and one for testing; "
            f"{', '.join(single)} has 1 of {len(labels)}. Exclude it, or merge it with another class."
        )


def _check_classes(split: Split, labels: NDArray[np.str_]) -> None:
    if not len(split.train) or not len(split.test):
        raise InputError(
            f"Training and test set must both have samples; {split.name!r} trains on {len(split.train)} and "
            f"tests on {len(split.test)}. Change test_size or the runs."
        )
    missing = sorted(set(labels[split.test].tolist()) - set(labels[split.train].tolist()))
    if missing:
        raise InputError(
            f"Each class of the test set must also be in the training set; in {split.name!r} "
            f"{', '.join(missing)} is tested but never trained on. Exclude it, or choose another split."
        )


def inner_folds(groups: NDArray[np.str_], max_folds: int = 5) -> list[tuple[Indices, Indices]]:
    """Split a training set into inner folds by whole runs, to select options.

    Parameters
    ----------
    groups : (n,) str array
        The run of each sample.
    max_folds : int
        Largest number of folds.

    Returns
    -------
    list of (training rows, held-out rows)
        Empty if there is only one run.
    """
    from sklearn.model_selection import GroupKFold

    n = min(max_folds, len(np.unique(groups)))
    return list(GroupKFold(n).split(groups, groups=groups)) if n > 1 else []
