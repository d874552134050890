"""Labels from a dataset in the old OpenFMRI layout: a condition key, and onsets per condition and run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import read_text
from napari_fmri_decoder.samples.labels.fsl import three_columns, weight_notes
from napari_fmri_decoder.samples.labels.onsets import EventRun, OnsetLabels
from napari_fmri_decoder.samples.labels.run_tokens import find_tokens, group_by_image
from napari_fmri_decoder.samples.path_patterns import expand
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.files import natural_key

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Part


class OpenfmriLabels(OnsetLabels):
    """Condition names from condition_key.txt, and onsets from the condNNN.txt files of each run."""

    summary: ClassVar[str] = "OpenFMRI: condition_key.txt and the onsets of each run"

    source: Literal["openfmri"] = "openfmri"
    condition_key: str = Field(
        description="Path of condition_key.txt, relative to the recipe. Each line reads like "
        "task001 cond001 house.",
        json_schema_extra={"mode": "file"},
    )
    onsets: tuple[str, ...] = Field(
        (),
        description="Paths or patterns (*) of the onset files (cond001.txt), relative to the recipe. By "
        "default those of each image: sub001/model/model001/onsets/task001_run001/ for "
        "sub001/BOLD/task001_run001/bold.nii.gz.",
        json_schema_extra={"mode": "files"},
    )

    def read_events(self, parts: Sequence[Part], base: Path) -> tuple[list[EventRun], list[str]]:
        """Read the condition key and the onsets of each run."""
        key_file = base / self.condition_key
        names = read_condition_key(key_file)
        images = [Path(part.path) for part in parts]
        if self.onsets:
            every = [path for pattern in self.onsets for path in expand(pattern, base, "onsets")]
            files = group_by_image(every, images, "onset files")
        else:
            files = [_default_onset_files(image, key_file.parent.name) for image in images]
        runs, weighted = [], 0
        for part, image, own in zip(parts, images, files, strict=True):
            events, image_tokens = [], find_tokens(image)
            for file in own:
                file_tokens = find_tokens(file)
                task = file_tokens.get("task", image_tokens.get("task", "1"))
                more, several = three_columns(file, _condition_name(names, task, file, key_file))
                events += more
                weighted += several
            key = (image_tokens.get("sub", ""), "", _run_name(image_tokens, parts))
            runs.append(EventRun(part, own[0] if own else image, key, tuple(events)))
        return runs, weight_notes(weighted)


def read_condition_key(path: Path) -> dict[tuple[str, str], str]:
    """Read a condition key file.

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
                f"{path.name} is {line.strip()[:60]!r}. Correct it."
            )
        names[found[1] or "", found[2]] = found[3]
    return names


def _condition_name(names: dict[tuple[str, str], str], task: str, file: Path, key: Path) -> str:
    condition = re.search(r"cond0*(\d+)", file.name)
    number = condition[1] if condition else ""
    name = names.get((task, number), names.get(("", number)))
    if name is None:
        raise InputError(
            f"Each onset file must belong to a condition in the key; {key.name} has no {file.stem} of task "
            f"{task}. Add it, or leave the file out."
        )
    return name


def _default_onset_files(image: Path, model: str) -> list[Path]:
    """Find the onset files of an image in the OpenFMRI folder layout."""
    of_run, subject = image.parent.name, image.parent.parent.parent
    folder = subject / "model" / model / "onsets" / of_run
    found = sorted(folder.glob("cond*.txt"), key=natural_key) if folder.is_dir() else []
    if not found:
        raise InputError(
            f"Each image must have onset files; found no cond*.txt in {folder} for {image}. List the files "
            "in onsets."
        )
    return found


def _run_name(image_tokens: dict[str, str], parts: Sequence[Part]) -> str:
    """Name a run, including its task if the images are of several tasks."""
    tasks = {find_tokens(Path(part.path)).get("task") for part in parts}
    run = image_tokens.get("run", "1")
    return f"task{image_tokens.get('task', '1')}_run{run}" if len(tasks) > 1 else run
