"""Reading and writing compared with nibabel, and invalid files."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.openers import ImageOpener
from nilearn.datasets import load_sample_motor_activation_image

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.files import natural_key
from napari_fmri_decoder.volumes.kinds import kind_of
from napari_fmri_decoder.volumes.nifti import write, write_steps
from napari_fmri_decoder.volumes.read import read, read_series
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.array([[-3.0, 0, 0, 60], [0, 3, 0, -70], [0, 0, 4, -30], [0, 0, 0, 1]])


def _save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE, **header: object) -> Path:
    image = nib.Nifti1Image(data, affine)
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_haxby_series_and_its_runs_are_the_same_voxels(haxby):
    whole = read(haxby / "bold.nii.gz")
    runs = read_series((haxby / "sub-1" / "func").glob("*_bold.nii.gz"))
    assert (whole.kind, whole.step, whole.shape) == ("bold", 2.5, (40, 20, 1, 1452))
    assert [part.n_volumes for part in runs.parts] == [121] * 12
    np.testing.assert_array_equal(runs.data[..., 100:400:50], whole.data[..., 100:400:50])
    np.testing.assert_array_equal(runs.at(600), nib.load(haxby / "bold.nii.gz").dataobj[..., 600])
    assert read(haxby / "mask.nii.gz").kind == "mask"


def test_motor_map_is_a_statistical_map_with_nibabels_affine():
    path = load_sample_motor_activation_image()
    volume = read(path)
    assert volume.kind == "stat"
    np.testing.assert_array_equal(volume.affine, nib.load(path).affine)


def test_folder_of_maps_is_stacked_in_natural_order(tmp_path):
    for i in (10, 2, 1):
        _save(tmp_path / f"map_{i}_zmap.nii.gz", np.full((3, 4, 5), i, np.float32))
    stack = read(tmp_path)
    assert stack.names == ("map_1_zmap", "map_2_zmap", "map_10_zmap")
    assert (stack.kind, stack.step, stack.shape) == ("stat", None, (3, 4, 5, 3))
    assert [float(v.mean()) for v in stack] == [1, 2, 10]


def test_maps_on_different_grids_are_not_stacked(tmp_path):
    _save(tmp_path / "a.nii", _noise(3, 4, 5))
    _save(tmp_path / "b.nii", _noise(3, 4, 6))
    with pytest.raises(InputError, match=r"same grid, but b\.nii has shape \(3, 4, 6\)"):
        read(tmp_path)


def test_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="found none"):
        read(tmp_path)


def test_series_is_read_volume_by_volume(tmp_path):
    path = _save(tmp_path / "bold.nii", _noise(4, 5, 6, 9), pixdim=[1, 3, 3, 4, 2000, 1, 1, 1], xyzt_units=18)
    series = read(path)
    assert series.step == pytest.approx(2.0)  # 2000 ms
    assert not isinstance(series.data, np.ndarray)
    np.testing.assert_array_equal(series.at(7), nib.load(path).dataobj[..., 7])


def test_scaling_of_the_header_is_applied(tmp_path):
    image = nib.Nifti1Image(_noise(4, 4, 4) * 100, AFFINE)
    image.set_data_dtype(np.int16)
    nib.save(image, tmp_path / "t1.nii.gz")
    volume = read(tmp_path / "t1.nii.gz")
    np.testing.assert_allclose(volume.at(0), nib.load(tmp_path / "t1.nii.gz").get_fdata(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 4, 5, 1), (3, 4), (3, 4, 5, 1, 1), (3, 4, 5, 1, 6)])
def test_axes_of_length_one_are_dropped_and_missing_axes_added(tmp_path, shape):
    path = _save(tmp_path / "a.nii", _noise(*shape))
    volume = read(path)
    assert volume.shape == {2: (3, 4, 1), 4: (3, 4, 5)}.get(
        len(shape), (3, 4, 5, *shape[4:])[: 3 + (shape[-1] > 1)]
    )
    np.testing.assert_array_equal(np.asarray(volume.data[...]).ravel(), nib.load(path).get_fdata().ravel())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_round_trip(tmp_path, ending, seed):
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3] = rng.normal(size=(3, 4)) * 3
    stack = Volume(_noise(3, 4, 5, 2), affine, "stat", None, ("face", "house"), "z maps")
    back = read(write(stack, tmp_path / "deep" / f"zmaps{ending}"))
    np.testing.assert_allclose(back.affine, affine, atol=1e-5)
    assert (back.kind, back.names) == ("stat", stack.names)
    np.testing.assert_array_equal(back.data[...], stack.data)
    bold = Volume(_noise(3, 4, 5, 2), affine, "bold", 1.35)
    assert read(write(bold, tmp_path / f"bold{ending}")).step == pytest.approx(1.35)
    mask = Volume(rng.random((3, 4, 5)) > 0.5, affine, "mask")
    assert read(write(mask, tmp_path / f"m{ending}")).kind == "mask"


def test_properties_of_a_volume_survive_a_round_trip(tmp_path):
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.7
    noise = _noise(3, 4, 5, 2)
    for i, volume in enumerate(
        (
            Volume(noise, sheared, "stat", intent="t test", intent_parameters=(17.0,), space="mni"),
            Volume(noise, AFFINE, "stat", None, ("a", "b"), intent="z score", space="talairach"),
            Volume(noise, AFFINE, "stat", 2.5),
            Volume(noise, AFFINE, "bold", None, space="aligned"),
            Volume((noise > 0).astype(np.uint8), AFFINE, "mask"),
            Volume(np.full((3, 4, 5), 7, np.int32), AFFINE, "atlas", regions={7: "V1 \u2014 left"}),
            Volume(noise[..., 0], AFFINE, "stat", intent="z score", intent_name="face>house"),
            Volume(np.ones((3, 4, 5), np.uint8), AFFINE, "mask"),
            Volume(np.abs(noise[..., 0]), AFFINE, "stat"),
            Volume(noise[..., 0], AFFINE, "anatomy"),
            Volume((noise * 100).astype(np.int16), AFFINE, "bold", 0.72),
        )
    ):
        back = read(write(volume, tmp_path / f"v{i}.nii.gz"))
        np.testing.assert_array_equal(np.asarray(back.data[...]), np.asarray(volume.data[...]))
        assert back.data.dtype == volume.data.dtype
        np.testing.assert_allclose(back.affine, volume.affine, atol=1e-6)
        assert (back.kind, back.step, back.names) == (volume.kind, volume.step, volume.names)
        assert (back.intent_name, back.regions) == (volume.intent_name, volume.regions)
        if volume.intent is not None:
            assert (back.intent, back.intent_parameters) == (volume.intent, volume.intent_parameters)
        if volume.space != "unknown":
            assert back.space == volume.space
    header = nib.load(tmp_path / "v0.nii.gz").header
    np.testing.assert_allclose(header.get_sform(), sheared, atol=1e-6)
    nearest = nib.Nifti1Header()
    nearest.set_qform(sheared, strip_shears=True)
    np.testing.assert_allclose(header.get_qform(), nearest.get_qform(), atol=1e-5)


def test_writing_to_a_folder_or_into_an_unwritable_folder_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "a.nii").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write(Volume(_noise(3, 3, 3), AFFINE), tmp_path / "a.nii")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="must be writable"):
        write(Volume(_noise(3, 3, 3), AFFINE), tmp_path / "file" / "a.nii")

    def closed(target: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr("napari_fmri_decoder.volumes.nifti.ImageOpener", closed)
    with pytest.raises(InputError, match="Permission denied"):
        write(Volume(_noise(3, 3, 3), AFFINE), tmp_path / "b.nii")


class _FullDisk(ImageOpener):
    """A file on a disk that has space for the header only."""

    def write(self, content: bytes) -> int:
        if self.tell() >= 352:
            raise OSError(28, "No space left on device")
        return super().write(content)


def test_failed_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = write(Volume(_noise(3, 3, 3), AFFINE), tmp_path / "a.nii.gz")
    before = path.read_bytes()
    monkeypatch.setattr("napari_fmri_decoder.volumes.nifti.ImageOpener", _FullDisk)
    with pytest.raises(InputError, match=r"cannot be written: No space left on device\. Free some space"):
        write(Volume(_noise(3, 3, 3), AFFINE), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii.gz"]


class _Counted:
    """Voxels on disk that note how many volumes each access reads."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape, self.ndim, self.dtype = data, data.shape, data.ndim, data.dtype
        self.read: list[int] = []

    def __getitem__(self, key: object) -> np.ndarray:
        found = self.data[key]
        self.read.append(1 if found.ndim == 3 else found.shape[3])
        return found


