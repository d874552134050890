"""Labels from a dataset of the former OpenFMRI: condition keys, and onsets of each condition of each run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import read_text
from napari_fmri_decoder.samples.labels.fsl import _say_weighted, three_columns
from napari_fmri_decoder.samples.labels.of_files import by_image, tokens
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.patterns import expand
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.nifti import natural_key

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Part


class OpenfmriLabels(OnsetLabels):
    """condition_key.txt names the conditions; condNNN.txt of each run holds their onsets."""

    summary: ClassVar[str] = "OpenFMRI: condition_key.txt and the onsets of each run"

    source: Literal["openfmri"] = "openfmri"
    condition_key: str = Field(
        description="Path of condition_key.txt, relative to the recipe: task001 cond001 house on each line.",
        json_schema_extra={"mode": "file"},
    )
    onsets: tuple[str, ...] = Field(
        (),
        description="Paths or patterns (*) of the files of onsets (cond001.txt), relative to the recipe. "
        "Empty takes those of each image: sub001/model/model001/onsets/task001_run001/ for "
        "sub001/BOLD/task001_run001/bold.nii.gz.",
        json_schema_extra={"mode": "files"},
    )

    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the key, and the onsets of every run."""
        key_file = base / self.condition_key
        names = read_key(key_file)
        images = [Path(part.path) for part in parts]
        if self.onsets:
            every = [path for given in self.onsets for path in expand(given, base, "onsets")]
            files = by_image(every, images, "files of onsets")
        else:
            files = [_beside(image, key_file.parent.name) for image in images]
        runs, weighted = [], 0
        for part, image, own in zip(parts, images, files, strict=True):
            events, found = [], tokens(image)
            for file in own:
                said = tokens(file)
                task = said.get("task", found.get("task", "1"))
                more, several = three_columns(file, _name(names, task, file, key_file))
                events += more
                weighted += several
            key = (found.get("sub", ""), "", _run_name(found, parts))
            runs.append(EventRun(part, own[0] if own else image, key, tuple(events)))
        return runs, _say_weighted(weighted)


def read_key(path: Path) -> dict[tuple[str, str], str]:
    """Read a condition key.

    Returns
    -------
    dict of (str, str) to str
        Name of each (task, condition), both without leading zeros.
    """
    names = {}
    for i, line in enumerate(nfc(read_text(path, "condition key")).splitlines(), 1):
        if not line.strip():
            continue
        found = re.fullmatch(r"\s*(?:task0*(\d+)\s+)?cond0*(\d+)\s+(\S.*?)\s*", line)
        if found is None:
            raise InputError(
                f'Each line of a condition key must read like "task001 cond001 house"; line {i} of '
                f"{path.name} is "
                f"{line.strip()[:60]!r}. Correct it."
            )
        names[found[1] or "", found[2]] = found[3]
    return names


def _name(names: dict[tuple[str, str], str], task: str, file: Path, key: Path) -> str:
    condition = re.search(r"cond0*(\d+)", file.name)
    number = condition[1] if condition else ""
    name = names.get((task, number), names.get(("", number)))
    if name is None:
        raise InputError(
            f"Each file of onsets must be that of a condition in the key; {key.name} names no {file.stem} of "
            f"task {task}. Add it, or leave the file out."
        )
    return name


def _beside(image: Path, model: str) -> list[Path]:
    """Find the files of onsets of an image by OpenFMRI's folders."""
    of_run, subject = image.parent.name, image.parent.parent.parent
    folder = subject / "model" / model / "onsets" / of_run
    found = sorted(folder.glob("cond*.txt"), key=natural_key) if folder.is_dir() else []
    if not found:
        raise InputError(
            f"Each image must have its onsets; found no cond*.txt in {folder} for {image}. Name the files in "
            "onsets."
        )
    return found


def _run_name(found: dict[str, str], parts: Sequence[Part]) -> str:
    """Name a run; with its task where the images are of several."""
    tasks = {tokens(Path(part.path)).get("task") for part in parts}
    run = found.get("run", "1")
    return f"task{found.get('task', '1')}_run{run}" if len(tasks) > 1 else run
