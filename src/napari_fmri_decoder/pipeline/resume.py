"""Resuming a run that was stopped or killed: only with the same recipe, samples and software.

A completed run without tasks is compared by the recipe in its model; a completed subject of a study, which is
skipped, by the recipe that was requested for it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from napari_fmri_decoder.decoders import NetworkDecoder, get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_json, read_text
from napari_fmri_decoder.options import Options
from napari_fmri_decoder.recipe import Recipe, input_files, load_recipe, parse_recipe, rebased
from napari_fmri_decoder.text import printable, shortened
from napari_fmri_decoder.training.bundle.bundle import file_hash, load_bundle, versions
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.tasks.store import TaskStore, digest_of, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

TASKS = "tasks"
"""Folder of the tasks in a run folder."""
BEGUN = "run.json"
"""File in that folder with the recipe, samples and software of the tasks."""
ENDED = "scores.json"
"""File of a run folder that is written last."""
ASKED = "asked.toml"
"""File of a subject's run folder: the requested recipe, before its dataset and options were resolved."""
_SHOWN = {"report", "where"}
"""Sections that do not affect the results of training; jobs of `where` have its options in their names."""
_NOT_COMPARED = {"data", "labels", "baseline", *_SHOWN}
"""Also those that only say where samples come from: samples are compared themselves, so a folder may move.

Baselines add fits and change none, so that those that are missing are fitted."""
_NAMED = 6
"""Largest number of differences in a message."""


def has_begun(out: Path) -> bool:
    """Whether a run folder contains tasks of a run to resume."""
    return (out / TASKS / BEGUN).exists()


def open_store(out: Path, recipe: Recipe, samples: Samples, splits: Sequence[Split]) -> TaskStore:
    """Open the stored tasks of a run, or create the store.

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
        If the folder has tasks, or a model, of another recipe, other samples or other software.
    """
    ours: dict[str, Any] = {
        "recipe": {key: value for key, value in recipe.written().items() if key not in _NOT_COMPARED},
        "samples": digest_of(samples, splits),
        "versions": versions(),
        "computed": _computed(recipe),
    }
    store = TaskStore(out / TASKS)
    path = store.folder / BEGUN
    if path.exists():
        _check(path, ours)
        store.remove_stale_partials()
    else:
        if (out / ENDED).exists():
            _check_ended(out, recipe)
        write_text(path, json.dumps(ours, indent=2, ensure_ascii=False) + "\n")
    return store


def _check(path: Path, ours: Mapping[str, Any]) -> None:
    begin = f"A run can only be resumed as it was started, but the run in {path.parent.parent} was started"
    otherwise = "Choose another folder, or an empty one."
    try:
        theirs = parse_json(read_text(path, "record of the run"), path.name)
        recipe, samples, software = theirs["recipe"], theirs["samples"], theirs["versions"]
        computed = theirs["computed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{begin} in an unknown way, because {path.name} is damaged. {otherwise}") from error
    recipe = _resolved(recipe)
    if recipe != ours["recipe"]:
        changed = _listed(_differences(recipe, ours["recipe"]))
        raise InputError(f"{begin} with another recipe ({changed}). {otherwise}")
    if samples != ours["samples"]:
        raise InputError(f"{begin} with other samples: images, labels or mask have changed. {otherwise}")
    if software != ours["versions"]:
        changed = _listed(_differences(software, ours["versions"]))
        raise InputError(
            f"{begin} with other software ({changed}). Install the same versions, or choose another folder."
        )
    if computed != ours["computed"]:
        changed = _listed(_differences(computed, ours["computed"]))
        raise InputError(
            f"{begin} on another kind of hardware ({changed}). Resume it there, or choose another folder."
        )


def _computed(recipe: Recipe) -> dict[str, str]:
    """Kind of device and precision with which networks are trained here."""
    pairs = [(recipe.decoder, recipe.training), *((o.decoder, o.training) for o in recipe.compare)]
    config = next((config for decoder, config in pairs if isinstance(decoder, NetworkDecoder)), None)
    if config is None:
        return {"device": "cpu", "precision": "float32"}
    from napari_fmri_decoder.training.torch.devices import choose_device
    from napari_fmri_decoder.training.torch.precision import why_not

    device = choose_device(config.device).torch
    precision = "float32" if why_not(config.precision, device) else config.precision
    return {"device": device.type, "precision": precision}


def _check_ended(out: Path, recipe: Recipe) -> None:
    """Refuse to overwrite a completed run without tasks, unless it would have the same results."""
    begin = f"Folder {out} already contains another run, which is complete"
    otherwise = "Choose another folder, or move that run away."
    try:
        model = load_bundle(out / "model.safetensors")
        theirs = parse_recipe(model.recipe)
    except InputError as error:
        raise InputError(f"{begin}, and its recipe cannot be read. {otherwise}") from error
    resolved = _content(theirs.with_training_resolved())
    changed = _differences(resolved, _content(recipe)) or _differences(model.versions, versions())
    if changed:
        raise InputError(f"{begin} ({_listed(changed)}). {otherwise}")
    if sorted(model.hashes.values()) != sorted(file_hash(path) for path in input_files(recipe, out)):
        raise InputError(f"{begin}: its images, labels or mask have changed. {otherwise}")


