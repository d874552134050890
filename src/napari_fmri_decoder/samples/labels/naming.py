"""Renaming and merging of labels, checked against the labels that occur."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from napari_fmri_decoder.errors import InputError


def label_map(rename: Mapping[str, str], merge: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Find the final name of each label that is renamed or merged.

    Parameters
    ----------
    rename : mapping of str to str
        Old name to new name.
    merge : mapping of str to tuple of str
        Merged name to the labels (after renaming) that it combines.

    Raises
    ------
    ValueError
        If a name is empty, `rename` gives two labels one name, or one label is merged twice.

    Examples
    --------
    >>> label_map({"c1": "face"}, {"animate": ("face", "cat")})
    {'c1': 'animate', 'face': 'animate', 'cat': 'animate'}
    """
    if not all([*rename.values(), *merge]):
        raise ValueError("the new name of a label must not be empty; to leave a label out, use exclude")
    if duplicates := _duplicates(rename.values()):
        raise ValueError(
            f"rename must give each label a different name, but several become {duplicates[0]!r}; "
            "use merge for that"
        )
    members = [name for names in merge.values() for name in names]
    if duplicates := _duplicates(members):
        raise ValueError(f"merge must list each label once, but {duplicates[0]!r} is listed twice")
    into = {old: new for new, names in merge.items() for old in names}
    renamed = {old: into.get(new, new) for old, new in rename.items()}
    return renamed | {old: new for old, new in into.items() if old not in rename}


def apply_names(
    labels: Sequence[str],
    rename: Mapping[str, str],
    merge: Mapping[str, tuple[str, ...]],
    keep: Sequence[str] = (),
) -> tuple[list[str], list[str]]:
    """Rename and merge labels, and check that the options name labels that occur.

    Parameters
    ----------
    labels : sequence of str
        As read from the source; "" for none.
    rename, merge
        See `label_map`.
    keep : sequence of str
        Labels, by their final names, that should occur.

    Returns
    -------
    labels : list of str
    notes : list of str
        Labels that are named in an option but do not occur.

    Raises
    ------
    InputError
        If a new name is that of another label, which would join the two.
    """
    present = set(labels) - {""}
    taken = sorted(new for old, new in rename.items() if old in present and new in present - {*rename})
    if taken:
        raise InputError(
            f"rename must give a label a new name, but {taken[0]!r} is the name of another label. Use merge "
            "to join the two."
        )
    names = label_map(rename, merge)
    final = {names.get(label, label) for label in present}
    after_rename = {rename.get(label, label) for label in present}
    unknown: dict[str, tuple[list[str], Collection[str]]] = {
        "rename": ([old for old in rename if old not in present], present),
        "merge": ([old for olds in merge.values() for old in olds if old not in after_rename], after_rename),
        "keep": ([name for name in keep if name not in final], present),
    }
    notes = [
        f"No volume is labeled {' or '.join(map(repr, missing))}, which {option} names. The labels are: "
        f"{', '.join(sorted(known))}."
        for option, (missing, known) in unknown.items()
        if missing
    ]
    return [names.get(label, label) for label in labels], notes


def _duplicates(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
