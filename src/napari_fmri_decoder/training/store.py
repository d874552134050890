"""What a run keeps on disk on its way: the samples for other processes, and each task that is done.

Every file is written beside its place and then moved there (`durable`), so that neither a process that is
killed nor a power cut leaves one cut short; each task carries its digest, so that one that was damaged later
is found and done again.
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

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_json
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training.durable import PARTIAL, replacing
from napari_fmri_decoder.volumes.frames import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Arrays = dict[str, NDArray[Any]]
Prepared = tuple[Samples, tuple[Split, ...]]

_SUFFIX = ".task"
_SAMPLES = ("samples.npy", f"samples{_SUFFIX}")
_DIGEST = hashlib.sha256().digest_size
_LEFT_S = 3600.0
"""Age in seconds from which a half written file is one that was left."""


class TaskStore:
    """The folder `tasks` of a run folder.

    Parameters
    ----------
    folder : Path
        Made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where a task is kept."""
        return self.folder / f"{name}{_SUFFIX}"

    def write(self, name: str, arrays: Mapping[str, NDArray[Any]], *, private: bool = False) -> None:
        """Keep the arrays of a task under its name; see `write_samples` for `private`."""
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        body = content.getvalue()
        _replace(self.path(name), hashlib.sha256(body).digest() + body, private=private)

    def read(self, name: str) -> Arrays | None:
        """Give the arrays of a task that was done; None if it was not, or its file is damaged."""
        path = self.path(name)
        if not path.is_file():  # nor is anything read from a pipe in its place
            return None
        content = path.read_bytes()
        body = content[_DIGEST:]
        if hashlib.sha256(body).digest() != content[:_DIGEST]:
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}

    def drop(self, name: str) -> None:
        """Delete what is kept under a name, if anything is."""
        with suppress(OSError):
            self.path(name).unlink()

    def sweep(self) -> None:
        """Delete what a process that was killed had half written.

        Younger ones stay: another process of this run, perhaps of another machine, may be writing them.
        """
        for path in self.folder.glob(f".*{PARTIAL}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _LEFT_S:
                    path.unlink()

    def names(self, start: str) -> Iterator[str]:
        """Names of the tasks that begin with `start`, in order."""
        for path in sorted(self.folder.glob(f"{start}*{_SUFFIX}")):
            yield path.name.removesuffix(_SUFFIX)

    def write_samples(self, samples: Samples, splits: Sequence[Split], *, private: bool = False) -> None:
        """Write what all tasks read: once per run, on a disk that all workers see.

        Parameters
        ----------
        samples : Samples
        splits : sequence of Split
        private : bool
            Whether no other user of the machine may read them, whatever the umask: the images that they
            come from may be closed to others. Workers of a scheduler may be another user's.
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
        # not durable: made anew at each start of workers, and as large as the data
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
        """Delete what only the tasks needed; results stay."""
        for name in _SAMPLES:
            with suppress(OSError):
                (self.folder / name).unlink()


def read_samples(folder: Path) -> Prepared:
    """Read what `TaskStore.write_samples` wrote; patterns stay on disk until they are looked at.

    A process keeps those of one run, so that its memory is bounded by one subject.

    Parameters
    ----------
    folder : Path
        Of the store.

    Raises
    ------
    InputError
        If they are not there, as on a worker that does not see the disk of the run folder.
    """
    try:
        written = tuple((folder / name).stat().st_mtime_ns for name in _SAMPLES)
    except OSError:
        written = ()
    kept = _read_samples(folder, written) if written else None
    if kept is None:
        raise InputError(
            f"Each worker must see the run folder, but one finds no samples in {folder}. "
            "Put the run on a disk that all machines share under the same path."
        )
    return kept


@lru_cache(maxsize=1)
def _read_samples(folder: Path, written: tuple[int, ...]) -> Prepared | None:
    """Read them; `written` says when, as a worker may outlive the run of a folder."""
    kept = TaskStore(folder).read("samples")
    if kept is None:
        return None
    about = parse_json(str(kept["described"]), "The description of the kept samples")
    table = pd.DataFrame({name: kept[f"column.{name}"] for name in about["columns"]})
    x, y, z = about["shape"]
    space = Space(Grid((x, y, z), kept["affine"]), kept["mask"], about["axis"])
    # asarray: a view that still reads from disk, without the class of memmap spreading to what is cut from it
    X = np.asarray(np.load(folder / _SAMPLES[0], mmap_mode="r"))
    splits = tuple(
        Split(name, kept[f"train.{i}"], kept[f"test.{i}"]) for i, name in enumerate(about["splits"])
    )
    return Samples(X, table, tuple(about["classes"]), space), splits


def digest_of(samples: Samples, splits: Sequence[Split]) -> str:
    """SHA-256 of all that decides what a fit learns from: patterns, labels, runs, place and folds."""
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
    """Write a text file, whole or not at all, and such that it outlives a power cut."""
    _replace(path, text.encode())


def _replace(path: Path, content: bytes | memoryview, *, durable: bool = True, private: bool = False) -> None:
    try:
        with replacing(path, durable=durable) as partial:
            if private:
                partial.touch(0o600)
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"The run folder must take what is done, but {path} cannot be written: "
            f"{error.strerror or error}. Make room, or choose another folder."
        ) from error
