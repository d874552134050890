"""A model is put to scans on another grid, or of another kind: resampled as nilearn does, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import resample_to_img
from scipy.ndimage import gaussian_filter

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.predicting import features_of, predict
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import Scaler
from napari_fmri_decoder.training.bundle.bundle import Bundle, file_hash, load_bundle, save_bundle
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.volumes.frames import Grid, rotation
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

RAW = "detrend = false\nstandardize_runs = false"
CLEANED = "detrend = true\nstandardize_runs = true"
SHAPE = (9, 8, 7)


def grid_of(shape=SHAPE, size=(3.0, 3.0, 3.0), center=(0.0, 0.0, 0.0), **degrees: float) -> Grid:
    """A grid around a center in mm."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(**degrees) @ np.diag(size)
    affine[:3, 3] = np.array(center) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def model_on(grid: Grid, prepare: str = RAW, step: float | None = 2.0, zmaps: str = "") -> Bundle:
    """A linear model with weights that are made up; its training mean is 500."""
    mask = np.ones(grid.shape, dtype=bool)
    mask[:2, :2, :2] = False
    space = Space(grid, mask)
    n = space.n_features
    weight = np.random.default_rng(1).normal(size=(2, n)).astype(np.float32) / n
    scaler = Scaler(np.full(n, 0 if prepare == CLEANED else 500, np.float32), np.full(n, 10, np.float32))
    state = {"out.weight": weight, "out.bias": np.zeros(2, np.float32)}
    model = FittedModel(get_decoder({"name": "linear"}), (n,), 2, state, scaler)
    recipe = (
        '[data]\nimages = "bold.nii.gz"\n[labels]\nsource = "table"\ntable = "volumes.tsv"\n'
        f'{zmaps}[prepare]\n{prepare}\n[decoder]\nname = "linear"\n'
    )
    return Bundle(model, space, ("closed", "open"), recipe, step=step)


def scan_on(grid: Grid, n: int | None = 6, step: float | None = 2.0, seed: int = 0) -> Volume:
    rng = np.random.default_rng(seed)
    volumes = [500 + 200 * gaussian_filter(rng.normal(size=grid.shape), 1.0) for _ in range(n or 1)]
    data = np.stack(volumes, axis=-1).astype(np.float32)
    return Volume(data if n else data[..., 0], grid.affine, "bold" if step else "stat", step)


def by_nilearn(series: Volume, space: Space) -> np.ndarray:
    target = nib.Nifti1Image(space.mask.astype(np.uint8), space.grid.affine)
    rows = []
    for volume in series:
        image = nib.Nifti1Image(volume, series.affine)
        there = resample_to_img(
            image, target, interpolation="continuous", force_resample=True, copy_header=True
        )
        rows.append(there.get_fdata()[space.mask])
    return np.array(rows)


BIG = (30, 30, 28)
FLIPPED = grid_of(BIG, (-3, 3, -3))
GRIDS = {
    "oblique": grid_of(BIG, x=17, y=-8, z=30),
    "flipped": Grid(
        BIG, FLIPPED.affine @ np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    ),
    "coarser": grid_of((14, 14, 14), (5, 5, 6)),
    "finer": grid_of((30, 30, 28), (1.5, 1.5, 1.7)),
    "turned axes": Grid(
        BIG, grid_of(BIG).affine[:, [2, 0, 1, 3]] + np.array([[0, 0, 0, 1.0]] * 3 + [[0] * 4])
    ),
}


@pytest.mark.parametrize("turned", [False, True], ids=["straight model", "rotated model"])
@pytest.mark.parametrize("name", GRIDS)
def test_a_scan_on_another_grid_is_resampled_as_nilearn_does(name: str, turned: bool) -> None:
    bundle = model_on(grid_of(x=20, z=-5) if turned else grid_of())
    series = scan_on(GRIDS[name], n=2)
    found = features_of(bundle, series)
    expected = by_nilearn(series, bundle.space)
    np.testing.assert_allclose(found.X, expected, atol=1e-3 * np.ptp(expected))
    assert found.notes == ("The scan's grid differs from the model's, so the scan was resampled.",)


