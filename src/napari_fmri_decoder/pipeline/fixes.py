"""What removes a finding of the audit: the option to change, and its new value where there is a safe one.

A fix is data: options of the recipe with their new values, or volumes to use without a label. The window
offers it as a button next to the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.auditing import neighbors_of
from napari_fmri_decoder.samples.audit.copies import later_copied_runs
from napari_fmri_decoder.samples.audit.leaks import later_copies
from napari_fmri_decoder.samples.audit.units import stimulus_columns
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.pipeline.events import Prepared
    from napari_fmri_decoder.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Fix:
    """Changes that remove a finding.

    Attributes
    ----------
    text : str
        What it does, as on a button: "Leave runs out".
    options : mapping of str to object
        New values by option of the recipe, such as "split.scheme".
    unlabeled : tuple of int
        Volumes of the series that lose their label, so that they are not decoded.
    """

    text: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    unlabeled: tuple[int, ...] = ()


class Remedy(NamedTuple):
    """The option that a finding depends on, and a function that gives the fix of prepared samples, if any."""

    option: str
    fix: Callable[[Prepared], Fix | None]


def fix_of(code: str, prepared: Prepared) -> Fix | None:
    """Find the fix of a finding.

    Parameters
    ----------
    code : str
        Of the finding.
    prepared : Prepared
        The samples in which it was found.

    Returns
    -------
    Fix or None
        None if no option removes the finding from these samples.
    """
    remedy = remedies.get(code)
    return remedy.fix(prepared) if remedy is not None else None


def fixed_recipe(recipe: Recipe, fix: Fix) -> Recipe:
    """Set the options of a fix in a recipe; raises `ValidationError` if they do not fit."""
    content = recipe.written()
    for option, value in fix.options.items():
        section, _, name = option.partition(".")
        content.setdefault(section, {})[name] = value
        if value is None:
            del content[section][name]
    return type(recipe).model_validate(content)


def fixed_table(table: pd.DataFrame, fix: Fix) -> pd.DataFrame:
    """Remove the labels of the volumes that a fix names, in a copy of a table with one row per volume."""
    fixed = table.copy()
    fixed.loc[fixed.index[list(fix.unlabeled)], "label"] = ""
    return fixed


def _leave_runs_out(prepared: Prepared) -> Fix | None:
    several = len(set(group_keys(prepared.samples.table).tolist())) > 1
    used = prepared.recipe.split.scheme == "leave-one-run-out"
    return Fix("Leave runs out", {"split.scheme": "leave-one-run-out"}) if several and not used else None


def _leave_subjects_out(prepared: Prepared) -> Fix | None:
    return Fix("Leave subjects out", {"split.scheme": "leave-one-subject-out"})


def _trim_edges(prepared: Prepared) -> Fix | None:
    """Drop so many volumes on both sides of each border between runs that no response extends over it."""
    n, runs = neighbors_of(prepared.series.step), group_keys(prepared.table)
    borders = np.flatnonzero(runs[1:] != runs[:-1]) + 1
    near = {k for border in borders.tolist() for k in range(border - n // 2, border + -(-n // 2))}
    volumes = sorted(near & set(range(len(runs))))
    return Fix("Trim edges", unlabeled=tuple(volumes)) if volumes else None


def _exclude_copies(prepared: Prepared) -> Fix | None:
    volumes = prepared.samples.volumes
    rows = later_copies(prepared.samples)
    copies = sorted({int(volume) for row, volume in volumes.tolist() if row in set(rows.tolist())})
    return Fix("Exclude the copies", unlabeled=tuple(copies)) if copies else None


def _exclude_copied_runs(prepared: Prepared) -> Fix | None:
    copied = np.isin(group_keys(prepared.table), later_copied_runs(prepared.samples))
    copies = np.flatnonzero(copied).tolist()
    return Fix("Exclude the copies", unlabeled=tuple(copies)) if copies else None


def _standardize(prepared: Prepared) -> Fix | None:
    if prepared.recipe.prepare.standardize_runs:
        return None
    return Fix("Standardize runs", {"prepare.standardize_runs": True})


def _no_mask(prepared: Prepared) -> Fix | None:
    return Fix("Remove the mask", {"data.mask": None}) if prepared.recipe.data.mask is not None else None


def _exclude_incomplete(prepared: Prepared) -> Fix | None:
    """Exclude the classes that are not in all runs, if at least two remain."""
    table, labels = prepared.samples.table, prepared.recipe.labels
    runs = group_keys(table)
    of_class = {name: set(runs[(table["label"] == name).to_numpy()]) for name in prepared.samples.classes}
    incomplete = [name for name, some in of_class.items() if some != set(runs)]
    if not incomplete or len(of_class) - len(incomplete) < 2:
        return None
    options: dict[str, Any] = {"labels.exclude": (*labels.exclude, *incomplete)}
    if labels.keep:
        options["labels.keep"] = tuple(name for name in labels.keep if name not in incomplete)
    return Fix("Exclude classes that some runs lack", options)


def _balance(prepared: Prepared) -> Fix | None:
    return Fix("Balance classes", {"training.balance": "weights"})


def _single_volumes(prepared: Prepared) -> Fix | None:
    if prepared.samples.averaged is None:
        return None
    return Fix("Use single volumes", {"prepare.average_blocks": False, "prepare.average_runs": False})


def _train_on_the_rest(prepared: Prepared) -> Fix | None:
    return Fix("Train on all other runs", {"split.train": ()})


def _leave_stimuli_out(prepared: Prepared) -> Fix | None:
    """Hold out stimuli in the run of each fold, if every fold then trains on all classes that it tests."""
    table = prepared.samples.table
    for column in stimulus_columns(table):
        options = {"scheme": "leave-one-group-out", "group": column, "runs_apart": True}
        try:
            make_splits(SplitConfig.model_validate(options), table)
        except InputError:
            continue
        return Fix("Leave stimuli out", {f"split.{name}": value for name, value in options.items()})
    return None


def _none(prepared: Prepared) -> Fix | None:
    return None


remedies: dict[str, Remedy] = {
    "run-in-both-parts": Remedy("split.scheme", _leave_runs_out),
    "neighbours-across-split": Remedy("split.scheme", _leave_runs_out),
    "neighbours-across-runs": Remedy("labels.trim_start", _trim_edges),
    "duplicate-volumes": Remedy("labels.source", _exclude_copies),
    "near-duplicate-volumes": Remedy("labels.source", _exclude_copies),
    "run-copied": Remedy("labels.source", _exclude_copied_runs),
    "scaled-across-parts": Remedy("prepare.standardize_runs", _standardize),
    "voxels-chosen-by-labels": Remedy("data.mask", _no_mask),
    "mask-not-compared": Remedy("data.mask", _no_mask),
    "mask-from-test-data": Remedy("data.mask", _no_mask),
    "mask-excludes-signal": Remedy("data.mask", _no_mask),
    "labels-follow-run": Remedy("labels.exclude", _exclude_incomplete),
    "labels-follow-time": Remedy("labels.source", _none),  # only another experiment removes it
    "confounds-decode-labels": Remedy("prepare.confounds", _none),  # which ones is the user's choice
    "class-imbalance": Remedy("training.balance", _balance),
    "few-samples": Remedy("prepare.average_blocks", _single_volumes),
    "few-tested-blocks": Remedy("split.scheme", _leave_runs_out),
    "runs-not-used": Remedy("split.train", _train_on_the_rest),
    "runs-interleaved": Remedy("labels.source", _none),  # only the user knows which recordings there are
    "stimulus-in-both-parts": Remedy("split.group", _leave_stimuli_out),
    "subject-in-both-parts": Remedy("split.scheme", _leave_subjects_out),
}
"""The remedy of each finding, by its code."""
