"""Compare labels of subjects, sessions and runs: 1, 01 and run-01 are the same run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from napari_fmri_decoder.text import nfc

_PREFIX = {"subject": "sub-", "session": "ses-", "run": "run-"}


def plain_label(label: str, kind: str = "") -> str:
    """Normalize a label so that equal labels compare equal.

    Parameters
    ----------
    label : str
    kind : {"subject", "session", "run", ""}
        Its BIDS prefix is removed.

    Returns
    -------
    str
        In composed Unicode. Whole numbers lose leading zeros and decimals, because a run index can be written
        as 1, 01 or (in a table with missing values) 1.0.

    Examples
    --------
    >>> [plain_label(label, "run") for label in ("1", "01", "run-01", "1.0", "pre01", "0")]
    ['1', '1', '1', '1', 'pre01', '0']
    """
    label = nfc(label.strip()).removeprefix(_PREFIX.get(kind, ""))
    number = re.fullmatch(r"0*([0-9]+?)(?:\.0+)?", label)
    return number[1] if number else label


def plain_entities(entities: Mapping[str, str]) -> set[tuple[str, str]]:
    """Convert the entities of a BIDS name to pairs that can be compared.

    Examples
    --------
    >>> plain_entities({"run": "01"}) == plain_entities({"run": "1"})
    True
    """
    return {(key, plain_label(value)) for key, value in entities.items()}


def spellings(labels: Iterable[str], kind: str) -> dict[str, str]:
    """Find labels that differ only in spelling; map each to the first spelling.

    Examples
    --------
    >>> spellings(["01", "2", "1", "02", "02"], "run")
    {'1': '01', '02': '2'}
    """
    first: dict[str, str] = {}
    found = {}
    for label in dict.fromkeys(labels):
        original = first.setdefault(plain_label(label, kind), label)
        if original != label:
            found[label] = original
    return found