def test_a_scan_on_the_models_grid_is_not_resampled() -> None:
    whole = grid_of(BIG)
    series = scan_on(whole, n=2)
    bundle = model_on(whole.crop((5, 6, 7), (14, 14, 14)))
    expected = np.asarray(series.data)[5:14, 6:14, 7:14][bundle.space.mask].T
    np.testing.assert_array_equal(features_of(bundle, series).X, expected)


def test_a_scan_outside_the_model_is_refused_with_both_positions() -> None:
    bundle = model_on(grid_of())
    with pytest.raises(InputError, match=r"none of 496 are inside.*x -12 to 12.*scan at x 88 to 112"):
        predict(bundle, scan_on(grid_of(center=(100, 0, 0))))
    # moved by 5 of 9 planes of 56 voxels; the hole is in the first two
    with pytest.raises(InputError, match=rf"found 45%: {496 - 4 * 56} of 496 are outside"):
        predict(bundle, scan_on(grid_of(center=(15, 0, 0))))


@pytest.mark.parametrize("prepare", [RAW, CLEANED], ids=["raw", "cleaned"])
def test_voxels_outside_the_scan_are_reported_and_get_the_training_mean(prepare: str) -> None:
    bundle = model_on(grid_of(), prepare)
    whole = scan_on(grid_of(BIG))
    part = Volume(np.asarray(whole.data)[13:], grid_of(BIG).crop((13, 0, 0), BIG).affine, "bold", 2.0)
    found = features_of(bundle, part)
    x = np.argwhere(bundle.space.mask)[:, 0]
    # By hand: the model's x goes from -12 to 12 mm, the scan's -43.5 + 3 i from i = 13: -4.5 mm and up.
    outside = -12 + 3 * x < -4.5
    assert found.notes[0].startswith(f"{outside.sum()} of the model's 496 voxels are outside the scan (")
    np.testing.assert_array_equal(found.X[:, outside], 0 if prepare == CLEANED else 500)
    # deeper inside the missing part is not felt: as if the whole scan had been given
    deep = -12 + 3 * x > 3
    np.testing.assert_allclose(found.X[:, deep], features_of(bundle, whole).X[:, deep], atol=0.5)
    assert np.isfinite(predict(bundle, part)[0]["p_open"]).all()


def test_nan_becomes_the_training_mean_and_affects_no_other_volume() -> None:
    bundle, series = model_on(grid_of(), CLEANED), scan_on(grid_of(), n=12)
    data = np.array(series.data)
    at = tuple(np.argwhere(bundle.space.mask)[100])
    data[(*at, 3)] = np.nan
    data[..., 7] = np.nan
    found = features_of(bundle, Volume(data, series.affine, "bold", 2.0))
    assert found.notes == (
        "1 of 12 volumes contain only NaN; their predictions are meaningless.",
        "1 of 496 voxels are NaN in some volumes and get the training mean there.",
    )
    assert found.X[3, 100] == 0
    assert not found.X[7].any()
    # The line through the other ten volumes of that voxel is found again, nearly: not one through a hole.
    others = np.setdiff1d(np.arange(12), [3, 7])
    values = data[(*at, others)]
    residue = values - np.polyval(np.polyfit(others, values, 1), others)
    assert np.corrcoef(found.X[others, 100], residue)[0, 1] > 0.95
    with pytest.raises(InputError, match="all of them are NaN"):
        predict(bundle, Volume(np.full_like(data, np.nan), series.affine, "bold", 2.0))


