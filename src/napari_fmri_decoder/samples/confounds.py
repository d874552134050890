"""Confounds: columns of one table per run, selected by name, pattern, or group of fMRIPrep's columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.names import find_confounds
from napari_fmri_decoder.samples.pairing import pair
from napari_fmri_decoder.samples.path_patterns import expand
from napari_fmri_decoder.samples.tables import number_cells
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.text_tables import header_of, read_rows
from napari_fmri_decoder.volumes.files import natural_key
from napari_fmri_decoder.volumes.volume import Part

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume

_MOTION = tuple(f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz")
_FASTER = tuple(f"{name}_derivative1" for name in _MOTION)
_SQUARED = tuple(f"{name}_power2" for name in (*_MOTION, *_FASTER))

GROUPS: dict[str, tuple[str, ...]] = {
    "motion": _MOTION,
    "motion12": (*_MOTION, *_FASTER),
    "motion24": (*_MOTION, *_FASTER, *_SQUARED),
    "wm_csf": ("white_matter", "csf"),
    "global_signal": ("global_signal",),
    "cosine": ("cosine*",),
    "acompcor": ("a_comp_cor_*",),
    "tcompcor": ("t_comp_cor_*",),
    "outliers": ("motion_outlier*", "non_steady_state_outlier*"),
}
"""Groups of columns in fMRIPrep's tables; motion24 is the model of Friston et al. (1996)."""

_MAY_LACK = ("cosine", "outliers")
"""Groups that may be empty: a short run has no cosine, and a run without motion has no outlier."""


