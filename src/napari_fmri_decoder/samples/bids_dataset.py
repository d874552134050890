"""A BIDS or fMRIPrep folder: which runs it holds, what belongs to each, and what is missing."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids import (
    derivatives_of,
    entities,
    find_anatomy,
    find_brain_mask,
    find_confounds,
    find_events,
    run_of,
)
from napari_fmri_decoder.volumes.nifti import natural_key

NATIVE = "native"
"""Space of images that name none: as scanned, or fMRIPrep's output on the BOLD's own grid."""


@dataclass(frozen=True, slots=True)
class BidsRun:
    """One BOLD file of a dataset, and the files that belong to it (None: not there).

    Attributes
    ----------
    subject, session, task, run : str
        "" where the name says none.
    space : str
        "native", or as fMRIPrep counts: "T1w", "MNI152NLin2009cAsym:res-2".
    preprocessed : bool
        Whether it lies among derivatives, with `desc-preproc` in its name.
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
    def missing(self) -> tuple[str, ...]:
        """What was not found; an image as scanned can have neither confounds nor brain mask."""
        wanted = ("events", "confounds", "mask", "anatomy") if self.preprocessed else ("events", "anatomy")
        return tuple(name for name in wanted if getattr(self, name) is None)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values, `missing` among them."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in plain.items()}
        return plain | {"missing": list(self.missing)}


def bids_runs(
    folder: str | Path,
    *,
    subjects: Sequence[str] = (),
    sessions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    runs: Sequence[str] = (),
    space: str | None = None,
) -> list[BidsRun]:
    """List the runs of a dataset; an empty choice takes all.

    Parameters
    ----------
    folder : path
        Of a BIDS dataset, whose `derivatives` are looked through too, or of fMRIPrep's output.
    subjects, sessions, tasks, runs : sequence of str
        With or without their "sub-", "ses-", "task-", "run-"; runs also without leading zeros.
    space : str, optional
        One of `BidsRun.space`; "MNI152NLin2009cAsym" without its resolution takes every one.

    Returns
    -------
    list of BidsRun
        Naturally sorted by subject, session, task, run and space.

    Raises
    ------
    InputError
        If the folder is no dataset, or nothing in it is what was chosen.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"A dataset must be a folder, found none at {folder}. Check the path.")
    every = [run for root in (folder, *derivatives_of(folder)) for run in _runs_in(root)]
    if not every:
        raise InputError(
            f"A BIDS or fMRIPrep folder must hold sub-<label>/[ses-<label>/]func/..._bold.nii.gz; found no "
            f"such file in {folder}. Choose the folder that holds the folders sub-<label>."
        )
    chosen = every
    for name, wanted, entity in (
        ("subject", subjects, "sub"),
        ("session", sessions, "ses"),
        ("task", tasks, "task"),
        ("run", runs, "run"),
    ):
        labels = [_label(value, entity) for value in wanted]
        known = sorted({getattr(run, name) for run in every}, key=natural_key)
        if unknown := [label for label in labels if label not in known]:
            raise InputError(
                f"Each {name} must be one of the dataset; {folder.name} has no {name} {unknown[0]!r}. It "
                f"has: {', '.join(map(repr, known))}."
            )
        chosen = [run for run in chosen if not labels or getattr(run, name) in labels]
    if space is not None:
        known = sorted({run.space for run in chosen})
        chosen = [run for run in chosen if space in (run.space, run.space.partition(":")[0])]
        if not chosen:
            raise InputError(
                f"The space must be one of the chosen runs' ({', '.join(known) or 'there are none'}); "
                f"got {space!r}."
            )
    if not chosen:
        raise InputError(
            f"No run of {folder.name} is of all the subjects, sessions, tasks and runs that were chosen. "
            "Choose fewer."
        )
    return sorted(chosen, key=_order)


def one_space(runs: Sequence[BidsRun]) -> list[BidsRun]:
    """Keep one file of each run: the preprocessed where there is one, and all in one space.

    Raises
    ------
    InputError
        If there are several spaces to choose from, or one run still has several files.
    """
    done = [run for run in runs if run.preprocessed]
    kept = done or list(runs)
    spaces = sorted({run.space for run in kept})
    if len(spaces) > 1:
        raise InputError(
            f"Images must lie in one space to be decoded together; these are there in {', '.join(spaces)}. "
            "Choose one of them: space."
        )
    seen: dict[tuple[str, ...], BidsRun] = {}
    for run in kept:
        key = (run.subject, run.session, run.run)
        if key in seen:
            raise InputError(
                f"Each run must have one BOLD file, but {seen[key].bold.name} and {run.bold.name} are the "
                "same subject, session and run. Choose one task, or name the files in images."
            )
        seen[key] = run
    return kept


def _runs_in(root: Path) -> list[BidsRun]:
    from nilearn.interfaces.bids import get_bids_files, parse_bids_filename

    found = []
    pattern = glob.escape(str(root))  # nilearn takes a [ in it for one
    for file in get_bids_files(pattern, file_tag="bold", file_type="nii*", modality_folder="func"):
        path, named = Path(file), parse_bids_filename(file)["entities"]
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
    # Of several echoes fMRIPrep makes one image without the entity; the echoes are its source.
    combined = {_key(run) for run in found if "echo" not in entities(run.bold)}
    return [run for run in found if "echo" not in entities(run.bold) or _key(run) not in combined]


def _key(run: BidsRun) -> tuple[Any, ...]:
    return (run.subject, run.session, run.task, run.run, run.space, run.preprocessed)


def _order(run: BidsRun) -> list[Any]:
    names = (run.subject, run.session, run.task, run.run, run.space)
    return [natural_key(name) for name in names] + [run.preprocessed]


def _label(value: str, entity: str) -> str:
    label = str(value).removeprefix(f"{entity}-")
    return label.lstrip("0") or "0" if entity == "run" and label.isdigit() else label