def test_a_single_volume_is_predicted_if_the_training_allows_it() -> None:
    maps = model_on(grid_of(), step=0.0)
    table, notes = predict(maps, scan_on(grid_of(), n=None, step=None))
    assert len(table) == 1
    assert not notes
    with pytest.raises(InputError, match=r"single image.*4-D BOLD series"):
        predict(model_on(grid_of()), scan_on(grid_of(), n=None, step=None))
    with pytest.raises(
        InputError, match=r"detrended and standardized run by run.*at least 3 volumes, found 1"
    ):
        predict(model_on(grid_of(), CLEANED), scan_on(grid_of(), n=1))
    with pytest.raises(InputError, match="at least 3 volumes, found 2"):
        predict(model_on(grid_of(), CLEANED), scan_on(grid_of(), n=6), runs=(4, 2))
    with pytest.raises(InputError, match=r"were centered run by run.*at least 2 volumes, found 1"):
        predict(model_on(grid_of(), "center_runs = true", 0.0), scan_on(grid_of(), n=None, step=None))


def test_maps_and_time_series_are_not_confused() -> None:
    series, maps = scan_on(grid_of()), scan_on(grid_of(), step=None)
    for bundle in (model_on(grid_of(), step=0.0), model_on(grid_of(), step=None, zmaps="[zmaps]\n")):
        with pytest.raises(InputError, match=r"other maps, but these images are a time series"):
            predict(bundle, series)
        predict(bundle, maps)
    with pytest.raises(InputError, match=r"one every 2 s\), but these images are a stack of maps"):
        predict(model_on(grid_of()), maps)
    for unknown in (maps, series):  # models of before, which do not say what they were trained on
        assert not predict(model_on(grid_of(), step=None), unknown)[1]


def test_a_different_repetition_time_is_reported(tmp_path) -> None:
    saved = save_bundle(model_on(grid_of()), tmp_path / "model.safetensors")
    bundle = load_bundle(saved)
    assert bundle.step == 2.0
    (note,) = predict(bundle, scan_on(grid_of(), step=0.8))[1]
    assert note.startswith("The scan has a volume every 0.8 s, the training data had one every 2 s")
    assert not predict(bundle, scan_on(grid_of(), step=2.001))[1]


def test_a_scan_that_the_model_was_trained_on_is_reported_under_any_name(tmp_path) -> None:
    grid = grid_of()
    bundle = model_on(grid)
    new = read(write(scan_on(grid), tmp_path / "new_bold.nii.gz"))
    old = read(write(scan_on(grid, seed=1), tmp_path / "old_bold.nii.gz"))
    copy = tmp_path / "elsewhere" / "renamed_bold.nii.gz"
    copy.parent.mkdir()
    copy.write_bytes((tmp_path / "old_bold.nii.gz").read_bytes())
    trained = replace(bundle, hashes={"../old_bold.nii.gz": file_hash(tmp_path / "old_bold.nii.gz")})
    for known, scan, expected in ((trained, new, False), (trained, old, True), (trained, read(copy), True)):
        notes = " ".join(predict(known, scan)[1])
        assert (
            f"was trained on this scan ({Path(scan.parts[0].path).name}, by SHA-256)" in notes
        ) is expected
    assert "was trained on" not in " ".join(predict(bundle, old)[1])


def test_a_header_in_meters_is_placed_correctly(tmp_path) -> None:
    series, bundle = scan_on(grid_of(), n=3), model_on(grid_of())
    image = nib.Nifti1Image(np.asarray(series.data), np.diag([1e-3, 1e-3, 1e-3, 1]) @ series.affine)
    image.header.set_xyzt_units("meter", "sec")
    image.header["pixdim"][4] = 2.0
    nib.save(image, tmp_path / "metres_bold.nii")
    found = features_of(bundle, read(tmp_path / "metres_bold.nii"))
    np.testing.assert_allclose(found.X, np.asarray(series.data)[bundle.space.mask].T, rtol=1e-5)


def test_weights_that_give_nan_are_an_error() -> None:
    bundle = model_on(grid_of())
    bundle.model.state["out.weight"] = np.full_like(bundle.model.state["out.weight"], np.inf)
    with pytest.raises(InputError, match=r"finite probabilities, but returned NaN for 6 of 6"):
        predict(bundle, scan_on(grid_of()))