@pytest.mark.parametrize("stored", ["<f4", ">i2", "u1"])
def test_a_series_is_written_volume_by_volume_as_nibabel_writes_it(tmp_path, stored):
    data = np.abs(_noise(3, 4, 5, 7) * 100).astype(stored)
    source = _Counted(data)
    steps = write_steps(Volume(source, AFFINE, "bold", 2.5), tmp_path / "sub-1_bold.nii")
    assert list(steps) == [1, 2, 3, 4, 5, 6, 7]
    assert max(source.read) == 1
    native = data.astype(data.dtype.newbyteorder("="))
    image = nib.Nifti1Image(native, AFFINE)
    image.set_qform(AFFINE, code=1, strip_shears=True)
    image.set_sform(AFFINE, code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((*image.header.get_zooms()[:3], 2.5))
    nib.save(image, tmp_path / "expected.nii")
    assert (tmp_path / "sub-1_bold.nii").read_bytes() == (tmp_path / "expected.nii").read_bytes()


def test_stopped_writing_leaves_no_file(tmp_path):
    path = tmp_path / "bold.nii.gz"
    steps = write_steps(Volume(_noise(3, 4, 5, 7), AFFINE, "bold", 2.5), path)
    assert [next(steps), next(steps)] == [1, 2]
    steps.close()
    assert list(tmp_path.iterdir()) == []


def _not_nifti(folder: Path) -> Path:
    path = folder / "a.nii"
    path.write_text("this is no scan")
    return path


def _truncated_gz(folder: Path) -> Path:
    path = _save(folder / "b.nii.gz", _noise(10, 10, 10, 20))
    path.write_bytes(path.read_bytes()[:-5000])
    return path


def _truncated(folder: Path) -> Path:
    path = _save(folder / "c.nii", _noise(10, 10, 10, 20))
    path.write_bytes(path.read_bytes()[:-5000])
    return path


def _empty(folder: Path) -> Path:
    path = folder / "d.nii.gz"
    path.write_bytes(b"")
    return path


def _complex(folder: Path) -> Path:
    return _save(folder / "e.nii", _noise(3, 3, 3).astype(np.complex64))


def _singular(folder: Path) -> Path:
    path = _save(folder / "f.nii", _noise(3, 3, 3))
    raw = bytearray(path.read_bytes())
    raw[280:328] = b"\0" * 48  # srow_x, srow_y, srow_z
    path.write_bytes(bytes(raw))
    return path


def _seven_axes(folder: Path) -> Path:
    return _save(folder / "g.nii", _noise(2, 2, 2, 2, 2))


@pytest.mark.parametrize(
    "make", [_not_nifti, _truncated_gz, _truncated, _empty, _complex, _singular, _seven_axes]
)
def test_invalid_file_gives_one_clear_error(tmp_path, make):
    path = make(tmp_path)
    with pytest.raises(InputError) as caught:
        read(path)
    assert "must" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_gzip_with_several_members_is_read_completely(tmp_path):
    path = _save(tmp_path / "a.nii", _noise(5, 5, 5, 4))
    raw = path.read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(raw[:700]) + gzip.compress(raw[700:]))
    np.testing.assert_array_equal(read(tmp_path / "b.nii.gz").at(3), read(path).at(3))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.nii"):
        read(tmp_path / "nowhere.nii")


