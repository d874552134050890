"""Going on with a run that was stopped or killed: only with the same recipe, samples and software."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.bundle import versions
from napari_fmri_decoder.training.computing import why_not
from napari_fmri_decoder.training.devices import choose_device
from napari_fmri_decoder.training.store import TaskStore, digest_of, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig

TASKS = "tasks"
"""Folder within a run folder."""
BEGUN = "run.json"
"""File within it, that says of what the tasks are."""
_OF_SAMPLES = {"data", "labels"}
"""Sections that only say where samples come from: those are compared themselves, so a folder may move."""


def has_begun(out: Path) -> bool:
    """Whether a run folder holds tasks that can be gone on with."""
    return (out / TASKS / BEGUN).exists()


def open_store(out: Path, recipe: Recipe, samples: Samples, splits: Sequence[Split]) -> TaskStore:
    """Begin to keep the tasks of a run, or go on with those that are kept.

    Parameters
    ----------
    out : Path
        The run folder.
    recipe : Recipe
        Resolved.
    samples : Samples
    splits : sequence of Split

    Returns
    -------
    TaskStore

    Raises
    ------
    InputError
        If tasks of another recipe, of other samples or by other software lie there.
    """
    ours: dict[str, Any] = {
        "recipe": json.loads(recipe.model_dump_json(exclude=_OF_SAMPLES, exclude_none=True)),
        "samples": digest_of(samples, splits),
        "versions": versions(),
        "computed": _computed(recipe.training),
    }
    store = TaskStore(out / TASKS)
    path = store.folder / BEGUN
    if path.exists():
        _check(path, ours)
        store.sweep()
    else:
        write_text(path, json.dumps(ours, indent=2, ensure_ascii=False) + "\n")
    return store


def _check(path: Path, ours: Mapping[str, Any]) -> None:
    begin = f"A run can only go on as it began, but {path.parent.parent} was begun"
    otherwise = "Choose another folder, or start anew in an empty one."
    try:
        theirs = json.loads(path.read_text(encoding="utf-8"))
        recipe, samples, software = theirs["recipe"], theirs["samples"], theirs["versions"]
        computed = theirs["computed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{begin} in a way that {path.name} no longer says. {otherwise}") from error
    if recipe != ours["recipe"]:
        changed = ", ".join(_differences(recipe, ours["recipe"]))
        raise InputError(f"{begin} with another recipe ({changed}). {otherwise}")
    if samples != ours["samples"]:
        raise InputError(
            f"{begin} with other samples: images, labels or mask have changed since. {otherwise}"
        )
    if software != ours["versions"]:
        changed = ", ".join(_differences(software, ours["versions"]))
        raise InputError(f"{begin} with other software ({changed}). Install that, or choose another folder.")
    if computed != ours["computed"]:
        changed = ", ".join(_differences(computed, ours["computed"]))
        raise InputError(
            f"{begin} where networks are computed otherwise ({changed}). Go on with it there, or choose "
            "another folder."
        )


def _computed(config: TrainingConfig) -> dict[str, str]:
    """On what kind of device, and in which precision, networks are trained here."""
    device = choose_device(config.device).torch
    precision = "float32" if why_not(config.precision, device) else config.precision
    return {"device": device.type, "precision": precision}


def _differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Name what differs, such as ``decoder.C was 0.1, is 1``."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [f"{place} was {old}, is {new}"] if old != new else []
    said = []
    for key in [*old, *(k for k in new if k not in old)]:
        said += _differences(old.get(key, "unset"), new.get(key, "unset"), f"{place}.{key}".lstrip("."))
    return said
