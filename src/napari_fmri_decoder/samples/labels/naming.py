"""Names of labels: renamed, merged, and checked against those that occur."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.labels.base import LabelsConfig


def label_map(rename: Mapping[str, str], merge: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Find the last name of each label that gets another.

    Parameters
    ----------
    rename : mapping of str to str
        Old name and new name.
    merge : mapping of str to tuple of str
        Merged name and the names (after renaming) that it takes.

    Raises
    ------
    ValueError
        If a name is empty, two labels get one name by `rename`, or one label is merged twice.

    Examples
    --------
    >>> label_map({"c1": "face"}, {"animate": ("face", "cat")})
    {'c1': 'animate', 'face': 'animate', 'cat': 'animate'}
    """
    if not all([*rename.values(), *merge]):
        raise ValueError("the new name of a label must not be empty; to leave a label out, use exclude")
    if again := _twice(rename.values()):
        raise ValueError(
            f"rename must give each label its own name, but several become {again[0]!r}; use merge for that"
        )
    members = [name for names in merge.values() for name in names]
    if again := _twice(members):
        raise ValueError(f"merge must take each label once, but {again[0]!r} is in it twice")
    into = {old: new for new, names in merge.items() for old in names}
    renamed = {old: into.get(new, new) for old, new in rename.items()}
    return renamed | {old: new for old, new in into.items() if old not in rename}


def named(config: LabelsConfig, labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Apply `rename` and `merge` to labels, and see that the options name labels that occur.

    Parameters
    ----------
    config : LabelsConfig
    labels : sequence of str
        As the source gives them; "" for none.

    Returns
    -------
    labels : list of str
    notes : list of str
        What is named but does not occur.

    Raises
    ------
    InputError
        If a new name is that of another label, which would join the two.
    """
    there = set(labels) - {""}
    taken = sorted(
        new for old, new in config.rename.items() if old in there and new in there - {*config.rename}
    )
    if taken:
        raise InputError(
            f"rename must give a label a new name, but {taken[0]!r} is the name of another label. Use merge "
            "to join the two."
        )
    after = {config.rename.get(label, label) for label in there}
    unknown = {
        "rename": [old for old in config.rename if old not in there],
        "merge": [old for names in config.merge.values() for old in names if old not in after],
        "keep": [name for name in config.keep if name not in set(config.renamed(there))],
    }
    notes = [
        f"No volume is labelled {' or '.join(map(repr, names))}, which {option} names. The labels are: "
        f"{', '.join(sorted(after if option == 'merge' else there))}."
        for option, names in unknown.items()
        if names
    ]
    return config.renamed(labels), notes


def _twice(names: Iterable[str]) -> list[str]:
    seen = list(names)
    return sorted({name for name in seen if seen.count(name) > 1})
