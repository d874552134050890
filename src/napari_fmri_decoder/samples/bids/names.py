"""BIDS file names: entities, and related files (https://bids-specification.readthedocs.io)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from napari_fmri_decoder.files import parse_json, read_text
from napari_fmri_decoder.samples.names import plain_entities, plain_label
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.files import stem


def entities(path: str | Path) -> dict[str, str]:
    """Read the entities of a BIDS file name.

    Examples
    --------
    >>> entities("sub-01_task-rest_run-02_bold.nii.gz")
    {'sub': '01', 'task': 'rest', 'run': '02'}
    """
    parts = (part.partition("-") for part in nfc(Path(path).name).split(".")[0].split("_"))
    return {key: value for key, dash, value in parts if dash}


def run_of(path: str | Path) -> tuple[str, str, str]:
    """Read (subject, session, run) from the name of a BOLD file.

    Leading zeros of the run are dropped, because it is a number: run-02 is run 2. Without a run entity
    a BIDS file is run 1 of its session; any other file is a run named after the file.

    Examples
    --------
    >>> run_of("sub-01_ses-a_run-02_bold.nii.gz")
    ('01', 'a', '2')
    >>> run_of("morning.nii.gz")
    ('', '', 'morning')
    """
    found = entities(path)
    run = found.get("run", "1" if "sub" in found else nfc(stem(path)))
    return found.get("sub", ""), found.get("ses", ""), plain_label(run)


def _named(folder: Path, pattern: str) -> list[Path]:
    """List the files of a folder that match a pattern, in either Unicode form; skip hidden files."""
    try:
        names = sorted(folder.iterdir())
    except OSError:  # no folder
        return []
    return [p for p in names if not p.name.startswith(".") and fnmatchcase(nfc(p.name), pattern)]


def run_keys(paths: Sequence[str | Path]) -> list[tuple[str, str, str]]:
    """Read (subject, session, run) of files that are used together.

    As `run_of`, except that if two tasks share a run number, each run is named by task and number.

    Examples
    --------
    >>> run_keys(["sub-1_task-rest_run-1_bold.nii", "sub-1_task-faces_run-1_bold.nii"])
    [('1', '', 'rest-1'), ('1', '', 'faces-1')]
    >>> run_keys(["sub-1_task-rest_run-1_bold.nii", "sub-1_task-faces_run-2_bold.nii"])
    [('1', '', '1'), ('1', '', '2')]
    """
    keys, tasks = [run_of(path) for path in paths], [entities(path).get("task", "") for path in paths]
    shared = len(set(zip(keys, tasks, strict=True))) > len(set(keys))
    return [
        (subject, session, f"{task}-{run}" if shared and task else run)
        for (subject, session, run), task in zip(keys, tasks, strict=True)
    ]


def runs_of_files(paths: Sequence[str | Path]) -> list[tuple[str, str, str]]:
    """Name the runs of files, one run each, as (subject, session, run).

    By BIDS names if there are several files and their names are all different; otherwise the files are
    numbered from 1.

    Examples
    --------
    >>> runs_of_files(["sub-1_run-3_bold.nii", "sub-1_run-04_bold.nii"])
    [('1', '', '3'), ('1', '', '4')]
    >>> runs_of_files(["morning.nii", "evening.nii"])
    [('', '', '1'), ('', '', '2')]
    """
    named = run_keys(paths)
    if len(named) > 1 and len(set(named)) == len(named) and all("sub" in entities(path) for path in paths):
        return named
    return [("", "", str(i)) for i in range(1, len(named) + 1)]


def find_events(bold: Path) -> Path | None:
    """Find the events file of a BOLD file.

    Parameters
    ----------
    bold : Path
        ``..._bold.nii.gz``, raw or preprocessed (the name of the events file has no ``space-`` or
        ``desc-``).

    Returns
    -------
    Path or None
        The most specific ``..._events.tsv`` in its folder whose entities are all among those of the BOLD
        file; otherwise one inherited from the folders above, up to the dataset. For a preprocessed file,
        the raw dataset (`raw_of`) is searched last.
    """
    return next(iter(inherited(bold, "_events.tsv")), None)


def repetition_time(bold: Path) -> tuple[float, Path] | None:
    """Read the repetition time from the ``_bold.json`` of a BOLD file, its own or inherited.

    Returns
    -------
    (float, Path) or None
        The TR in seconds, and the JSON file.
    """
    found = ((read_repetition_time(path), path) for path in inherited(bold, "_bold.json"))
    return next(((seconds, path) for seconds, path in found if seconds is not None), None)


def read_repetition_time(sidecar: Path) -> float | None:
    """Read the repetition time in seconds from a JSON file; None if the file or a usable value is missing."""
    try:
        value = parse_json(read_text(sidecar, "sidecar"), sidecar.name).get("RepetitionTime")
    except (ValueError, AttributeError):  # an InputError is a ValueError
        return None
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6
    return float(value) if usable else None


def inherited(bold: Path, ending: str) -> list[Path]:
    """Find the files that a BOLD file inherits by the BIDS inheritance principle, most specific first.

    Parameters
    ----------
    bold : Path
    ending : str
        Such as "_events.tsv".
    """
    own, written = plain_entities(entities(bold)), set(entities(bold).items())
    found: list[Path] = []
    for folder in _levels(bold):
        fitting = [f for f in _named(folder, f"*{ending}") if plain_entities(entities(f)) <= own]
        # of run-1 and run-01, the one with identical spelling comes first
        found += sorted(fitting, key=lambda f: (-len(entities(f)), -len(set(entities(f).items()) & written)))
    return found


def _levels(bold: Path) -> list[Path]:
    """Folders from that of a BOLD file up to its dataset, then the same in the raw dataset."""
    levels = [bold.parent]
    while re.fullmatch(r"func|ses-.+|sub-.+", levels[-1].name):
        levels.append(levels[-1].parent)
    within = [level.relative_to(levels[-1]) for level in levels]
    return levels + [_folder(raw, folder) for raw in raw_of(levels[-1]) for folder in within]


def _folder(root: Path, within: Path) -> Path:
    """Find a folder, allowing for leading zeros (sub-1 and sub-01)."""
    found = root
    for part in within.parts:
        step = found / part
        kind, dash, label = part.partition("-")
        if dash and not step.is_dir():
            same = [
                p for p in sorted(found.glob(f"{kind}-*")) if plain_label(p.name[4:]) == plain_label(label)
            ]
            step = same[0] if len(same) == 1 else step
        found = step
    return found


def raw_of(dataset: Path) -> list[Path]:
    """Find the raw datasets of derivatives at their usual locations.

    Parameters
    ----------
    dataset : Path
        Folder that contains the folders ``sub-<label>``.

    Returns
    -------
    list of Path
        ``sourcedata/raw`` within it; the parent of the folder ``derivatives`` that contains it; and
        ``rawdata`` or ``bids`` next to that folder.
    """
    dataset = dataset.absolute()
    candidates = [dataset / "sourcedata" / "raw"]
    above = next((p for p in dataset.parents if p.name == "derivatives"), None)
    if above is not None:
        candidates += [above.parent, above.parent / "rawdata", above.parent / "bids"]
    return [p for p in candidates if p != dataset and next(p.glob("sub-*"), None) is not None]


def derivatives_of(dataset: Path) -> list[Path]:
    """Find the folders of derivatives within a dataset that contain subjects."""
    within = sorted((dataset / "derivatives").glob("*"))
    return [p for p in within if p.is_dir() and next(p.glob("sub-*/**/func"), None) is not None]


def find_brain_mask(bold: Path) -> Path | None:
    """Find fMRIPrep's brain mask of a BOLD file: ``..._desc-brain_mask.nii.gz`` in the same space."""
    own = _without(bold, "desc")
    found = [f for f in _named(bold.parent, "*_desc-brain_mask.nii*") if _without(f, "desc") == own]
    return found[0] if found else None