def read_confounds(
    wanted: Sequence[str], files: Sequence[str], series: Volume, base: Path
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Read the confounds of every volume of a series; `read_cleaning` separates outliers from them.

    Parameters
    ----------
    wanted : sequence of str
        Columns by name or pattern, or `GROUPS`; ``acompcor:5`` is the first five of a group.
    files : sequence of str
        Paths or patterns of one table per image file, in the same order; if empty, the tables that
        fMRIPrep wrote next to the images.
    series : Volume
    base : Path
        Folder that relative paths start from: that of the recipe.

    Returns
    -------
    confounds : (n, c) float64 array, or None
        NaN throughout a file that lacks a column of other files; None if `wanted` is empty.
    notes : list of str

    Raises
    ------
    InputError
        If a table is missing or does not have one row per volume of its image, or if a column is
        missing or not numeric.
    """
    if not wanted:
        return None, []
    tables = [confounds_of_run(path, wanted, n) for path, n in tables_of_series(files, series, base)]
    return joined_confounds(tables, wanted)


def tables_of_series(files: Sequence[str], series: Volume, base: Path) -> list[tuple[Path, int]]:
    """Find the confounds table of each image of a series, and the number of volumes of the image."""
    parts = series.parts or (Part(series.name or "series", series.n_volumes),)
    found = tables_of_images(files, [Path(part.path) for part in parts], base)
    return [(path, part.n_volumes) for part, path in zip(parts, found, strict=True)]


def joined_confounds(
    tables: Sequence[pd.DataFrame], wanted: Sequence[str]
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Join the confounds of the runs; see `read_confounds`."""
    joined = pd.concat(tables, ignore_index=True)
    n = sorted({table.shape[1] for table in tables})
    many = f"{n[0]}" if len(n) == 1 else f"{n[0]} to {n[-1]}"
    if not n[-1]:
        return None, [f"These runs have no confounds named {', '.join(wanted)}, so none were regressed out."]
    note = f"{many} confounds were regressed out within each run: {_names(joined)}."
    return joined.to_numpy(np.float64), [note]


def confounds_of_run(path: Path, wanted: Sequence[str], n_volumes: int) -> pd.DataFrame:
    """Read the confounds of one run.

    Parameters
    ----------
    path : Path
    wanted : sequence of str
        See `choose_columns`.
    n_volumes : int
        Number of rows that the table must have.

    Returns
    -------
    DataFrame of n_volumes rows
        float64. A derivative has no value in its first row and gets that of the second row, as in
        nilearn's load_confounds.

    Raises
    ------
    InputError
        If the table cannot be read, has a different number of rows, lacks a column, or has a cell that
        is not a number.
    """
    table = read_columns(path)
    if len(table) != n_volumes:
        raise InputError(
            f"Confounds must have one row per volume; {path.name} has {len(table)} rows for the "
            f"{n_volumes} volumes of its run. Use the table of these images."
        )
    return _filled(table[choose_columns(list(table.columns), wanted, path.name)], path)


def tables_of_images(files: Sequence[str], images: Sequence[Path | None], base: Path) -> list[Path]:
    """Find the confounds table of each image.

    Parameters
    ----------
    files : sequence of str
        Paths or patterns relative to `base`, matched to the images by name if the names allow it, otherwise
        by order; if empty, the tables that fMRIPrep wrote next to the images.
    images : sequence of Path or None
        None for an image without a file.
    base : Path

    Raises
    ------
    InputError
        If there is not one table per image.
    """
    if files:
        found = [path for given in files for path in expand(given, base, "confounds")]
        named = [image for image in images if image is not None]
        if len(named) < len(images):  # runs within one file have no names to match
            named = [Path()] * len(images)
        return pair(named, found, "table of confounds", "confounds_files")
    found_tables = [find_confounds(image) if image else None for image in images]
    missing = [
        image.name if image else "an image without a file"
        for image, path in zip(images, found_tables, strict=True)
        if path is None
    ]
    if missing:
        raise InputError(
            "Each image must have fMRIPrep's confounds next to it (..._desc-confounds_timeseries.tsv); "
            f"found none for {', '.join(missing[:5])}{' and more' if len(missing) > 5 else ''}. List the "
            "tables in confounds_files, or leave confounds empty."
        )
    return [path for path in found_tables if path is not None]


def choose_columns(columns: Sequence[str], wanted: Sequence[str], name: str = "the table") -> list[str]:
    """Choose columns by names, patterns and groups, in the order of `wanted`.

    Parameters
    ----------
    columns : sequence of str
        Of the table.
    wanted : sequence of str
    name : str
        Name of the table in messages.

    Raises
    ------
    InputError
        If one of `wanted` matches no column.

    Examples
    --------
    >>> choose_columns(["csf", "a_comp_cor_00", "a_comp_cor_01"], ["acompcor:1", "c*"])
    ['a_comp_cor_00', 'csf']
    """
    found: list[str] = []
    for requested in wanted:
        limited = re.fullmatch(r"(.+):(\d+)", requested)
        group, first = (limited[1], int(limited[2])) if limited else (requested, None)
        of_group: list[str] = []
        for pattern in GROUPS.get(group, (group,)):
            matches = sorted((c for c in columns if fnmatchcase(nfc(c), nfc(pattern))), key=natural_key)
            if not matches and group not in _MAY_LACK:
                near = get_close_matches(pattern, [*columns, *GROUPS], 3, 0.4) or list(columns[:5])
                of = f" (of {group})" if pattern != group else ""
                raise InputError(
                    f"Confounds must be columns of their table, or groups ({', '.join(GROUPS)}); {name} has "
                    f"no {pattern!r}{of}. Similar names: {', '.join(near)}."
                )
            of_group += matches
        found += of_group[:first]
    return list(dict.fromkeys(found))


def read_columns(path: Path) -> pd.DataFrame:
    """Read a table with a header, or columns of numbers only: six are motion, as SPM, FSL and AFNI write it.

    Returns
    -------
    DataFrame
        Cells are str, as in the file.
    """
    rows = read_rows(path, "table of confounds", comments=True)
    if not rows:
        raise InputError(f"Confounds must be a table, but {path.name} is empty. Use another file.")
    if number_cells(pd.Series(rows[0]))[1] or not any(rows[0]):
        columns, cells = header_of(rows, path, "table of confounds")
        return pd.DataFrame(cells, columns=columns, dtype=object)
    # FSL and AFNI write rotations first, SPM last.
    motion = _MOTION[3:] + _MOTION[:3] if path.suffix.lower() in (".par", ".1d") else _MOTION
    names = motion if len(rows[0]) == 6 else [f"column{i + 1}" for i in range(len(rows[0]))]
    return pd.DataFrame(rows, columns=list(names), dtype=object)


def _filled(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Turn cells into numbers; a derivative has none in its first row, and gets that of the second row."""
    numbers = pd.DataFrame({name: number_cells(table[name])[0] for name in table}, index=table.index)
    if len(numbers) > 1:
        first = numbers.iloc[0]
        numbers.iloc[0] = first.where(first.notna(), numbers.iloc[1])  # as nilearn's load_confounds does
    missing = numbers.isna()
    if missing.to_numpy().any():
        column = str(missing.any().idxmax())
        row = int(missing[column].to_numpy().argmax())
        raise InputError(
            f"Confounds must be numbers in every row except the first; {column} of {path.name} has "
            f"{table[column].iloc[row]!r} in row {row + 1}. Correct it, or do not use that column."
        )
    return pd.DataFrame(numbers)


def _names(table: pd.DataFrame) -> str:
    shown = list(table.columns[:8])
    return ", ".join(shown) + (f" and {table.shape[1] - 8} more" if table.shape[1] > 8 else "")
