"""The table of z-maps, and their file names."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.volumes.files import natural_key

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.zmaps.design import Target
    from napari_fmri_decoder.samples.zmaps.runs import Run

COLUMNS = ("volume", "label", "subject", "session", "run", "trial", "onset", "duration", "name")
"""Columns of the table of maps."""
_MAX_WORD_LENGTH = 64
"""Characters of a label in a file name."""


def maps_table(maps: Sequence[tuple[Run, Target]]) -> pd.DataFrame:
    """Build the table that describes each map.

    Parameters
    ----------
    maps : sequence of (Run, Target)

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per map in the natural order of their names, and `row`: its index in
        `maps`.
    """
    words = file_words([target.label for _, target in maps])
    table = pd.DataFrame([_row(run, target, words[target.label]) for run, target in maps])
    table["row"] = np.arange(len(table))
    duplicated = table["name"].str.lower().duplicated(keep=False)
    if duplicated.any():
        runs = ", ".join(sorted(set(table["run"][duplicated]))[:5])
        raise InputError(
            f"Each map must have its own file name, but the runs {printable(runs)} give the same name, "
            "because only letters and digits are used, ignoring case. Rename a run."
        )
    table = table.loc[sorted(table.index, key=lambda i: natural_key(table["name"][i]))].reset_index(drop=True)
    table.insert(0, "volume", np.arange(len(table)))
    return table[[*COLUMNS, "row"]]


def _row(run: Run, target: Target, word: str) -> dict[str, Any]:
    single = len(target.events) == 1
    return {
        "label": target.label,
        "subject": run.subject,
        "session": run.session,
        "run": run.run,
        "trial": target.trial,
        "onset": target.events[0].onset if single else np.nan,
        "duration": target.events[0].duration if single else np.nan,
        "name": map_name(run, target, word),
    }


def map_name(run: Run, target: Target, word: str | None = None) -> str:
    """Name a map by BIDS entities, such that names sort by run and trial.

    Parameters
    ----------
    run : Run
    target : Target
    word : str, optional
        Word for its label, from `file_words`; by default its letters and digits.

    Examples
    --------
    >>> from napari_fmri_decoder.samples.zmaps.design import Target
    >>> from napari_fmri_decoder.samples.zmaps.runs import Run
    >>> map_name(Run("1", "", "3", 0, 9, ()), Target("face", 0, ()))
    'sub-1_run-03_face_zmap'
    >>> map_name(Run("", "", "10", 0, 9, ()), Target("big house", 4, ()))
    'run-10_trial-004_bighouse_zmap'
    """
    number = f"{int(run.run):02d}" if run.run.isdecimal() else run.run
    entities = [("sub", run.subject), ("ses", run.session), ("run", number)]
    if target.trial:
        entities.append(("trial", f"{target.trial:03d}"))
    parts = [f"{name}-{_plain(value)}" for name, value in entities if value]
    return "_".join([*parts, word or _plain(target.label) or "map", "zmap"])


def file_words(labels: Iterable[str]) -> dict[str, str]:
    """Convert labels to words for file names: their letters and digits, at most 64.

    Labels whose words would be equal in a case-insensitive file system (``Face`` and ``face``; ``a b`` and
    ``ab``), and long ones, get eight digits of their hash appended.

    Parameters
    ----------
    labels : iterable of str

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> file_words(["house", "Face", "face"])
    {'house': 'house', 'Face': 'Face304afc32', 'face': 'face0282d9b7'}
    """
    words = {label: _plain(label) or "map" for label in labels}
    counts = Counter(word.lower() for word in words.values())
    return {
        label: word
        if len(word) <= _MAX_WORD_LENGTH and counts[word.lower()] == 1
        else _with_hash(word, label)
        for label, word in words.items()
    }


def _with_hash(word: str, label: str) -> str:
    digest = hashlib.sha256(nfc(label).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{word[: _MAX_WORD_LENGTH - 8]}{digest[:8]}"


def _plain(text: str) -> str:
    """Remove all but letters and digits, as BIDS requires."""
    return re.sub(r"[^0-9A-Za-z]", "", text)
