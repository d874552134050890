"""Names of the files in a run folder, and whether a folder is one; with few imports."""

from __future__ import annotations

from pathlib import Path

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable

RECIPE, SCORES = "recipe.toml", "scores.json"
PREDICTIONS, HISTORY = "predictions.tsv", "history.tsv"
REPORT = "report.html"
VOLUMES = "volume_labels.tsv"
"""Label and run of each volume of the images, also of those that are excluded."""
LAYERS, FOLDS = "layers", "folds"


def is_run_folder(folder: Path) -> bool:
    """Whether a folder contains a finished run; only the names of its files are read."""
    return (folder / RECIPE).is_file() and (folder / SCORES).is_file()


def check_run_folder(folder: str | Path) -> Path:
    """Return the absolute path of a folder with a finished run.

    Raises
    ------
    InputError
        If it does not exist, or contains no finished run.
    """
    folder = Path(folder).expanduser().absolute()
    if is_run_folder(folder):
        return folder
    absent = [name for name in (RECIPE, SCORES) if not (folder / name).is_file()]
    found = f"it has no {' and no '.join(absent)}" if folder.is_dir() else "there is no such folder"
    raise InputError(
        f"A run folder must contain a finished run, but {printable(folder)} does not: {found}. Choose a "
        "folder that a run has written."
    )
