"""Resolves the BIDS dataset of a recipe to the files in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import BIDS_CHOICES, Recipe
from napari_fmri_decoder.samples.bids.dataset import NATIVE, bids_runs, one_space
from napari_fmri_decoder.samples.bids.names import entities, run_of
from napari_fmri_decoder.samples.labels.events import EventLabels
from napari_fmri_decoder.samples.masks.combined import CombinedMask
from napari_fmri_decoder.samples.masks.given import FileMask


def found_in_dataset(recipe: Recipe, base: Path) -> tuple[Recipe, list[str]]:
    """Replace a dataset (`data.bids`) by the files found in it; other recipes are returned unchanged.

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that the recipe's paths are relative to.

    Returns
    -------
    recipe : Recipe
        With the BOLD files as images and, unless the recipe has its own, the voxels that all brain masks
        share as mask, and the anatomy if there is one subject.
    notes : list of str

    Raises
    ------
    InputError
        If nothing or several spaces are found, or events or confounds that the recipe needs are missing
        for a run.
    """
    data = recipe.data
    if data.bids is None:
        return recipe, []
    selected = {name: getattr(data, name) for name in BIDS_CHOICES}
    every = bids_runs(base / data.bids, **selected)
    runs = one_space(every)
    needed = []
    if isinstance(recipe.labels, EventLabels) and not recipe.labels.events:
        needed.append("events")
    if (recipe.prepare.confounds or recipe.prepare.scrub_mm) and not recipe.prepare.confounds_files:
        needed.append("confounds")
    for name in needed:
        if lacking := [run.bold.name for run in runs if getattr(run, name) is None]:
            raise InputError(
                f"Every run must have {name}, but {len(lacking)} of {len(runs)} runs have none: "
                f"{', '.join(lacking[:5])}. Exclude these runs (subjects, sessions, tasks, runs), or list "
                f"the files. fmri-decoder bids {data.bids} lists missing files."
            )
    if absent := [run.bold.name for run in runs if "bold" in run.absent]:
        raise InputError(
            f"The images must be downloaded, but {len(absent)} of {len(runs)} runs are links without "
            f"content (as in a DataLad dataset before `datalad get`): {', '.join(absent[:5])}. Download "
            "them first, or exclude these runs (subjects, sessions, tasks, runs)."
        )
    update: dict[str, Any] = {"images": tuple(str(run.bold.absolute()) for run in runs), "bids": None}
    update |= {name: type(value)() if isinstance(value, tuple) else None for name, value in selected.items()}
    notes = [f"Found {len(runs)} runs of {len({run.subject for run in runs})} subject(s) in {data.bids}."]
    if raw := {_recording(run.bold) for run in every} - {_recording(run.bold) for run in runs}:
        names = ", ".join("/".join(filter(None, key)) for key in sorted(raw)[:5])
        notes.append(f"{len(raw)} run(s) have no preprocessed image and are excluded: {names}.")
    subjects, space = {run.subject for run in runs}, runs[0].space
    if len(subjects) > 1 and space in (NATIVE, "T1w"):
        notes.append(
            f"The images are in each subject's own space ({space}): the same voxel is a different location "
            f"in each of {len(subjects)} brains. To train and test across subjects, choose a template space."
        )
    masks = [run.mask for run in runs if run.mask is not None]
    if data.mask is None and masks and len(masks) == len(runs):
        each = tuple(FileMask(path=str(mask.absolute())) for mask in masks)
        update["mask"] = each[0] if len(each) == 1 else CombinedMask(how="and", masks=each)
        notes.append(f"The mask contains the voxels shared by the {len(each)} brain masks of the runs.")
    anatomies = {run.anatomy for run in runs if run.anatomy is not None}
    if data.anatomy is None and len(anatomies) == 1:
        update["anatomy"] = str(anatomies.pop().absolute())
    return recipe.model_copy(update={"data": data.model_copy(update=update)}), notes


def _recording(bold: Path) -> tuple[str, ...]:
    """Subject, session, task and run of a BOLD file."""
    subject, session, run = run_of(bold)
    return subject, session, entities(bold).get("task", ""), run
