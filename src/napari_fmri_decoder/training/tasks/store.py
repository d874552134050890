"""The files of a run in progress: the samples for other processes, and the result of each completed task.

Every file is written under a temporary name and then renamed (`atomic_files`), so that neither a killed
process nor a power failure leaves a truncated one. Each task has a digest, so that one that was damaged later
is detected and repeated.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.atomic_files import PARTIAL, replacing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_json
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Arrays = dict[str, NDArray[Any]]
Prepared = tuple[Samples, tuple[Split, ...]]

_SUFFIX = ".task"
_SAMPLES = ("samples.npy", f"samples{_SUFFIX}")
_DIGEST = hashlib.sha256().digest_size
_STALE_S = 3600.0
"""Age in seconds from which a partial file is stale."""


class TaskStore:
    """The folder `tasks` of a run folder.

    Parameters
    ----------
    folder : Path
        Created when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """File of a task."""
        return self.folder / f"{name}{_SUFFIX}"

    def write(self, name: str, arrays: Mapping[str, NDArray[Any]], *, private: bool = False) -> None:
        """Write the arrays of a task under its name; see `write_samples` for `private`."""
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        body = content.getvalue()
        _replace(self.path(name), hashlib.sha256(body).digest() + body, private=private)

    def read(self, name: str) -> Arrays | None:
        """Read the arrays of a completed task; None if there is none, or its file is damaged."""
        path = self.path(name)
        if not path.is_file():  # also refuses a pipe of that name
            return None
        content = path.read_bytes()
        body = content[_DIGEST:]
        if hashlib.sha256(body).digest() != content[:_DIGEST]:
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}

    def drop(self, name: str) -> None:
        """Delete the task of a name, if there is one."""
        with suppress(OSError):
            self.path(name).unlink()

    def remove_stale_partials(self) -> None:
        """Delete partial files of processes that were killed.

        Newer ones stay: another process of this run, perhaps on another machine, may be writing them.
        """
        for path in self.folder.glob(f".*{PARTIAL}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_S:
                    path.unlink()

    def names(self, start: str) -> Iterator[str]:
        """Names of the tasks that start with `start`, sorted."""
        for path in sorted(self.folder.glob(f"{start}*{_SUFFIX}")):
            yield path.name.removesuffix(_SUFFIX)

    def write_samples(self, samples: Samples, splits: Sequence[Split], *, private: bool = False) -> None:
        """Write the samples that all tasks read: once per run, on a disk that all workers can access.

        Parameters
        ----------
        samples : Samples
        splits : sequence of Split
        private : bool
            Whether other users of the machine must not read them, whatever the umask: the images may not be
            readable for them either. Workers of a scheduler may belong to another user.
        """
        columns: Arrays = {
            f"column.{name}": np.asarray(column, dtype=None if column.dtype.kind in "iuf" else np.str_)
            for name, column in samples.table.items()
        }
        parts: Arrays = {}
        for i, split in enumerate(splits):
            parts |= {f"train.{i}": split.train, f"test.{i}": split.test}
        space = samples.space
        described = {
            "classes": samples.classes,
            "shape": space.grid.shape,
            "axis": space.axis,
            "splits": [split.name for split in splits],
            "columns": list(map(str, samples.table.columns)),
        }
        patterns = io.BytesIO()
        np.save(patterns, samples.X)
        # not durable: written at each start of workers, and as large as the data
        _replace(self.folder / _SAMPLES[0], patterns.getbuffer(), durable=False, private=private)
        self.write(
            "samples",
            columns
            | parts
            | {
                "mask": space.mask,
                "affine": space.grid.affine,
                "described": np.array(json.dumps(described)),
            },
            private=private,
        )

    def drop_samples(self) -> None:
        """Delete the samples, which only the tasks needed; results stay."""
        for name in _SAMPLES:
            with suppress(OSError):
                (self.folder / name).unlink()


def read_samples(folder: Path) -> Prepared:
    """Read the samples of `TaskStore.write_samples`; patterns stay on disk until they are used.

    A process caches those of one run, so that its memory is limited to one subject.

    Parameters
    ----------
    folder : Path
        Of the store.

    Raises
    ------
    InputError
        If they do not exist, for example because a worker cannot access the disk of the run folder.
    """
    try:
        written = tuple((folder / name).stat().st_mtime_ns for name in _SAMPLES)
    except OSError:
        written = ()
    prepared = _read_samples(folder, written) if written else None
    if prepared is None:
        raise InputError(
            f"Each worker must have access to the run folder, but a worker found no samples in {folder}. "
            "Put the run on a disk that all machines share under the same path."
        )
    return prepared


@lru_cache(maxsize=1)
def _read_samples(folder: Path, written: tuple[int, ...]) -> Prepared | None:
    """Read them; `written` are their times, because a worker may outlive the run of a folder."""
    arrays = TaskStore(folder).read("samples")
    if arrays is None:
        return None
    about = parse_json(str(arrays["described"]), "The description of the stored samples")
    table = pd.DataFrame({name: arrays[f"column.{name}"] for name in about["columns"]})
    x, y, z = about["shape"]
    space = Space(Grid((x, y, z), arrays["affine"]), arrays["mask"], about["axis"])
    # asarray: still reads from disk, but arrays cut from it are not of class memmap
    X = np.asarray(np.load(folder / _SAMPLES[0], mmap_mode="r"))
    splits = tuple(
        Split(name, arrays[f"train.{i}"], arrays[f"test.{i}"]) for i, name in enumerate(about["splits"])
    )
    return Samples(X, table, tuple(about["classes"]), space), splits


def digest_of(samples: Samples, splits: Sequence[Split]) -> str:
    """SHA-256 of everything that a fit is trained on: patterns, labels, runs, positions and folds."""
    digest = hashlib.sha256(repr((samples.classes, samples.space.grid.shape, samples.space.axis)).encode())
    arrays: list[NDArray[Any]] = [samples.X, samples.space.mask, samples.space.grid.affine]
    for split in splits:
        digest.update(split.name.encode())
        arrays += [split.train, split.test]
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    for name, column in samples.table.items():
        digest.update(f"{name} {column.astype(str).tolist()}".encode())
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file, completely or not at all, so that it survives a power failure."""
    _replace(path, text.encode())


def _replace(path: Path, content: bytes | memoryview, *, durable: bool = True, private: bool = False) -> None:
    try:
        with replacing(path, durable=durable) as partial:
            if private:
                partial.touch(0o600)
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"The run folder must be writable, but {path} cannot be written: {error.strerror or error}. Free "
            "disk space, or choose another folder."
        ) from error
