"""Which file belongs to which image, where both are given as lists: by their names, else by their order."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids import entities
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.volumes.nifti import stem

_TELLING = ("sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "echo")
"""Entities of BIDS that say which recording a file belongs to; others say what was done with it."""
_SAID_OF_ALL = frozenset(
    "bold epi func fmri events event ev evs onsets onset confounds confound timeseries regressors motion rp "
    "par mc mcf desc preproc tsv csv txt brain labels timing".split()
)
"""Words that say what a file is, not of which recording."""

Word = tuple[str, int] | tuple[str] | tuple[int]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class PairingRow:
    """One image of a run, and what was put to it.

    Attributes
    ----------
    image : str
        Path of its file.
    events, confounds, sidecar : str or None
        Paths of its labels or events, its confounds, and the JSON file that states its TR.
    subject, session, run : str
        As the labels name them; several runs of one image with commas.
    volumes : int
    tr_s : float or None
        Seconds between volumes; None of maps.
    """

    image: str
    events: str | None
    confounds: str | None
    sidecar: str | None
    subject: str
    session: str
    run: str
    volumes: int
    tr_s: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values."""
        return asdict(self)


def pair(images: Sequence[Path], files: Sequence[Path], what: str, option: str) -> list[Path]:
    """Put files in the order of the images that they belong to.

    Where all images and all files have BIDS names, the entities that both state must agree; where their
    names match one to one (``pre.nii.gz`` and ``pre_events.tsv``), the names count; else the order does.

    Parameters
    ----------
    images, files : sequence of Path
        As they are listed.
    what : str
        What messages call a file: "events file", "table of confounds".
    option : str
        Where the files are listed, for messages.

    Returns
    -------
    list of Path
        One file per image, in the order of the images.

    Raises
    ------
    InputError
        If the numbers differ, or the order contradicts names that leave no other pairing, or several.

    Examples
    --------
    >>> listed = [Path("post_events.tsv"), Path("pre_events.tsv")]
    >>> [p.name for p in pair([Path("pre.nii"), Path("post.nii")], listed, "events file", "labels.events")]
    ['pre_events.tsv', 'post_events.tsv']
    """
    if len(files) != len(images):
        raise InputError(
            f"Each image must have its {what}; found {len(files)} for {len(images)} images. List them in "
            f"{option} in the order of the images, or leave {option} empty to find them by name."
        )
    if all(map(_told, images)) and all(map(_told, files)):
        return _by_entities(images, files, what, option)
    return _by_names(images, files, what, option)


def _by_entities(images: Sequence[Path], files: Sequence[Path], what: str, option: str) -> list[Path]:
    own, theirs = [_told(p) for p in images], [_told(p) for p in files]
    fits = [[_agree(mine, other) for other in theirs] for mine in own]
    if all(fits[i][i] for i in range(len(images))):
        return list(files)
    order = _only_way(fits)
    if order is not None:
        return [files[j] for j in order]
    i = next((i for i, row in enumerate(fits) if not any(row)), None)
    if i is None:
        i = next(i for i in range(len(images)) if not fits[i][i])
    raise InputError(
        f"Each image must have its own {what}, but by BIDS names {printable(files[i].name)} of {option} "
        f"does not belong to {printable(images[i].name)} ({_differing(own[i], theirs[i])}), and the names "
        f"leave no other pairing. Correct {option}."
    )


def _by_names(images: Sequence[Path], files: Sequence[Path], what: str, option: str) -> list[Path]:
    own, theirs = _keys(images), _keys(files)
    order = _one_to_one(own, theirs)
    if order is not None:
        return [files[j] for j in order]
    doubted = [(i, own.index(key)) for i, key in enumerate(theirs) if key and key in own]
    doubted = [(i, at) for i, at in doubted if own.count(own[at]) == 1 and theirs.count(theirs[i]) == 1]
    for alike in (_numbers, _beginnings):
        order = alike(own, theirs)
        doubted += [(j, i) for i, j in enumerate(order or ())]
    for i, at in doubted:  # file i looks like that of image `at`
        if i != at:
            raise InputError(
                f"Images and {option} must be in one order, but {printable(files[i].name)}, listed for "
                f"{printable(images[i].name)}, looks like the {what} of {printable(images[at].name)}. List "
                "them in one order, or rename the file."
            )
    return list(files)


