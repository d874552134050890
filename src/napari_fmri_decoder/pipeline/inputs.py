"""Record of a run's input files in its folder: their paths and SHA-256 hashes.

A project that was copied is read at its new location; files that have changed since the run are reported.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import existing, parse_json, read_text
from napari_fmri_decoder.paths import paths_of, with_paths
from napari_fmri_decoder.recipe import input_files, rebased
from napari_fmri_decoder.samples.path_patterns import matching
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.training.bundle.bundle import file_hash, load_bundle
from napari_fmri_decoder.training.tasks.store import write_text
from napari_fmri_decoder.volumes.files import is_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.training.bundle.bundle import Bundle
    from napari_fmri_decoder.volumes.volume import Volume

RECORD = "inputs.json"
"""Name of the record in a run folder."""
MODEL = "model.safetensors"


def write_record(folder: Path, recipe: Recipe, hashes: Mapping[str, str]) -> None:
    """Write the record of a run's input files.

    Parameters
    ----------
    folder : Path
        The run folder; the paths of `recipe` are relative to it.
    recipe : Recipe
    hashes : mapping of str to str
        SHA-256 of each file by its path; see `pipeline.folder.hashes_of_inputs`.
    """
    places = zip(paths_of(recipe), paths_of(rebased(recipe, folder, None)), strict=True)
    content = {
        "paths": {given: absolute for (_, given), (_, absolute) in places},
        "sha256": {_key(path, folder): value for path, value in hashes.items()},
    }
    write_text(folder / RECORD, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def found_again(recipe: Recipe, base: Path) -> tuple[Recipe, list[str]]:
    """Find files of a run folder's recipe at their original paths, if only the run folder was moved.

    Parameters
    ----------
    recipe : Recipe
    base : Path
        Folder that the recipe's paths are relative to; the recipe is unchanged unless this is a run folder.

    Returns
    -------
    recipe : Recipe
    notes : list of str
    """
    places = _record(base).get("paths", {})
    notes: list[str] = []

    def found(path: str) -> str:
        before = places.get(path)
        if before is None or before == path or matching(path, base) or not matching(before, base):
            return path
        notes.append(
            f"{printable(path)} is missing at its path in the recipe of {printable(base)}; it is read from "
            f"its original path: {printable(before)}."
        )
        return before

    return (with_paths(recipe, found) if places else recipe), list(dict.fromkeys(notes))


def changed_inputs(recipe: Recipe, base: Path) -> list[str]:
    """Compare input files with the hashes in a run folder.

    Parameters
    ----------
    recipe : Recipe
        With images; a dataset (`data.bids`) must be resolved first.
    base : Path
        Folder that the recipe's paths are relative to; nothing is compared unless it is a run folder.

    Returns
    -------
    list of str
        A note on files that have changed.
    """
    known = _hashes(base)
    if not known:
        return []
    changed = [
        path.name for path in input_files(recipe, base) if known.get(_key(path, base), "") not in _of(path)
    ]
    return _changed_note(changed, f"for the run in {printable(base)}")


def recorded_images(folder: Path, recipe: Recipe) -> list[str]:
    """List the hashes of the images of a run that its folder records, sorted; empty if there are none.

    Parameters
    ----------
    folder : Path
        The run folder.
    recipe : Recipe
        Its recipe, with absolute paths; masks and tables that it names are not counted.
    """
    data = recipe.data.model_copy(update={"images": ()})
    others = {nfc(Path(path).name) for _, path in paths_of(recipe.model_copy(update={"data": data}))}
    known = {Path(path): value for path, value in _hashes(folder).items()}
    return sorted(v for path, v in known.items() if is_image(path) and path.name not in others)


def changed_scan(bundle: Bundle, series: Volume, home: Path | None = None) -> list[str]:
    """Report files of a scan that a model was trained on and that have changed since.

    Parameters
    ----------
    bundle : Bundle
    series : Volume
    home : Path, optional
        Folder of the model, from which its run folder is found.
    """
    known = {str(Path(path)): value for path, value in bundle.hashes.items()}
    for folder in [home, home.parent] if home is not None else []:
        own = _hashes(folder, model=False)
        known |= {os.path.abspath(folder.resolve() / path): value for path, value in own.items()}
    parts = [Path(part.path).absolute() for part in series.parts]
    changed = [path.name for path in parts if known.get(str(path), "") not in _of(path)]
    return _changed_note(changed, "to train the model")


def trained_scan(bundle: Bundle, series: Volume) -> list[str]:
    """Report files of a scan that the run of a model used, whatever their names and folders.

    Parameters
    ----------
    bundle : Bundle
    series : Volume

    Returns
    -------
    list of str
        A note that the predictions are not a test.
    """
    known = set(bundle.hashes.values())
    parts = list(dict.fromkeys(Path(part.path) for part in series.parts))
    used = [printable(path.name) for path in parts if path.is_file() and known and file_hash(path) in known]
    if not used:
        return []
    more = f" and {len(used) - 5} more" if len(used) > 5 else ""
    return [
        f"The model was trained on this scan ({', '.join(used[:5])}{more}, by SHA-256): what it predicts "
        "here is no test of it. Its score on held-out runs is in the report of its run."
    ]


def _of(path: Path) -> tuple[str, str]:
    """Hashes for which a file counts as unchanged: its own, or none recorded."""
    return "", file_hash(path)


def _changed_note(changed: Iterable[str], purpose: str) -> list[str]:
    names = [printable(name) for name in dict.fromkeys(changed)]
    if not names:
        return []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    verb = "differs from the file" if len(names) == 1 else "differ from the files"
    return [f"{', '.join(names[:5])}{more} {verb} that was used {purpose} (SHA-256); the scores will differ."]


def _key(path: str | Path, folder: Path) -> str:
    """Path of a file relative to a run folder."""
    start = folder.resolve()
    absolute = os.path.abspath(start / existing(Path(path)))
    try:
        return nfc(Path(os.path.relpath(absolute, start)).as_posix())
    except ValueError:  # on another drive
        return nfc(Path(absolute).as_posix())


def _hashes(folder: Path, *, model: bool = True) -> dict[str, str]:
    """Read the hashes in a run folder, by the paths of the files relative to it."""
    record: dict[str, str] = _record(folder).get("sha256", {})
    if record or not model or not (folder / MODEL).is_file():
        return record
    try:
        return {_key(path, folder): value for path, value in load_bundle(folder / MODEL).hashes.items()}
    except InputError:
        return {}


def _record(folder: Path) -> dict[str, dict[str, str]]:
    """Read the record; empty if it is missing or invalid."""
    if not (folder / RECORD).is_file():
        return {}
    try:
        content = parse_json(read_text(folder / RECORD, "record of the run's files"), RECORD)
    except InputError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        name: {k: v for k, v in part.items() if isinstance(v, str)}
        for name, part in content.items()
        if isinstance(part, dict)
    }
