"""From a dataset's folder in a recipe to the files in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import BIDS_CHOICES, Recipe
from napari_fmri_decoder.samples.bids import entities, run_of
from napari_fmri_decoder.samples.bids_dataset import NATIVE, bids_runs, one_space
from napari_fmri_decoder.samples.labels.events import EventLabels
from napari_fmri_decoder.samples.masks.combined import CombinedMask
from napari_fmri_decoder.samples.masks.given import FileMask


def found_in_dataset(recipe: Recipe, base: Path) -> tuple[Recipe, list[str]]:
    """Replace a dataset's folder by the files that were found in it; other recipes stay as they are.

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that its paths start from.

    Returns
    -------
    recipe : Recipe
        With the BOLD files as images, and, unless it states them, the voxels that all brain masks
        share as mask, and the anatomy where there is one subject.
    notes : list of str

    Raises
    ------
    InputError
        If nothing is found, several spaces are, or events or confounds that the recipe needs are
        missing for a run.
    """
    data = recipe.data
    if data.bids is None:
        return recipe, []
    chosen = {name: getattr(data, name) for name in BIDS_CHOICES}
    every = bids_runs(base / data.bids, **chosen)
    runs = one_space(every)
    needed = []
    if isinstance(recipe.labels, EventLabels) and not recipe.labels.events:
        needed.append("events")
    if (recipe.prepare.confounds or recipe.prepare.scrub_mm) and not recipe.prepare.confounds_files:
        needed.append("confounds")
    for name in needed:
        if lacking := [run.bold.name for run in runs if getattr(run, name) is None]:
            raise InputError(
                f"Each run must have its {name} to be used; {len(lacking)} of {len(runs)} runs have none: "
                f"{', '.join(lacking[:5])}. Leave these runs out (subjects, sessions, tasks, runs), or name "
                f"the files. fmri-decoder bids {data.bids} lists what is missing."
            )
    if absent := [run.bold.name for run in runs if "bold" in run.absent]:
        raise InputError(
            f"The images must be here, but {len(absent)} of {len(runs)} runs are links whose content is not "
            f"(as in a DataLad dataset before `datalad get`): {', '.join(absent[:5])}. Get their content "
            "first, or leave these runs out (subjects, sessions, tasks, runs)."
        )
    update: dict[str, Any] = {"images": tuple(str(run.bold.absolute()) for run in runs), "bids": None}
    update |= {name: type(value)() if isinstance(value, tuple) else None for name, value in chosen.items()}
    notes = [
        f"{len(runs)} runs of {len({run.subject for run in runs})} subject(s) were found in {data.bids}."
    ]
    if raw := {_recording(run.bold) for run in every} - {_recording(run.bold) for run in runs}:
        names = ", ".join("/".join(filter(None, key)) for key in sorted(raw)[:5])
        notes.append(f"{len(raw)} run(s) have no preprocessed image and are left out: {names}.")
    subjects, space = {run.subject for run in runs}, runs[0].space
    if len(subjects) > 1 and space in (NATIVE, "T1w"):
        notes.append(
            f"The images lie in each subject's own space ({space}): one voxel is another place in each of "
            f"{len(subjects)} brains. To train on some subjects and test on others take a template's space."
        )
    masks = [run.mask for run in runs if run.mask is not None]
    if data.mask is None and masks and len(masks) == len(runs):
        each = tuple(FileMask(path=str(mask.absolute())) for mask in masks)
        update["mask"] = each[0] if len(each) == 1 else CombinedMask(how="and", masks=each)
        notes.append(f"The mask holds the voxels that the {len(each)} brain masks of the runs share.")
    anatomies = {run.anatomy for run in runs if run.anatomy is not None}
    if data.anatomy is None and len(anatomies) == 1:
        update["anatomy"] = str(anatomies.pop().absolute())
    return recipe.model_copy(update={"data": data.model_copy(update=update)}), notes


def _recording(bold: Path) -> tuple[str, ...]:
    """Subject, session, task and run of a BOLD file."""
    subject, session, run = run_of(bold)
    return subject, session, entities(bold).get("task", ""), run
