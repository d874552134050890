"""Going on with a run that was stopped or killed: only with the same recipe, samples and software.

A run that has ended, and whose tasks were deleted, is compared by what its model states; a subject of a study
that has ended, and is passed over, by the recipe that was asked for.
"""

from __future__ import annotations

import json
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_json, read_text
from napari_fmri_decoder.recipe import input_files, load_recipe, parse_recipe, rebased
from napari_fmri_decoder.text import printable, shortened
from napari_fmri_decoder.training.bundle import file_hash, load_bundle, versions
from napari_fmri_decoder.training.store import TaskStore, digest_of, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

TASKS = "tasks"
"""Folder within a run folder."""
BEGUN = "run.json"
"""File within it, that says of what the tasks are."""
ENDED = "scores.json"
"""File of a run folder that is written last."""
ASKED = "asked.toml"
"""File of a subject's run folder: the recipe before anything was resolved or looked for in a dataset."""
_SHOWN = {"report"}
"""Sections that change no number."""
_NOT_COMPARED = {"data", "labels", *_SHOWN}
"""And those that only say where samples come from: these are compared themselves, so a folder may move."""
_NAMED = 6
"""Differences that a message names."""


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
        If tasks, or the model, of another recipe, of other samples or by other software lie there.
    """
    ours: dict[str, Any] = {
        "recipe": json.loads(recipe.model_dump_json(exclude=_NOT_COMPARED, exclude_none=True)),
        "samples": digest_of(samples, splits),
        "versions": versions(),
        "computed": _computed(recipe),
    }
    store = TaskStore(out / TASKS)
    path = store.folder / BEGUN
    if path.exists():
        _check(path, ours)
        store.sweep()
    else:
        if (out / ENDED).exists():
            _check_ended(out, recipe)
        write_text(path, json.dumps(ours, indent=2, ensure_ascii=False) + "\n")
    return store


def _check(path: Path, ours: Mapping[str, Any]) -> None:
    begin = f"A run can only go on as it began, but {path.parent.parent} was begun"
    otherwise = "Choose another folder, or start anew in an empty one."
    try:
        theirs = parse_json(read_text(path, "record of the run"), path.name)
        recipe, samples, software = theirs["recipe"], theirs["samples"], theirs["versions"]
        computed = theirs["computed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{begin} in a way that {path.name} no longer says. {otherwise}") from error
    if recipe != ours["recipe"]:
        changed = _listed(_differences(recipe, ours["recipe"]))
        raise InputError(f"{begin} with another recipe ({changed}). {otherwise}")
    if samples != ours["samples"]:
        raise InputError(
            f"{begin} with other samples: images, labels or mask have changed since. {otherwise}"
        )
    if software != ours["versions"]:
        changed = _listed(_differences(software, ours["versions"]))
        raise InputError(f"{begin} with other software ({changed}). Install that, or choose another folder.")
    if computed != ours["computed"]:
        changed = _listed(_differences(computed, ours["computed"]))
        raise InputError(
            f"{begin} where networks are computed otherwise ({changed}). Go on with it there, or choose "
            "another folder."
        )


def _computed(recipe: Recipe) -> dict[str, str]:
    """On what kind of device, and in which precision, networks are trained here."""
    config = recipe.training
    decoders = (recipe.decoder, *(other.decoder for other in recipe.compare))
    if not any(isinstance(decoder, NetworkDecoder) for decoder in decoders):
        return {"device": "cpu", "precision": "float32"}
    from napari_fmri_decoder.training.computing import why_not
    from napari_fmri_decoder.training.devices import choose_device

    device = choose_device(config.device).torch
    precision = "float32" if why_not(config.precision, device) else config.precision
    return {"device": device.type, "precision": precision}


def _check_ended(out: Path, recipe: Recipe) -> None:
    """Refuse to write over a run that has ended and has no tasks, unless it would come out the same."""
    begin = f"A run needs a folder of its own, but {out} holds the scores of another that has ended"
    otherwise = "Choose another folder, or move that one away."
    try:
        model = load_bundle(out / "model.safetensors")
        theirs = parse_recipe(model.recipe)
    except InputError as error:
        raise InputError(f"{begin}, and no longer says of what. {otherwise}") from error
    changed = _differences(_content(theirs), _content(recipe)) or _differences(model.versions, versions())
    if changed:
        raise InputError(f"{begin} ({_listed(changed)}). {otherwise}")
    if sorted(model.hashes.values()) != sorted(file_hash(path) for path in input_files(recipe, out)):
        raise InputError(f"{begin}: its images, labels or mask have changed since. {otherwise}")


def write_asked(folder: Path, recipe: Recipe, base: Path) -> None:
    """Write down in a run folder what is asked of it; paths of `recipe` start from `base`."""
    write_text(folder / ASKED, rebased(recipe, base, folder).to_toml())


def check_asked(folder: Path, recipe: Recipe, base: Path) -> None:
    """Hold what is asked now against what was asked of a run that has ended.

    Nothing is read but what `write_asked` wrote, so that the data need not lie there any more. Files that
    are no longer where they were are known by their names.

    Raises
    ------
    InputError
        If they differ.
    """
    begin = f"A run that has ended is left as it is only where the same is asked again, but {folder}"
    otherwise = "Choose another folder, move that one away, or ask for the same."
    if not (folder / ASKED).exists():
        raise InputError(f"{begin} holds one that says not what was asked ({ASKED}). {otherwise}")
    asked = load_recipe(folder / ASKED)
    old, new = _content(rebased(asked, folder, None)), _content(rebased(recipe, base, None))
    if changed := _differences(_moved(old, new), new):
        raise InputError(f"{begin} was made with another recipe ({_listed(changed)}). {otherwise}")


def _content(recipe: Recipe) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(recipe.model_dump_json(exclude=_SHOWN, exclude_none=True))
    return content


def _moved(old: Any, new: Any) -> Any:
    """Put the new place of a file in place of an old one at which there is nothing any more."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _moved(value, new.get(key)) for key, value in old.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_moved(a, b) for a, b in zip(old, new, strict=True)]
    if not (isinstance(old, str) and isinstance(new, str)):
        return old
    here, there = Path(old), Path(new)
    if not (here.is_absolute() and there.is_absolute()) or here.name != there.name:
        return old  # no path, or one within the run folder, or another file
    return old if here.exists() or glob(old) else new


def _differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Name what differs, such as ``decoder.C was 0.1, is 1``."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [f"{place} {_change(old, new)}"] if old != new else []
    said = []
    for key in [*old, *(k for k in new if k not in old)]:
        said += _differences(old.get(key, "unset"), new.get(key, "unset"), f"{place}.{key}".lstrip("."))
    return said


def _listed(changes: Sequence[str]) -> str:
    """Put changes into a message: the first few, and how many more there are."""
    more = [f"and {len(changes) - _NAMED} more"] if len(changes) > _NAMED else []
    return ", ".join([*changes[:_NAMED], *more])


def _change(old: Any, new: Any) -> str:
    """Say what a value was and is: of a list, the first entry that differs."""
    if not (isinstance(old, list) and isinstance(new, list)):
        return f"was {_short(old)}, is {_short(new)}"
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    was, now = (_short(values[at]) if at < len(values) else "none" for values in (old, new))
    lengths = f" ({len(old)} entries before, {len(new)} now)" if len(old) != len(new) else ""
    return f"was {was}, is {now} at entry {at + 1}{lengths}"


def _short(value: Any) -> str:
    return shortened(printable(value), 60)
