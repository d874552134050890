"""Showing one volume does not read the whole series; a truncated file is an error and not a crash."""

from __future__ import annotations

import gzip
import mmap

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.read import read


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 999, (16, 16, 12, 40)).astype(np.int16)


def test_only_the_selected_voxels_of_an_uncompressed_file_are_read(tmp_path, values, monkeypatch):
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    mapped: list[int] = []
    own = mmap.mmap
    monkeypatch.setattr(mmap, "mmap", lambda *a, **k: mapped.append(a[1]) or own(*a, **k))
    series = read(tmp_path / "a.nii")
    np.testing.assert_array_equal(series.at(39), values[..., 39])
    np.testing.assert_array_equal(series.data[3, 4, 5], values[3, 4, 5])
    assert len(mapped) == 3
    assert min(mapped) >= values.nbytes  # the whole file is mapped, and nothing is read yet
    assert type(series.data[..., 0]) is np.ndarray  # a copy, which outlives the mapping


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_scaled_voxels_of_a_mapped_file_equal_those_of_nibabel(tmp_path, values, dtype):
    image = nib.Nifti1Image(values * 1.7, np.eye(4))
    image.set_data_dtype(dtype)
    nib.save(image, tmp_path / "a.nii")
    expected = np.asarray(nib.load(tmp_path / "a.nii").dataobj[..., 7], dtype=np.float32)
    np.testing.assert_allclose(read(tmp_path / "a.nii").at(7), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_that_is_truncated_while_open_is_an_error(tmp_path, name):
    path = tmp_path / name
    # more than the 4 MB that indexed_gzip reads ahead
    values = np.random.default_rng(0).integers(0, 2**15, (48, 48, 24, 100)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    series = read(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)
    with pytest.raises(InputError, match="must"):
        series.at(99)


def test_a_damaged_gzip_file_is_detected_by_its_checksum(tmp_path, values):
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(values[..., 0], np.eye(4)), path)
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 1  # in the checksum: the voxels are intact
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match="check"):
        read(path)


@pytest.mark.parametrize("name", ["a.nii.gz", "b.nii"])
def test_a_header_that_claims_too_many_voxels_is_an_error_before_reading(tmp_path, name):
    raw = bytearray(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).to_bytes())
    raw[40:56] = np.array([3, 32767, 32767, 32767, 1, 1, 1, 1], "<i2").tobytes()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    with pytest.raises(InputError, match=f"must hold {32767**3 + 352} bytes"):
        read(tmp_path / name)
