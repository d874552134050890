"""Match onset files to images by subject, session, task and run tokens in their paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.bids.names import entities, run_of
from napari_fmri_decoder.samples.names import plain_label
from napari_fmri_decoder.text import nfc

_TOKEN = re.compile(
    r"(?<![a-z])(sub|ses|task|run)(?:ject|sion)?[-_ ]?([0-9]+|(?<=-)[a-z0-9]+)(?![a-z0-9])", re.I
)
"""sub-01, ses-pre, task001, run2, run_02, run-2."""


def find_tokens(path: Path) -> dict[str, str]:
    """Find subject, session, task and run in a path; the file name takes precedence over its folders.

    Examples
    --------
    >>> find_tokens(Path("sub001/BOLD/task001_run002/bold.nii.gz"))
    {'task': '1', 'run': '2', 'sub': '1'}
    >>> find_tokens(Path("onsets/face_run-02.txt"))
    {'run': '2'}
    """
    found: dict[str, str] = {}
    for part in reversed(path.parts[-6:]):
        for kind, label in _TOKEN.findall(nfc(part)):
            found.setdefault(kind.lower(), plain_label(label))
    return found


def bare_name(path: Path) -> str:
    """Return a file's name without its extension and without the tokens of its run.

    Examples
    --------
    >>> [bare_name(Path(p)) for p in ("run-1_face.txt", "big house_run02.txt", "sub-1_task-x_run-1_face.txt")]
    ['face', 'big house', 'face']
    """
    name = _TOKEN.sub("", nfc(path.stem))
    name = re.sub(r"(?<![a-zA-Z])(?:task|desc)-[a-zA-Z0-9]+", "", name)
    return "_".join(part for piece in name.split("_") if (part := piece.strip(" -.")))


def image_keys(images: Sequence[Path]) -> list[tuple[str, str, str]]:
    """Name the runs of images as (subject, session, run): by BIDS names, path tokens or number.

    Examples
    --------
    >>> image_keys([Path("run001/bold.nii"), Path("run002/bold.nii")])
    [('', '', '1'), ('', '', '2')]
    """
    if all("sub" in entities(image) for image in images):
        keys = [run_of(image) for image in images]
    else:
        found = [find_tokens(image) for image in images]
        keys = [(one.get("sub", ""), one.get("ses", ""), one.get("run", "")) for one in found]
    plain = [tuple(map(plain_label, key)) for key in keys]
    if len(set(plain)) == len(plain) and all(key[2] for key in keys):
        return keys
    return [("", "", str(i)) for i in range(1, len(images) + 1)]


def group_by_image(files: Sequence[Path], images: Sequence[Path], what: str) -> list[list[Path]]:
    """Assign files to the image of their run.

    Parameters
    ----------
    files : sequence of Path
    images : sequence of Path
    what : str
        Name of the files in messages.

    Returns
    -------
    list of list of Path
        One list per image, in the order of the files.

    Raises
    ------
    InputError
        If there are several images and a file's path does not identify one of them.
    """
    if len(images) == 1:
        return [list(files)]
    image_tokens = [find_tokens(image) for image in images]
    grouped: list[list[Path]] = [[] for _ in images]
    for file in files:
        tokens = find_tokens(file)
        matches = [i for i, image in enumerate(image_tokens) if tokens.get("run") and _agree(tokens, image)]
        if len(matches) != 1:
            listed = " ".join(f"{kind} {label}" for kind, label in tokens.items()) or "no run"
            raise InputError(
                f"Each of the {what} must match one image by a run in its path, such as run-1 or run002; "
                f"{file.name} ({listed}) matches {len(matches)} of {len(images)} images. Rename files or "
                "folders."
            )
        grouped[matches[0]].append(file)
    return grouped


def _agree(file: dict[str, str], image: dict[str, str]) -> bool:
    return image.get("run") == file["run"] and all(image.get(k, label) == label for k, label in file.items())