def write_asked(folder: Path, recipe: Recipe, base: Path) -> None:
    """Write the requested recipe to a run folder; its paths are relative to `base`."""
    write_text(folder / ASKED, rebased(recipe, base, folder).to_toml())


def check_asked(folder: Path, recipe: Recipe, base: Path) -> None:
    """Compare a requested recipe with the one that was requested for a completed run.

    Only the file of `write_asked` is read, so the data may be missing. Files that were moved are recognized
    by their names.

    Raises
    ------
    InputError
        If the recipes differ.
    """
    begin = f"A completed run is only skipped if its recipe is the same, but {folder}"
    otherwise = "Choose another folder, move that run away, or use its recipe."
    if not (folder / ASKED).exists():
        raise InputError(f"{begin} has no record of its recipe ({ASKED}). {otherwise}")
    asked = load_recipe(folder / ASKED)
    old, new = _content(rebased(asked, folder, None)), _content(rebased(recipe, base, None))
    if changed := _differences(_moved(old, new), new):
        raise InputError(f"{begin} was run with another recipe ({_listed(changed)}). {otherwise}")


def _content(recipe: Recipe) -> dict[str, Any]:
    return {key: value for key, value in recipe.written().items() if key not in _SHOWN}


def _resolved(stored: Any) -> Any:
    """Write the options in a stored recipe as they are written today, with those that are new since.

    Earlier versions wrote options of training that are never read, and left those of compared decoders empty.
    """
    if not isinstance(stored, dict) or not isinstance(stored.get("compare", []), list):
        return stored
    stored = {key: value for key, value in stored.items() if key not in _NOT_COMPARED}
    compare = [_with_training(other) for other in stored.get("compare", [])]
    return {**_with_training(stored), **_with_defaults(stored), "compare": compare}


def _with_defaults(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Sections of a stored recipe with the defaults of options that are new since."""
    found: dict[str, Any] = {}
    for name in stored.keys() & Recipe.model_fields.keys() - {"decoder", "training", "compare"}:
        annotation = Recipe.model_fields[name].annotation
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        kind = next((kind for kind in kinds if issubclass(kind, Options)), None)
        if kind is not None:
            with suppress(ValueError):  # it is left as it is, and the comparison finds the difference
                found[name] = kind.model_validate(stored[name]).model_dump(mode="json", exclude_none=True)
    return found


def _with_training(table: Any) -> Any:
    try:
        decoder = get_decoder(table["decoder"])
        training = TrainingConfig.model_validate(table["training"])
        options = {**decoder.model_dump(mode="json", exclude_none=True), **table["decoder"]}
        return {**table, "decoder": options, "training": training.resolved(decoder).written(decoder)}
    except (KeyError, TypeError, ValueError):  # it is left as it is, and the comparison finds the difference
        return table


def _moved(old: Any, new: Any) -> Any:
    """Replace the path of a file that no longer exists by its new path."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _moved(value, new.get(key)) for key, value in old.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_moved(a, b) for a, b in zip(old, new, strict=True)]
    if not (isinstance(old, str) and isinstance(new, str)):
        return old
    here, there = Path(old), Path(new)
    if not (here.is_absolute() and there.is_absolute()) or here.name != there.name:
        return old  # not a path, or a path inside the run folder, or another file
    return old if here.exists() or glob(old) else new


def _differences(old: Any, new: Any, place: str = "") -> list[str]:
    """List differences, such as ``decoder.C was 0.1, is 1``."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [f"{place} {_change(old, new)}"] if old != new else []
    found = []
    for key in [*old, *(k for k in new if k not in old)]:
        found += _differences(old.get(key, "unset"), new.get(key, "unset"), f"{place}.{key}".lstrip("."))
    return found


def _listed(changes: Sequence[str]) -> str:
    """Join the first changes for a message, with the number of others."""
    more = [f"and {len(changes) - _NAMED} more"] if len(changes) > _NAMED else []
    return ", ".join([*changes[:_NAMED], *more])


def _change(old: Any, new: Any) -> str:
    """Describe the old and the new value; of a list, the first entry that differs."""
    if not (isinstance(old, list) and isinstance(new, list)):
        return f"was {_short(old)}, is {_short(new)}"
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    was, now = (_short(values[at]) if at < len(values) else "none" for values in (old, new))
    lengths = f" ({len(old)} entries before, {len(new)} now)" if len(old) != len(new) else ""
    return f"was {was}, is {now} at entry {at + 1}{lengths}"


def _short(value: Any) -> str:
    return shortened(printable(value), 60)
