"""Confounds: columns of a table per run, chosen by name, by pattern, or by a group that fMRIPrep knows."""

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
from napari_fmri_decoder.files import read_text
from napari_fmri_decoder.samples.bids import find_confounds
from napari_fmri_decoder.samples.pairing import pair
from napari_fmri_decoder.samples.patterns import expand
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.nifti import natural_key
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
"""Columns of fMRIPrep's tables by what they are, from the six of motion to its 24 (Friston et al. 1996)."""

_MAY_LACK = ("cosine", "outliers")
"""A short run has no cosine, and a quiet one no outlier."""


def read_confounds(
    wanted: Sequence[str], files: Sequence[str], series: Volume, base: Path
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Read the confounds of every volume of a series.

    Parameters
    ----------
    wanted : sequence of str
        Columns by name or pattern, or `GROUPS`; ``acompcor:5`` is the first five of a group.
    files : sequence of str
        Paths or patterns of one table per image file, in their order; if empty, those that
        fMRIPrep wrote beside the images.
    series : Volume
    base : Path
        Folder that relative paths start from: the recipe's.

    Returns
    -------
    confounds : (n, c) float64 array, or None
        NaN throughout a file that lacks a column which others have; None if none is wanted.
    notes : list of str

    Raises
    ------
    InputError
        If a table is missing or has another number of rows than its images have volumes, or if a
        column is missing or holds no numbers.
    """
    if not wanted:
        return None, []
    parts = series.parts or (Part(series.name or "series", series.n_volumes),)
    files_of_parts = tables_of_images(files, [Path(part.path) for part in parts], base)
    tables = [
        confounds_of_run(path, wanted, part.n_volumes)
        for part, path in zip(parts, files_of_parts, strict=True)
    ]
    joined = pd.concat(tables, ignore_index=True)
    n = sorted({table.shape[1] for table in tables})
    many = f"{n[0]}" if len(n) == 1 else f"{n[0]} to {n[-1]}"
    if not n[-1]:
        return None, [f"No confound is called {', '.join(wanted)} in these runs, so none was regressed out."]
    return joined.to_numpy(np.float64), [f"{many} confounds were regressed out run by run: {_names(joined)}."]


def confounds_of_run(path: Path, wanted: Sequence[str], n_volumes: int) -> pd.DataFrame:
    """Read the confounds of one run.

    Parameters
    ----------
    path : Path
    wanted : sequence of str
        See `choose_columns`.
    n_volumes : int
        Rows that there must be.

    Returns
    -------
    DataFrame of n_volumes rows
        float64; a derivative, which has no value in its first row, has that of the second there, as
        with nilearn's load_confounds.

    Raises
    ------
    InputError
        If the table cannot be read, has another number of rows, lacks a column, or has a cell that
        is no number.
    """
    table = _read(path)
    if len(table) != n_volumes:
        raise InputError(
            f"Confounds must have one row per volume; {path.name} has {len(table)} rows for the "
            f"{n_volumes} volumes of its run. Give the table of these images."
        )
    return _filled(table[choose_columns(list(table.columns), wanted, path.name)], path)


def tables_of_images(files: Sequence[str], images: Sequence[Path | None], base: Path) -> list[Path]:
    """Find the table of confounds of each image.

    Parameters
    ----------
    files : sequence of str
        Paths or patterns relative to `base`, which go with the images by their names where these tell, else
        in the same order; if empty, those that fMRIPrep wrote beside them.
    images : sequence of Path or None
        None for one that is no file.
    base : Path

    Raises
    ------
    InputError
        If there is not one table per image.
    """
    if files:
        found = [path for given in files for path in expand(given, base, "confounds")]
        named = [image for image in images if image is not None]
        if len(named) < len(images):  # runs within one file have no names to go by
            named = [Path()] * len(images)
        return pair(named, found, "table of confounds", "confounds_files")
    beside = [find_confounds(image) if image else None for image in images]
    missing = [
        image.name if image else "an image without a file"
        for image, path in zip(images, beside, strict=True)
        if path is None
    ]
    if missing:
        raise InputError(
            "Each image must have fMRIPrep's confounds beside it (..._desc-confounds_timeseries.tsv); "
            f"found none for {', '.join(missing[:5])}{' and more' if len(missing) > 5 else ''}. Name the "
            "tables in confounds_files, or leave confounds empty."
        )
    return [path for path in beside if path is not None]


def choose_columns(columns: Sequence[str], wanted: Sequence[str], name: str = "the table") -> list[str]:
    """Choose columns by names, patterns and groups, in the order in which they are asked for.

    Parameters
    ----------
    columns : sequence of str
        Of the table.
    wanted : sequence of str
    name : str
        What messages call the table.

    Raises
    ------
    InputError
        If one of `wanted` fits no column.

    Examples
    --------
    >>> choose_columns(["csf", "a_comp_cor_00", "a_comp_cor_01"], ["acompcor:1", "c*"])
    ['a_comp_cor_00', 'csf']
    """
    found: list[str] = []
    for asked in wanted:
        limited = re.fullmatch(r"(.+):(\d+)", asked)
        group, first = (limited[1], int(limited[2])) if limited else (asked, None)
        fitting: list[str] = []
        for pattern in GROUPS.get(group, (group,)):
            fits = sorted((c for c in columns if fnmatchcase(nfc(c), nfc(pattern))), key=natural_key)
            if not fits and group not in _MAY_LACK:
                near = get_close_matches(pattern, [*columns, *GROUPS], 3, 0.4) or list(columns[:5])
                of = f" (of {group})" if pattern != group else ""
                raise InputError(
                    f"Confounds must be columns of their table, or groups ({', '.join(GROUPS)}); {name} has "
                    f"no {pattern!r}{of}. Near it: {', '.join(near)}."
                )
            fitting += fits
        found += fitting[:first]
    return list(dict.fromkeys(found))


def _read(path: Path) -> pd.DataFrame:
    """Read a table with a header, or six bare columns of motion as SPM, FSL and AFNI write them."""
    text = nfc(read_text(path, "table of confounds"))
    lines = [re.split(r"[\t,]" if re.search(r"[\t,]", line.strip()) else r"\s+", line.strip("\r "))
             for line in text.splitlines() if line.strip() and not line.startswith("#")]  # fmt: skip
    if not lines:
        raise InputError(f"Confounds must be a table, but {path.name} is empty. Give another file.")
    lines = [[cell.strip() for cell in line] for line in lines]
    bare = all(re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell, re.I) for cell in lines[0])
    names = list(lines[0])
    if bare:
        # FSL and AFNI write rotations first, SPM last.
        motion = _MOTION[3:] + _MOTION[:3] if path.suffix.lower() in (".par", ".1d") else _MOTION
        names = list(motion) if len(names) == 6 else [f"column{i + 1}" for i in range(len(names))]
    rows = lines if bare else lines[1:]
    if wrong := [i for i, row in enumerate(rows, 1) if len(row) != len(names)]:
        raise InputError(
            f"Each row of a table must have its {len(names)} columns; row {wrong[0]} of {path.name} has "
            f"{len(rows[wrong[0] - 1])}. Mend it."
        )
    return pd.DataFrame(rows, columns=names)


def _filled(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Turn cells into numbers; a derivative has none in its first row, and gets that of the second."""
    numbers = table.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    numbers = numbers.replace([np.inf, -np.inf], np.nan)
    if len(numbers) > 1:
        first = numbers.iloc[0]
        numbers.iloc[0] = first.where(first.notna(), numbers.iloc[1])  # as nilearn's load_confounds does
    lacking = numbers.isna()
    if lacking.to_numpy().any():
        column = str(lacking.any().idxmax())
        row = int(lacking[column].to_numpy().argmax())
        raise InputError(
            f"Confounds must be numbers in every row but the first; {column} of {path.name} has "
            f"{table[column].iloc[row]!r} in row {row + 1}. Mend it, or leave that column out."
        )
    return pd.DataFrame(numbers)


def _names(table: pd.DataFrame) -> str:
    shown = list(table.columns[:8])
    return ", ".join(shown) + (f" and {table.shape[1] - 8} more" if table.shape[1] > 8 else "")
