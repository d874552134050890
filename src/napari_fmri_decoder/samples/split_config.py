"""Options of the split into training and test sets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from napari_fmri_decoder.options import Options, several_texts
from napari_fmri_decoder.samples.conditions import Conditions


class SplitConfig(Options):
    """How samples are split into training and test sets."""

    scheme: Literal[
        "leave-one-run-out",
        "leave-one-session-out",
        "leave-one-subject-out",
        "leave-one-group-out",
        "group-k-fold",
        "stratified-group-k-fold",
        "explicit",
        "random",
    ] = Field(
        "leave-one-run-out",
        description="Cross-validation scheme. leave-one-run-out: each run is the test set once, and likewise "
        "for sessions, subjects and the units of group. group-k-fold: several whole units of group are held "
        "out at a time. stratified-group-k-fold: the same, with class proportions as equal as possible. "
        "explicit: the test set is the runs listed in test. random: single volumes are held out, which leaks "
        "within runs.",
        json_schema_extra={"basic": True},
    )
    n_splits: int = Field(
        5,
        ge=2,
        le=10_000,
        description="Number of folds of the k-fold schemes.",
        json_schema_extra={"basic": True},
    )
    group: str = Field(
        "run",
        min_length=1,
        description="Unit that the schemes with group in their name keep together: run, session, subject, or "
        "any column of the label table or the events files, such as stim_file.",
    )
    runs_apart: bool = Field(
        False,
        description="For a group that occurs in several runs, such as a stimulus: each fold tests it in one "
        "run and trains without this group and without this run.",
    )
    stratify: str = Field(
        "label",
        min_length=1,
        description="Column whose proportions stratified-group-k-fold keeps as equal as possible: label, or "
        "any column of the label table or the events files.",
    )
    train_where: Conditions = Field(
        {},
        description='Cross-decoding: train only where columns have these values, such as {task = "seen"}. '
        'Values may be patterns ("house*") or comparisons (">= 2"); with several columns, all must match. '
        "Columns are those of the label table or the events files, and label, subject, session and run.",
    )
    test_where: Conditions = Field(
        {},
        description='Cross-decoding: test only where columns have these values, such as {task = "imagined"}. '
        "The runs of a fold's test set are still not trained on.",
    )
    both_directions: bool = Field(
        True,
        description="With train_where and test_where: also train where the test condition holds, and test "
        "where the training condition does.",
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
        "also work. By default all runs that are not tested. Runs in neither list are not used.",
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
