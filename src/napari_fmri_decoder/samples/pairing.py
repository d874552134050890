"""Match a list of files to a list of images: by name if possible, otherwise by order."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.names import entities
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.volumes.files import stem

_RECORDING_ENTITIES = ("sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "echo")
"""BIDS entities that identify a recording; others describe its processing."""
_GENERIC_WORDS = frozenset(
    "bold epi func fmri events event ev evs onsets onset confounds confound timeseries regressors motion rp "
    "par mc mcf desc preproc tsv csv txt brain labels timing".split()
)
"""Words that describe the type of a file, not its recording."""

Word = tuple[str, int] | tuple[str] | tuple[int]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class PairingRow:
    """One image, and the files that were matched to it.

    Attributes
    ----------
    image : str
        Path of its file.
    events, confounds, sidecar : str or None
        Paths of its labels or events, its confounds, and the JSON file that states its TR.
    subject, session, run : str
        As in the labels; several runs of one image are separated by commas.
    volumes : int
    tr_s : float or None
        Repetition time in seconds; None for maps.
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
        """Return all fields as plain values."""
        return asdict(self)


def pair(images: Sequence[Path], files: Sequence[Path], what: str, option: str) -> list[Path]:
    """Sort files into the order of the images that they belong to.

    If all images and files have BIDS names, the entities that both have must agree. Otherwise, if their
    names match one to one (``pre.nii.gz`` and ``pre_events.tsv``), the names decide, or else the order.

    Parameters
    ----------
    images, files : sequence of Path
        In the order in which the user lists them.
    what : str
        Name of a file in messages: "events file", "table of confounds".
    option : str
        Name of the option that lists the files, for messages.

    Returns
    -------
    list of Path
        One file per image, in the order of the images.

    Raises
    ------
    InputError
        If the numbers differ, or the order contradicts the names and the names allow no unique pairing.

    Examples
    --------
    >>> listed = [Path("post_events.tsv"), Path("pre_events.tsv")]
    >>> [p.name for p in pair([Path("pre.nii"), Path("post.nii")], listed, "events file", "labels.events")]
    ['pre_events.tsv', 'post_events.tsv']
    """
    if len(files) != len(images):
        raise InputError(
            f"Each image must have one {what}; found {len(files)} for {len(images)} images. List them in "
            f"{option} in the order of the images, or leave {option} empty to find them by name."
        )
    if all(map(_recording, images)) and all(map(_recording, files)):
        return _by_entities(images, files, what, option)
    return _by_names(images, files, what, option)


def _by_entities(images: Sequence[Path], files: Sequence[Path], what: str, option: str) -> list[Path]:
    of_images, of_files = [_recording(p) for p in images], [_recording(p) for p in files]
    fits = [[_agree(image, file) for file in of_files] for image in of_images]
    if all(fits[i][i] for i in range(len(images))):
        return list(files)
    order = _unique_assignment(fits)
    if order is not None:
        return [files[j] for j in order]
    i = next((i for i, row in enumerate(fits) if not any(row)), None)
    if i is None:
        i = next(i for i in range(len(images)) if not fits[i][i])
    raise InputError(
        f"Each image must have its own {what}, but by BIDS names {printable(files[i].name)} of {option} "
        f"does not belong to {printable(images[i].name)} ({_differences(of_images[i], of_files[i])}), and "
        f"the names allow no other pairing. Correct {option}."
    )


def _by_names(images: Sequence[Path], files: Sequence[Path], what: str, option: str) -> list[Path]:
    of_images, of_files = _keys(images), _keys(files)
    order = _one_to_one(of_images, of_files)
    if order is not None:
        return [files[j] for j in order]
    likely = [(i, of_images.index(key)) for i, key in enumerate(of_files) if key and key in of_images]
    likely = [
        (i, j) for i, j in likely if of_images.count(of_images[j]) == 1 and of_files.count(of_files[i]) == 1
    ]
    for match in (_match_numbers, _match_prefixes):
        order = match(of_images, of_files)
        likely += [(i, j) for j, i in enumerate(order or ())]
    for i, j in likely:  # file i looks like that of image j
        if i != j:
            raise InputError(
                f"Images and {option} must be in the same order, but {printable(files[i].name)}, listed for "
                f"{printable(images[i].name)}, looks like the {what} of {printable(images[j].name)}. List "
                "them in the same order, or rename the file."
            )
    return list(files)


