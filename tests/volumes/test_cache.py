"""Uncompressed copies: when they are useful, that their content is equal, and errors."""

from __future__ import annotations

import os
from collections import namedtuple
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes import cache
from napari_fmri_decoder.volumes.cache import (
    kept_copy,
    on_copies,
    slow_files,
    slow_to_seek,
    uncompressed_copy,
)
from napari_fmri_decoder.volumes.read import read, read_series


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A gzip file that counts as large here."""
    monkeypatch.setattr(cache, "SLOW_BYTES", 20_000)
    values = np.random.default_rng(0).integers(0, 99, (12, 13, 14, 9)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "bold1.nii.gz")
    return tmp_path / "bold1.nii.gz"


def test_only_large_gzip_files_get_a_note(path, tmp_path, monkeypatch):
    note = slow_to_seek(path)
    assert note is not None
    assert "means decompressing 34.5 KiB first" in note
    image = nib.load(path)
    nib.save(image, tmp_path / "bold1.nii")
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj[..., 0]), np.eye(4)), tmp_path / "one.nii.gz")
    assert slow_to_seek(tmp_path / "bold1.nii") is None
    assert slow_to_seek(tmp_path / "one.nii.gz") is None
    monkeypatch.undo()
    assert slow_to_seek(path) is None  # 40 kB


def test_copy_is_reused_and_replaced_when_the_file_changes(path, tmp_path):
    folder, seen = tmp_path / "cache", []
    assert kept_copy(path, folder) is None
    copy = uncompressed_copy(path, folder, lambda done, total: seen.append((done, total)))
    assert copy.name == "bold1.nii"
    np.testing.assert_array_equal(nib.load(copy).dataobj, nib.load(path).dataobj)
    stamp = copy.stat().st_mtime_ns
    assert uncompressed_copy(path, folder) == copy == kept_copy(path, folder)
    assert copy.stat().st_mtime_ns == stamp
    os.utime(path, (1, 1))
    assert kept_copy(path, folder) is None
    again = uncompressed_copy(path, folder)
    assert again != copy
    assert not copy.exists()  # of an earlier state of the file, so it is no longer needed


def test_series_reads_from_copies_and_still_names_its_files(path, tmp_path):
    other = tmp_path / "bold2.nii.gz"
    other.write_bytes(path.read_bytes())
    runs = read_series([path, other])
    assert slow_files(runs) == (str(path), str(other))
    assert on_copies(runs, tmp_path / "cache") is runs
    for run in (path, other):
        uncompressed_copy(run, tmp_path / "cache")
    copied = on_copies(runs, tmp_path / "cache")
    assert copied.parts == runs.parts
    assert slow_files(copied) == ()
    np.testing.assert_array_equal(copied.data[..., 4:13], runs.data[..., 4:13])
    assert replace(copied, data=runs.data).names == runs.names


def test_other_formats_are_copied_with_their_header(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 6, 7, 3)).astype(np.float32)
    nib.save(nib.MGHImage(values, np.eye(4)), tmp_path / "a.mgz")
    nib.save(nib.Nifti1Pair(values, np.eye(4)), tmp_path / "b.img.gz")
    for name, kept in (("a.mgz", "a.mgh"), ("b.img.gz", "b.img")):
        copy = uncompressed_copy(tmp_path / name, tmp_path / "cache")
        assert copy.name == kept
        np.testing.assert_array_equal(read(copy).data[...], values)


def test_stop_full_disk_and_unwritable_folder_leave_no_files(path, tmp_path, monkeypatch):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "cache"
    big = np.random.default_rng(0).integers(0, 99, (64, 64, 36, 20)).astype(np.int16)
    nib.save(nib.Nifti1Image(big, np.eye(4)), tmp_path / "big.nii.gz")
    with pytest.raises(KeyboardInterrupt):
        uncompressed_copy(tmp_path / "big.nii.gz", folder, stop)
    assert list(folder.iterdir()) == []
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda p: usage(0, 0, 1000))
    with pytest.raises(InputError, match=r"needs .* MiB on the disk .* found 1000 bytes"):
        uncompressed_copy(path, folder)
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cache folder"):
        uncompressed_copy(path, tmp_path / "file" / "cache")
    nib.save(nib.load(path), tmp_path / "plain.nii")
    with pytest.raises(InputError, match="Only a gzip"):
        uncompressed_copy(tmp_path / "plain.nii", folder)


def test_cache_folder_follows_xdg_cache_home(monkeypatch, tmp_path):
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "napari-fmri-decoder" / "uncompressed"
