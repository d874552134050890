"""The files paired with each image of a run, for the report, a dry run, and Check in the dock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.paths import paths_of
from napari_fmri_decoder.samples.bids.names import repetition_time
from napari_fmri_decoder.samples.confounds import tables_of_images
from napari_fmri_decoder.samples.pairing import PairingRow
from napari_fmri_decoder.volumes.volume import Part

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.zmaps.make import Plan
    from napari_fmri_decoder.samples.zmaps.runs import Run
    from napari_fmri_decoder.volumes.volume import Volume

Key = tuple[str, str, str]
COLUMNS = ("image", "events", "confounds", "sidecar", "subject", "session", "run", "volumes", "TR (s)")
MOST = 200
"""Rows shown in the report or a terminal."""


def pairing_of_samples(
    recipe: Recipe, series: Volume, table: pd.DataFrame, base: Path
) -> tuple[PairingRow, ...]:
    """List the files paired with each image of a series whose volumes are decoded.

    Parameters
    ----------
    recipe : Recipe
    series : Volume
    table : DataFrame of n rows
        From `label_table`.
    base : Path
        Folder that the recipe's paths are relative to.
    """
    parts, options = _parts(series), recipe.prepare
    confounds: Sequence[Path | None] = [None] * len(parts)
    if options.confounds:
        images = [Path(part.path) for part in parts]
        confounds = tables_of_images(options.confounds_files, images, base)
    edges = np.cumsum([0, *(part.n_volumes for part in parts)])
    named = table[["subject", "session", "run"]]
    keys = [
        list(dict.fromkeys(named.iloc[a:b].itertuples(index=False, name=None))) for a, b in pairwise(edges)
    ]
    return _rows(recipe, series, base, [[path] if path else [] for path in confounds], keys)


def pairing_of_runs(
    recipe: Recipe, series: Volume, runs: Sequence[Run], plans: Sequence[Plan], base: Path
) -> tuple[PairingRow, ...]:
    """List the files paired with each image of a series from which z-maps are made.

    Parameters
    ----------
    recipe : Recipe
    series : Volume
        A time series.
    runs : sequence of Run
    plans : sequence of Plan
        Of these runs.
    base : Path
    """
    files = {plan.run.start: plan.confounds_file for plan in plans}
    edges = np.cumsum([0, *(part.n_volumes for part in _parts(series))])
    within = [[run for run in runs if run.start < b and run.stop > a] for a, b in pairwise(edges)]
    confounds = [[path for run in inside if (path := files.get(run.start))] for inside in within]
    keys = [[(run.subject, run.session, run.run) for run in inside] for inside in within]
    return _rows(recipe, series, base, confounds, keys)


def _parts(series: Volume) -> tuple[Part, ...]:
    if sum(part.n_volumes for part in series.parts) != series.n_volumes:
        return (Part(series.name or "series", series.n_volumes),)
    return series.parts


def _rows(
    recipe: Recipe,
    series: Volume,
    base: Path,
    confounds: Sequence[Sequence[Path]],
    keys: Sequence[Sequence[Key]],
) -> tuple[PairingRow, ...]:
    parts = _parts(series)
    images = [Path(part.path) for part in parts]
    one = next((str(base / path) for _, path in paths_of(recipe.labels)), None)  # one table for all
    rows = []
    found = zip(parts, images, recipe.labels.files_of(images, base), confounds, keys, strict=True)
    for part, image, events, tables, named in found:
        stated = repetition_time(image)
        subject, session, run = (_joined(key[i] for key in named) for i in range(3))
        rows.append(
            PairingRow(
                image=part.path,
                events=str(events) if events else one,
                confounds=_joined(map(str, tables)) or None,
                sidecar=str(stated[1]) if stated else None,
                subject=subject,
                session=session,
                run=run,
                volumes=part.n_volumes,
                tr_s=series.step,
            )
        )
    return tuple(rows)


def _joined(texts: Any) -> str:
    return ", ".join(dict.fromkeys(texts))


def pairing_cells(rows: Sequence[PairingRow]) -> list[tuple[str, ...]]:
    """Rows as text for `COLUMNS`, with the shortest file names that are unique.

    Returns
    -------
    list of tuple of str
        At most `MOST`, and a last row with the number of other rows.
    """
    kept = list(rows[:MOST])
    columns = [_short([getattr(row, name) for row in kept]) for name in COLUMNS[:4]]
    cells = [
        (*names, row.subject, row.session, row.run, str(row.volumes), f"{row.tr_s:g}" if row.tr_s else "")
        for row, names in zip(kept, zip(*columns, strict=True), strict=True)
    ]
    if len(rows) > MOST:
        cells.append((f"and {len(rows) - MOST} more", *[""] * (len(COLUMNS) - 1)))
    return cells


def _short(paths: Sequence[str | None]) -> list[str]:
    there = {path for path in paths if path}
    names = {path: Path(path).name for path in there}
    if len(set(names.values())) == len(there):
        return [names[path] if path else "" for path in paths]
    try:
        common = os.path.commonpath([str(Path(path).parent) for path in there])
    except ValueError:  # on two drives, or absolute and relative
        return [path or "" for path in paths]
    return [os.path.relpath(path, common) if path else "" for path in paths]