def find_anatomy(bold: Path) -> Path | None:
    """Find the T1 image of a BOLD file's subject in the space of the BOLD file.

    Returns
    -------
    Path or None
        Preferably fMRIPrep's ``..._desc-preproc_T1w.nii.gz`` in the BOLD file's space; otherwise, for BOLD
        files in the subject's native space, a raw T1 image.
    """
    own = entities(bold)
    space = own.get("space")
    native = space in (None, "T1w")
    fitting: list[tuple[bool, bool, int, Path]] = []
    for level in _levels(bold):
        for path in _named(level / "anat", "*_T1w.nii*"):
            found = entities(path)
            same = native if "space" not in found else found["space"] == space
            if (
                same
                and plain_label(found.get("sub", "")) == plain_label(own.get("sub", ""))
                and "label" not in found
            ):
                other_session = found.get("ses", own.get("ses")) != own.get("ses")
                fitting.append((found.get("desc") != "preproc", other_session, len(fitting), path))
    return min(fitting)[-1] if fitting else None


def _without(path: Path, *names: str) -> set[tuple[str, str]]:
    return {pair for pair in plain_entities(entities(path)) if pair[0] not in names}


def find_confounds(bold: Path) -> Path | None:
    """Find fMRIPrep's confounds table of a BOLD file.

    Parameters
    ----------
    bold : Path
        ``..._desc-preproc_bold.nii.gz``, in any space.

    Returns
    -------
    Path or None
        The ``..._desc-confounds_timeseries.tsv`` (before fMRIPrep 20.2: ``_regressors.tsv``) in the
        same folder whose other entities are all among those of the BOLD file.
    """
    own = plain_entities(entities(bold))
    fitting = [
        f
        for ending in ("timeseries", "regressors")
        for f in _named(bold.parent, f"*_desc-confounds_{ending}.tsv")
        if _without(f, "desc") <= own
    ]
    return max(fitting, key=lambda f: len(entities(f)), default=None)
