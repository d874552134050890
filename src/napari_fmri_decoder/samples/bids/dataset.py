"""List the runs of a BIDS or fMRIPrep folder, the files of each, and missing files."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import existing, is_absent
from napari_fmri_decoder.samples.bids.names import (
    derivatives_of,
    entities,
    find_anatomy,
    find_brain_mask,
    find_confounds,
    find_events,
    run_of,
)
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.files import natural_key

NATIVE = "native"
"""Space of images whose name has none: raw data, or fMRIPrep's output on the original BOLD grid."""


@dataclass(frozen=True, slots=True)
class BidsRun:
    """One BOLD file of a dataset, and the files that belong to it (None if missing).

    Attributes
    ----------
    subject, session, task, run : str
        "" if not in the file name.
    space : str
        "native", or as in fMRIPrep: "T1w", "MNI152NLin2009cAsym:res-2".
    preprocessed : bool
        Whether it is fMRIPrep's output, with `desc-preproc` in its name.
    bold : Path
    events, confounds, mask, anatomy : Path or None
        Brain mask and anatomy in the space of the BOLD file.
    """

    subject: str
    session: str
    task: str
    run: str
    space: str
    preprocessed: bool
    bold: Path
    events: Path | None
    confounds: Path | None
    mask: Path | None
    anatomy: Path | None

    @property
    def absent(self) -> tuple[str, ...]:
        """Files whose content is missing: links of a DataLad dataset that were not downloaded."""
        names = ("bold", "events", "confounds", "mask", "anatomy")
        paths = {name: getattr(self, name) for name in names}
        return tuple(name for name, path in paths.items() if path is not None and is_absent(path))

    @property
    def missing(self) -> tuple[str, ...]:
        """Files that were not found; raw data have neither confounds nor a brain mask."""
        wanted = ("events", "confounds", "mask", "anatomy") if self.preprocessed else ("events", "anatomy")
        return tuple(name for name in wanted if getattr(self, name) is None)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values, including `missing` and `absent`."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in plain.items()}
        return plain | {"missing": list(self.missing), "absent": list(self.absent)}


def bids_runs(
    folder: str | Path,
    *,
    subjects: Sequence[str] = (),
    sessions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    runs: Sequence[str] = (),
    space: str | None = None,
) -> list[BidsRun]:
    """List the runs of a dataset; empty filters select all.

    Parameters
    ----------
    folder : path
        A BIDS dataset, including its `derivatives`, or fMRIPrep's output.
    subjects, sessions, tasks, runs : sequence of str
        With or without the prefix "sub-", "ses-", "task-", "run-"; runs also without leading zeros.
    space : str, optional
        One of `BidsRun.space`; "MNI152NLin2009cAsym" without a resolution matches all resolutions.

    Returns
    -------
    list of BidsRun
        In natural order of subject, session, task, run and space.

    Raises
    ------
    InputError
        If the folder is not a dataset, or no run matches the filters.
    """
    folder = existing(Path(folder))
    if not folder.is_dir():
        raise InputError(f"A dataset must be a folder, found none at {folder}. Check the path.")
    every = [run for root in (folder, *derivatives_of(folder)) for run in _runs_in(root)]
    if not every:
        raise InputError(
            "A BIDS or fMRIPrep folder must contain sub-<label>/[ses-<label>/]func/..._bold.nii.gz; found "
            f"no such file in {folder}. Choose the folder that contains the folders sub-<label>."
        )
    selected = every
    for name, wanted, entity in (
        ("subject", subjects, "sub"),
        ("session", sessions, "ses"),
        ("task", tasks, "task"),
        ("run", runs, "run"),
    ):
        labels = [_label(nfc(value), entity) for value in wanted]
        known = sorted({getattr(run, name) for run in every}, key=natural_key)
        if unknown := [label for label in labels if label not in known]:
            raise InputError(
                f"Each {name} must be in the dataset; {folder.name} has no {name} {unknown[0]!r}. It "
                f"has: {', '.join(map(repr, known))}."
            )
        selected = [run for run in selected if not labels or getattr(run, name) in labels]
    if space is not None:
        space, known = nfc(space), sorted({run.space for run in selected})
        selected = [run for run in selected if space in (run.space, run.space.partition(":")[0])]
        if not selected:
            raise InputError(
                f"The space must be one of those of the selected runs ({', '.join(known) or 'none'}); got "
                f"{space!r}."
            )
    if not selected:
        raise InputError(
            f"No run of {folder.name} matches all of the selected subjects, sessions, tasks and runs. "
            "Select fewer."
        )
    return sorted(selected, key=_order)


def one_space(runs: Sequence[BidsRun]) -> list[BidsRun]:
    """Select one file per run, all in one space; preprocessed files if there are any.

    Raises
    ------
    InputError
        If there are several spaces, or a run has several files.
    """
    selected = [run for run in runs if run.preprocessed] or list(runs)
    spaces = sorted({run.space for run in selected})
    if len(spaces) > 1:
        raise InputError(
            f"Images must be in one space to be decoded together, but they are in {', '.join(spaces)}. "
            "Select one of them with space."
        )
    seen: dict[tuple[str, ...], BidsRun] = {}
    for run in selected:
        key = (run.subject, run.session, run.run)
        if key in seen:
            raise InputError(
                f"Each run must have one BOLD file, but {seen[key].bold.name} and {run.bold.name} are the "
                "same subject, session and run. Select one task, or list the files in images."
            )
        seen[key] = run
    return selected


def _runs_in(root: Path) -> list[BidsRun]:
    from nilearn.interfaces.bids import get_bids_files, parse_bids_filename

    found = []
    pattern = glob.escape(str(root))  # nilearn would treat a [ in it as a pattern
    for file in get_bids_files(pattern, file_tag="bold", file_type="nii*", modality_folder="func"):
        path, named = Path(file), parse_bids_filename(nfc(file))["entities"]
        if path.name.startswith("."):  # macOS adds ._sub-01_bold.nii.gz to sub-01_bold.nii.gz
            continue
        if named.get("part") not in (None, "mag") or named.get("desc") not in (None, "preproc"):
            continue
        subject, session, run = run_of(path)
        space = named.get("space") or NATIVE
        found.append(
            BidsRun(
                subject,
                session,
                named.get("task") or "",
                run,
                f"{space}:res-{named['res']}" if named.get("res") else space,
                named.get("desc") == "preproc",
                path,
                find_events(path),
                find_confounds(path),
                find_brain_mask(path),
                find_anatomy(path),
            )
        )
    # fMRIPrep combines several echoes into one image without the entity echo; the echoes are its source.
    combined = {_key(run) for run in found if "echo" not in entities(run.bold)}
    return [run for run in found if "echo" not in entities(run.bold) or _key(run) not in combined]


def _key(run: BidsRun) -> tuple[Any, ...]:
    return (run.subject, run.session, run.task, run.run, run.space, run.preprocessed)


def _order(run: BidsRun) -> list[Any]:
    names = (run.subject, run.session, run.task, run.run, run.space)
    return [natural_key(name) for name in names] + [run.preprocessed]


def _label(value: str, entity: str) -> str:
    label = str(value).removeprefix(f"{entity}-")
    return plain_label(label) if entity == "run" else label