def test_natural_order():
    names = ["run-10.nii", "run-9.nii", "run-1.nii", "10.nii", "2.nii"]
    assert sorted(names, key=natural_key) == ["2.nii", "10.nii", "run-1.nii", "run-9.nii", "run-10.nii"]


def _regions() -> np.ndarray:
    regions = np.zeros((20, 20, 20), np.int16)
    regions[2:9, 2:18, 2:18], regions[9:18, 2:18, 2:18] = 17, 42
    return regions


@pytest.mark.parametrize(
    ("name", "intent", "values", "series", "kind"),
    [
        ("sub-1_z_map.nii", 0, _noise(5, 5, 5), False, "stat"),
        ("face_zmap.nii.gz", 0, _noise(5, 5, 5), False, "stat"),
        ("x_stat-z_y.nii", 0, _noise(5, 5, 5), True, "stat"),
        ("tstat1.nii.gz", 0, _noise(5, 5, 5), False, "stat"),
        ("spmT_0001.nii", 0, _noise(5, 5, 5), False, "stat"),
        ("a.nii", 5, _noise(5, 5, 5), False, "stat"),
        ("a.nii", 3, _noise(5, 5, 5), False, "stat"),
        ("T1w.nii", 0, np.abs(_noise(5, 5, 5)), False, "anatomy"),
        ("image_10426.nii.gz", 0, _noise(5, 5, 5), False, "stat"),
        ("sub-1_bold.nii", 0, _noise(5, 5, 5), True, "bold"),
        ("mean.nii", 0, (_noise(9, 9, 9) > 0).astype(np.float32), False, "mask"),
        ("a.nii", 0, _regions(), False, "atlas"),
        ("t1.nii", 0, (np.abs(_noise(20, 20, 20)) * 60).astype(np.uint8), False, "anatomy"),
        ("contrast.nii", 0, np.abs(_noise(5, 5, 5)), False, "anatomy"),
    ],
)
def test_kind_of(name, intent, values, series, kind):
    assert kind_of(name, intent, values, series=series) == kind


def test_list_keeps_its_order_and_other_iterables_are_sorted(tmp_path):
    for i in (10, 2, 1):
        write(Volume(np.full((2, 2, 2), i, np.float32), np.eye(4), "stat"), tmp_path / f"map_{i}.nii")
    listed = [tmp_path / f"map_{i}.nii" for i in (2, 10, 1)]
    for given in (listed, tuple(listed), list(map(str, listed))):
        assert read_series(given).names == ("map_2", "map_10", "map_1")
    for given in (tmp_path.glob("*.nii"), set(listed), iter(listed)):
        assert read_series(given).names == ("map_1", "map_2", "map_10")
