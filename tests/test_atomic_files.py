"""A file is flushed to disk before it replaces another, which remains until then."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from napari_fmri_decoder.atomic_files import flush_to_disk, make_folder, replacing

POSIX = pytest.mark.skipif(os.name != "posix", reason="only POSIX can flush folders to disk")


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Flushes and renames in order: the action, the inode and the size of the file."""
    acts: list[tuple[str, int, int]] = []
    sync, move = os.fsync, os.replace

    def fsync(place: int) -> None:
        sync(place)
        acts.append(("sync", os.fstat(place).st_ino, os.fstat(place).st_size))

    def replace(old: Path, new: Path) -> None:
        acts.append(("move", old.stat().st_ino, old.stat().st_size))
        move(old, new)

    monkeypatch.setattr("os.fsync", fsync)
    monkeypatch.setattr("os.replace", replace)
    return acts


@POSIX
def test_content_is_flushed_before_the_name(tmp_path: Path, order: list[tuple[str, int, int]]) -> None:
    path = tmp_path / "scores.json"
    with replacing(path) as partial:
        assert partial.parent == path.parent, "a rename between file systems would be a copy"
        partial.write_bytes(b"x" * 5000)
        assert not path.exists()
    number = path.stat().st_ino
    assert order[:2] == [("sync", number, 5000), ("move", number, 5000)]
    assert [(act, place) for act, place, _ in order[2:]] == [("sync", tmp_path.stat().st_ino)]
    assert path.read_bytes() == b"x" * 5000
    order.clear()
    with replacing(path, durable=False) as partial:
        partial.write_bytes(b"y")
    assert [act for act, *_ in order] == ["move"]


@POSIX
def test_new_folders_and_several_files_are_flushed_to_disk(
    tmp_path: Path, order: list[tuple[str, int, int]]
) -> None:
    make_folder(tmp_path / "a" / "b")
    assert {place for _, place, _ in order} == {(tmp_path / "a").stat().st_ino, tmp_path.stat().st_ino}
    order.clear()
    make_folder(tmp_path / "a" / "b")
    assert order == []
    files = [tmp_path / "a" / "one", tmp_path / "a" / "two"]
    for path in files:
        path.write_bytes(b"1")
    flush_to_disk(files)
    assert [place for _, place, _ in order] == [p.stat().st_ino for p in (*files, tmp_path / "a")]


@pytest.mark.parametrize("where", ["write", "os.fsync", "os.replace"])
def test_failure_leaves_only_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where != "write":
        monkeypatch.setattr(where, full)

    def write() -> None:
        with replacing(path) as partial:
            partial.write_bytes(b"new")
            if where == "write":
                full()

    with pytest.raises(OSError, match="No space left"):
        write()
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert path.read_bytes() == b"old"


def test_file_system_that_cannot_flush_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("os.fsync", unknown)
    with replacing(tmp_path / "new" / "file") as partial:
        partial.write_bytes(b"new")
    assert (tmp_path / "new" / "file").read_bytes() == b"new"