def _told(path: Path) -> dict[str, str]:
    """Entities that say which recording a file belongs to."""
    return {key: value for key, value in entities(path).items() if key in _TELLING and value}


def _agree(mine: dict[str, str], other: dict[str, str]) -> bool:
    return all(_same(value, mine[key]) for key, value in other.items() if key in mine)


def _same(a: str, b: str) -> bool:
    """Whether two labels are one: run-1 is run-01."""
    return plain_label(a) == plain_label(b)


def _differing(mine: dict[str, str], other: dict[str, str]) -> str:
    found = [key for key, value in other.items() if key in mine and not _same(value, mine[key])]
    return ", ".join(
        f"{key}-{printable(other[key])} is not {key}-{printable(mine[key])}" for key in found
    ) or ("their entities are shared by several")


def _only_way(fits: list[list[bool]]) -> list[int] | None:
    """Find the one assignment of columns to rows that `fits` allows; None of none, or of several."""
    rows = {i: {j for j, fit in enumerate(row) if fit} for i, row in enumerate(fits)}
    found: dict[int, int] = {}
    while rows:
        forced = [(i, next(iter(left))) for i, left in rows.items() if len(left) == 1]
        counts: dict[int, list[int]] = {}
        for i, left in rows.items():
            for j in left:
                counts.setdefault(j, []).append(i)
        forced += [(takers[0], j) for j, takers in counts.items() if len(takers) == 1]
        if not forced:
            return None
        for i, j in forced:
            if found.setdefault(i, j) != j:
                return None
            rows.pop(i, None)
        if len(set(found.values())) < len(found):
            return None
        for left in rows.values():
            left.difference_update(j for _, j in forced)
    return [found[i] for i in range(len(fits))]


def _keys(paths: Sequence[Path]) -> list[tuple[Word, ...]]:
    """Say of each name what not all of them have: ("run", 1), ("pre",)."""
    names = [_words(path) for path in paths]
    common = set(names[0]).intersection(*names[1:]) if len(names) > 1 else set()
    return [tuple(word for word in name if word not in common) for name in names]


def _words(path: Path) -> list[Word]:
    """Cut a name into words, and numbers with the word before them."""
    name = nfc(stem(path)).casefold()
    name = re.sub(r"\.(tsv|csv|txt|1d|par|mat)(\.gz)?$", "", name)
    found: list[Word] = []
    for word, number in re.findall(r"([^\W\d_]*)[\W_]?(\d*)", name):
        if word and number and word not in _SAID_OF_ALL:
            found.append((word, int(number)))
        elif number:
            found.append((int(number),))
        elif word and word not in _SAID_OF_ALL:
            found.append((word,))
    return found


def _one_to_one(own: Sequence[Key], theirs: Sequence[Key]) -> list[int] | None:
    """Find the place of each of `own` in `theirs`, where both have the same keys, each once."""
    if len(set(own)) < len(own) or set(own) != set(theirs):
        return None
    return [theirs.index(key) for key in own]


def _numbers(own: Sequence[tuple[Word, ...]], theirs: Sequence[tuple[Word, ...]]) -> list[int] | None:
    """Compare the numbers alone: run-1 and c1."""

    def of(key: tuple[Word, ...]) -> tuple[int, ...]:
        return tuple(part for word in key for part in word if isinstance(part, int))

    return _one_to_one([of(key) for key in own], [of(key) for key in theirs])


def _beginnings(own: Sequence[tuple[Word, ...]], theirs: Sequence[tuple[Word, ...]]) -> list[int] | None:
    """Compare how names of one word begin: pre and pretest."""

    def alike(a: tuple[Word, ...], b: tuple[Word, ...]) -> bool:
        if len(a) != 1 or len(b) != 1:
            return False
        (first, *one), (second, *other) = a[0], b[0]
        if one or other or not (isinstance(first, str) and isinstance(second, str)):
            return False
        return min(len(first), len(second)) > 2 and (first.startswith(second) or second.startswith(first))

    return _only_way([[alike(a, b) for b in theirs] for a in own])
