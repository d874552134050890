"""What the name of a file says by the rules of BIDS (https://bids-specification.readthedocs.io)."""

from __future__ import annotations

import re
from pathlib import Path

from napari_fmri_decoder.volumes.nifti import stem


def entities(path: str | Path) -> dict[str, str]:
    """Read the entities of a BIDS file name.

    Examples
    --------
    >>> entities("sub-01_task-rest_run-02_bold.nii.gz")
    {'sub': '01', 'task': 'rest', 'run': '02'}
    """
    parts = (part.partition("-") for part in Path(path).name.split(".")[0].split("_"))
    return {key: value for key, dash, value in parts if dash}


def run_of(path: str | Path) -> tuple[str, str, str]:
    """Tell (subject, session, run) from the name of a BOLD file.

    The run's leading zeros are dropped, as it is a number: run-02 is run 2. Without a run entity
    a BIDS file is run 1 of its session, and any other file is a run under its own name.

    Examples
    --------
    >>> run_of("sub-01_ses-a_run-02_bold.nii.gz")
    ('01', 'a', '2')
    >>> run_of("morning.nii.gz")
    ('', '', 'morning')
    """
    found = entities(path)
    run = found.get("run", "1" if "sub" in found else stem(path))
    return found.get("sub", ""), found.get("ses", ""), run.lstrip("0") or "0" if run.isdigit() else run


def find_events(bold: Path) -> Path | None:
    """Find the events file of a BOLD file.

    Parameters
    ----------
    bold : Path
        ``..._bold.nii.gz``, raw or preprocessed (``space-`` and ``desc-`` are no part of the
        events' name).

    Returns
    -------
    Path or None
        The ``..._events.tsv`` beside it whose entities all are the BOLD file's own, the most
        specific one; else one that is inherited from the folders above, up to the dataset's.
    """
    own = set(entities(bold).items())
    folder = bold.parent
    while True:
        fitting = [f for f in sorted(folder.glob("*_events.tsv")) if set(entities(f).items()) <= own]
        if fitting:
            return max(fitting, key=lambda f: len(entities(f)))
        if not re.fullmatch(r"func|ses-.+|sub-.+", folder.name):
            return None
        folder = folder.parent


def find_confounds(bold: Path) -> Path | None:
    """Find the confounds that fMRIPrep wrote for a BOLD file.

    Parameters
    ----------
    bold : Path
        ``..._desc-preproc_bold.nii.gz``, in any space.

    Returns
    -------
    Path or None
        The ``..._desc-confounds_timeseries.tsv`` (before fMRIPrep 20.2: ``_regressors.tsv``) in the
        same folder whose other entities all are the BOLD file's own.
    """
    own = set(entities(bold).items())
    fitting = [
        f
        for ending in ("timeseries", "regressors")
        for f in sorted(bold.parent.glob(f"*_desc-confounds_{ending}.tsv"))
        if {pair for pair in entities(f).items() if pair[0] != "desc"} <= own
    ]
    return max(fitting, key=lambda f: len(entities(f)), default=None)