def _recording(path: Path) -> dict[str, str]:
    """Entities of a file name that identify its recording."""
    return {key: value for key, value in entities(path).items() if key in _RECORDING_ENTITIES and value}


def _agree(image: dict[str, str], file: dict[str, str]) -> bool:
    return all(_same(value, image[key]) for key, value in file.items() if key in image)


def _same(a: str, b: str) -> bool:
    """Whether two labels are equal; 1 equals 01."""
    return plain_label(a) == plain_label(b)


def _differences(image: dict[str, str], file: dict[str, str]) -> str:
    keys = [key for key, value in file.items() if key in image and not _same(value, image[key])]
    differences = [f"{key}-{printable(file[key])} is not {key}-{printable(image[key])}" for key in keys]
    return ", ".join(differences) or "several images or files have the same entities"


def _unique_assignment(fits: list[list[bool]]) -> list[int] | None:
    """Find the assignment of columns to rows that `fits` allows; None unless there is exactly one."""
    rows = {i: {j for j, fit in enumerate(row) if fit} for i, row in enumerate(fits)}
    found: dict[int, int] = {}
    while rows:
        forced = [(i, next(iter(columns))) for i, columns in rows.items() if len(columns) == 1]
        counts: dict[int, list[int]] = {}
        for i, columns in rows.items():
            for j in columns:
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
        for columns in rows.values():
            columns.difference_update(j for _, j in forced)
    return [found[i] for i in range(len(fits))]


def _keys(paths: Sequence[Path]) -> list[tuple[Word, ...]]:
    """List the words of each name that not all names have: ("run", 1), ("pre",)."""
    names = [_words(path) for path in paths]
    common = set(names[0]).intersection(*names[1:]) if len(names) > 1 else set()
    return [tuple(word for word in name if word not in common) for name in names]


def _words(path: Path) -> list[Word]:
    """Split a name into words; a number is joined to the word before it."""
    name = nfc(stem(path)).casefold()
    name = re.sub(r"\.(tsv|csv|txt|1d|par|mat)(\.gz)?$", "", name)
    found: list[Word] = []
    for word, number in re.findall(r"([^\W\d_]*)[\W_]?(\d*)", name):
        if word and number and word not in _GENERIC_WORDS:
            found.append((word, int(number)))
        elif number:
            found.append((int(number),))
        elif word and word not in _GENERIC_WORDS:
            found.append((word,))
    return found


def _one_to_one(of_images: Sequence[Key], of_files: Sequence[Key]) -> list[int] | None:
    """Find the position of each image's key among the files, if both have the same keys, each once."""
    if len(set(of_images)) < len(of_images) or set(of_images) != set(of_files):
        return None
    return [of_files.index(key) for key in of_images]


def _match_numbers(
    of_images: Sequence[tuple[Word, ...]], of_files: Sequence[tuple[Word, ...]]
) -> list[int] | None:
    """Match by numbers only: run-1 and c1."""

    def numbers(key: tuple[Word, ...]) -> tuple[int, ...]:
        return tuple(part for word in key for part in word if isinstance(part, int))

    return _one_to_one([numbers(key) for key in of_images], [numbers(key) for key in of_files])


def _match_prefixes(
    of_images: Sequence[tuple[Word, ...]], of_files: Sequence[tuple[Word, ...]]
) -> list[int] | None:
    """Match names of one word by a common prefix: pre and pretest."""

    def same_prefix(a: tuple[Word, ...], b: tuple[Word, ...]) -> bool:
        if len(a) != 1 or len(b) != 1:
            return False
        (first, *one), (second, *other) = a[0], b[0]
        if one or other or not (isinstance(first, str) and isinstance(second, str)):
            return False
        return min(len(first), len(second)) > 2 and (first.startswith(second) or second.startswith(first))

    return _unique_assignment([[same_prefix(a, b) for b in of_files] for a in of_images])
