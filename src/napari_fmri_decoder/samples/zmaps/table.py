"""The table of z-maps, and their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.nifti import natural_key

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.zmaps.design import Target
    from napari_fmri_decoder.samples.zmaps.runs import Run

COLUMNS = ("volume", "label", "subject", "session", "run", "trial", "onset", "duration", "name")
"""Of the table of maps."""


def maps_table(maps: Sequence[tuple[Run, Target]]) -> pd.DataFrame:
    """Tell what each map shows.

    Parameters
    ----------
    maps : sequence of (Run, Target)

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per map in the natural order of their names, and `row`: its place in
        `maps`.
    """
    table = pd.DataFrame([_row(run, target) for run, target in maps])
    table["row"] = np.arange(len(table))
    again = table["name"].duplicated(keep=False)
    if again.any():
        labels = ", ".join(sorted(set(table["label"][again])))
        raise InputError(
            f"Maps must have names of their own, but the labels {labels} give the same, as letters and "
            "digits alone are kept. Rename one of them."
        )
    table = table.loc[sorted(table.index, key=lambda i: natural_key(table["name"][i]))].reset_index(drop=True)
    table.insert(0, "volume", np.arange(len(table)))
    return table[[*COLUMNS, "row"]]


def _row(run: Run, target: Target) -> dict[str, Any]:
    alone = len(target.events) == 1
    return {
        "label": target.label,
        "subject": run.subject,
        "session": run.session,
        "run": run.run,
        "trial": target.trial,
        "onset": target.events[0].onset if alone else np.nan,
        "duration": target.events[0].duration if alone else np.nan,
        "name": map_name(run, target),
    }


def map_name(run: Run, target: Target) -> str:
    """Name a map so that its file says what it shows, by BIDS' entities, in an order that sorts.

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
    return "_".join([*parts, _plain(target.label) or "map", "zmap"])


def _plain(text: str) -> str:
    """Letters and digits alone, as BIDS wants them."""
    return re.sub(r"[^0-9A-Za-z]", "", text)
