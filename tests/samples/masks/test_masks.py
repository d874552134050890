"""Masks of each strategy, compared with nilearn and small constructed images."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from nilearn.datasets import load_mni152_brain_mask
from nilearn.image import resample_to_img
from nilearn.masking import compute_epi_mask

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks import (
    Shaping,
    make_mask,
    mask_from_volume,
    mask_strategies,
    parse_mask,
    resample_mask,
)
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.moments import moments
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.diag([3.0, 3, 3, 1])


def head(n: int = 6) -> Volume:
    """Noise, with a bright ball that varies over time, in scanner units."""
    rng = np.random.default_rng(0)
    x, y, z = np.indices((20, 22, 18))
    ball = (x - 10) ** 2 + (y - 11) ** 2 + (z - 9) ** 2 < 49
    data = rng.normal(20, 3, (20, 22, 18, n)) + ball[..., None] * rng.normal(800, 20, (20, 22, 18, n))
    return Volume(data.astype(np.float32), AFFINE, "bold", 2.0)


def kept(options, series, base="."):
    mask, notes = make_mask(parse_mask(options), series, base)
    assert mask.kind == "mask"
    assert mask.grid.same_as(series.grid)
    return mask.at(0) > 0, notes


def test_strategies_are_registered_by_name():
    assert {"all", "file", "threshold", "floors", "epi", "template"} <= set(mask_strategies)


@pytest.mark.parametrize("name", sorted(mask_strategies))
def test_every_option_is_described(name):
    for field in mask_strategies[name].model_fields.values():
        assert field.description or field.default == name


@pytest.mark.parametrize("name", sorted(set(mask_strategies) - {"file", "combine"}))
def test_options_are_unchanged_by_writing_and_reading_a_recipe(name):
    config = parse_mask({"strategy": name})
    assert parse_mask(config.model_dump(mode="json")) == config


def test_unknown_strategy_lists_the_known_ones():
    with pytest.raises(InputError, match="all, combine, epi, file, floors, template, threshold; got 'bet'"):
        parse_mask({"strategy": "bet"})


def test_strategy_all_keeps_every_voxel():
    assert kept({"strategy": "all"}, head())[0].all()


def test_epi_mask_equals_that_of_nilearn():
    series = head()
    mask, notes = kept({"strategy": "epi"}, series)
    theirs = compute_epi_mask(nib.Nifti1Image(np.asarray(series.data), AFFINE))
    np.testing.assert_array_equal(mask, theirs.get_fdata() > 0)
    assert not notes


def test_epi_mask_of_a_single_plane_is_not_opened(haxby):
    mask, notes = kept({"strategy": "epi"}, read(haxby / "bold.nii.gz"))
    brain = read(haxby / "mask.nii.gz").at(0) > 0
    assert notes == ["The mask was not opened: 1 plane(s) are too few for 2 voxels."]
    assert 2 * (mask & brain).sum() / (mask.sum() + brain.sum()) > 0.9


def test_epi_cutoffs_must_be_in_order():
    with pytest.raises(InputError, match="upper_cutoff must exceed lower_cutoff"):
        kept({"strategy": "epi", "lower_cutoff": 0.5, "upper_cutoff": 0.5}, head())


def test_template_mask_equals_that_of_nilearn_on_the_grid_of_the_series():
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -90, -126, -72
    series = Volume(np.ones((46, 55, 46), np.float32), affine)
    mask, notes = kept({"strategy": "template"}, series)
    theirs = resample_to_img(
        load_mni152_brain_mask(resolution=2),
        nib.Nifti1Image(np.ones((46, 55, 46), np.uint8), affine),
        interpolation="nearest",
    )
    assert (mask != (theirs.get_fdata() > 0)).mean() < 1e-3
    assert "resampled" in notes[0]


def test_threshold_applies_to_the_mean():
    data = np.zeros((2, 2, 1, 2), np.float32)
    data[..., 0] = [[[-6], [1]], [[2], [5]]]
    series = Volume(data, AFFINE, "stat")  # means -3, 0.5, 1, 2.5
    assert kept({"strategy": "threshold", "above": 0.7}, series)[0].ravel().tolist() == [0, 0, 1, 1]
    assert kept({"strategy": "threshold", "above": 0.7, "below": 2}, series)[0].ravel().tolist() == [
        0,
        0,
        1,
        0,
    ]
    absolute = {"strategy": "threshold", "above": 0.7, "absolute": True}
    assert kept(absolute, series)[0].ravel().tolist() == [1, 0, 1, 1]


def test_floors_apply_to_raw_means_and_standard_deviations():
    data = np.empty((1, 1, 4, 2), np.float32)
    data[0, 0] = [[0.0, 0.2], [1.0, 1.0], [1.0, 1.2], [0.0, 0.0]]  # means .1 1 1.1 0, stds .1 0 .1 0
    series = Volume(data, AFFINE, "bold", 2.0)
    assert kept({"strategy": "floors"}, series)[0].ravel().tolist() == [1, 0, 1, 0]
    assert kept({"strategy": "floors", "std_floor": 0}, series)[0].ravel().tolist() == [1, 1, 1, 0]
    assert kept({"strategy": "floors", "mean_floor": 0.5}, series)[0].ravel().tolist() == [0, 0, 1, 0]
    fractions = {"strategy": "floors", "unit": "fraction", "mean_floor": 0.5, "std_floor": 0.5}
    assert kept(fractions, series)[0].ravel().tolist() == [0, 0, 1, 0]
    by_hand = [0.5 * np.percentile(m, 98) for m in (data.mean(axis=3), data.std(axis=3))]
    assert parse_mask(fractions).floors(*moments(series)) == pytest.approx(by_hand)


def test_fractions_do_not_depend_on_the_units_of_the_scanner():
    series = head()
    scaled = Volume(np.asarray(series.data) * 37, AFFINE, "bold", 2.0)
    options = {"strategy": "floors", "unit": "fraction", "mean_floor": 0.3, "std_floor": 0.3}
    np.testing.assert_array_equal(kept(options, series)[0], kept(options, scaled)[0])


def test_a_file_on_the_same_grid_is_used_unchanged(tmp_path):
    series = head()
    inside = np.asarray(series.data).mean(axis=3) > 400
    write(Volume(inside.astype(np.uint8), AFFINE, "mask"), tmp_path / "mask.nii.gz")
    mask, notes = make_mask(parse_mask("mask.nii.gz"), series, tmp_path)
    np.testing.assert_array_equal(mask.at(0) > 0, inside)
    assert not notes


def test_a_file_on_another_grid_is_resampled_with_a_note(tmp_path):
    series = head()
    fine = np.repeat(np.repeat(np.repeat(np.asarray(series.data).mean(axis=3) > 400, 3, 0), 3, 1), 3, 2)
    affine = np.eye(4)
    affine[:3, 3] = -1  # a third of the size of the series' voxels
    write(Volume(fine.astype(np.uint8), affine, "mask"), tmp_path / "fine_mask.nii.gz")
    mask, notes = make_mask(parse_mask("fine_mask.nii.gz"), series, tmp_path)
    np.testing.assert_array_equal(mask.at(0) > 0, fine[1::3, 1::3, 1::3])
    assert notes == [
        "fine_mask is on another grid than the images (60 x 66 x 54 voxels of 1 x 1 x 1 mm and "
        "20 x 22 x 18 voxels of 3 x 3 x 3 mm); it was resampled to the nearest voxel."
    ]


def test_atlas_regions_are_chosen_by_value(tmp_path):
    series = head()
    atlas = np.zeros(series.shape[:3], np.int32)
    atlas[:5], atlas[5:9], atlas[9:12] = 1, 2, 7
    write(Volume(atlas, AFFINE, "atlas"), tmp_path / "atlas.nii.gz")
    mask, _ = make_mask(
        parse_mask({"strategy": "file", "path": "atlas.nii.gz", "labels": [2, 7]}), series, tmp_path
    )
    np.testing.assert_array_equal(mask.at(0) > 0, (atlas == 2) | (atlas == 7))
    with pytest.raises(InputError, match=r"has no 3\. It has 1, 2, 7"):
        make_mask(parse_mask({"strategy": "file", "path": "atlas.nii.gz", "labels": [3]}), series, tmp_path)


def test_empty_masks_are_an_error(tmp_path):
    series = head()
    with pytest.raises(InputError, match="'threshold' keeps none of 7920"):
        kept({"strategy": "threshold", "above": 1e6}, series, tmp_path)
    empty = Volume(np.zeros(series.shape[:3], np.uint8), AFFINE, "mask", name="painted")
    with pytest.raises(InputError, match="painted keeps none"):
        mask_from_volume(empty, series.grid)
    elsewhere = np.array(AFFINE)
    elsewhere[:3, 3] = 5000
    away = Volume(np.ones(series.shape[:3], np.uint8), elsewhere, "mask", name="away")
    with pytest.raises(InputError, match=r"away keeps none.*overlaps"):
        mask_from_volume(away, series.grid)


def test_painted_labels_become_a_mask():
    painted = np.zeros((4, 4, 4), np.int32)
    painted[1], painted[2] = 1, 2
    volume = Volume(painted, AFFINE, "atlas", name="painted")
    grid = Grid((4, 4, 4), AFFINE)
    assert mask_from_volume(volume, grid)[0].at(0).sum() == 32
    assert mask_from_volume(volume, grid, (2,))[0].at(0).sum() == 16


def test_a_mask_must_be_one_image_and_nan_is_outside():
    grid = Grid((2, 1, 1), AFFINE)
    data = np.array([np.nan, 1], np.float32).reshape(2, 1, 1)
    assert resample_mask(Volume(data, AFFINE, "mask"), grid)[0].ravel().tolist() == [False, True]
    with pytest.raises(InputError, match="a series of 3"):
        resample_mask(Volume(np.ones((2, 1, 1, 3)), AFFINE, "mask"), grid)


def test_masks_grow_and_shrink_by_millimeters_not_voxels():
    x, y, z = np.indices((31, 31, 17))
    series = Volume(np.zeros((31, 31, 17, 2), np.float32), np.diag([2.0, 2.0, 4.0, 1.0]), "bold", 2.0)
    distance = np.sqrt(((x - 15) * 2) ** 2 + ((y - 15) * 2) ** 2 + ((z - 8) * 4) ** 2)
    one = np.zeros(x.shape, dtype=bool)
    one[15, 15, 8] = True
    shaping = Shaping(grow_mm=8.0)
    np.testing.assert_array_equal(shaping.shape(one, series.grid.voxel_size), distance <= 8.0)
    ball = distance <= 20
    smaller = Shaping(grow_mm=-6.0).shape(ball, series.grid.voxel_size)
    outside = np.argwhere(~ball) * series.grid.voxel_size
    for voxel in np.argwhere(ball)[::97]:
        nearest = np.sqrt(((outside - voxel * series.grid.voxel_size) ** 2).sum(axis=1)).min()
        assert smaller[tuple(voxel)] == (nearest > 6.0)


def test_largest_piece_and_inversion():
    mask = np.zeros((10, 10, 10), dtype=bool)
    mask[:3, :3, :3] = mask[5:9, 5:9, 5:9] = True
    kept_piece = Shaping(largest=True).shape(mask, np.ones(3))
    assert kept_piece.sum() == 64
    assert kept_piece[6, 6, 6]
    np.testing.assert_array_equal(Shaping(invert=True).shape(mask, np.ones(3)), ~mask)
    assert not Shaping(largest=True).shape(np.zeros((2, 2, 2), bool), np.ones(3)).any()


@pytest.mark.parametrize(("how", "logic"), [("and", np.logical_and), ("or", np.logical_or), ("minus", None)])
def test_masks_combine_in_a_recipe(how, logic):
    series = head()
    first, second = {"strategy": "epi", "opening": 0}, {"strategy": "threshold", "above": 800.0}
    a, b = kept(first, series)[0], kept(second, series)[0]
    expected = a & ~b if logic is None else logic(a, b)
    combined, _ = kept({"strategy": "combine", "how": how, "masks": [first, second]}, series)
    np.testing.assert_array_equal(combined, expected)
    config = parse_mask({"strategy": "combine", "how": how, "masks": [first, second], "grow_mm": 3})
    assert parse_mask(config.model_dump(mode="json")) == config


def test_atlas_regions_are_chosen_by_name(tmp_path):
    series = head()
    atlas = np.zeros(series.grid.shape, np.int16)
    atlas[2:6, 2:6, 2:6], atlas[8:12, 8:12, 8:12], atlas[14:16, 2:4, 2:4] = 4, 7, 9
    path = write(Volume(atlas, AFFINE, "atlas", name="areas"), tmp_path / "areas.nii.gz")
    (tmp_path / "areas.tsv").write_text("index\tname\n4\tLeft V1\n7\tLeft V2\n9\tRight V1\n")
    mask, _ = kept({"strategy": "file", "path": str(path), "regions": ["left v1"]}, series, tmp_path)
    np.testing.assert_array_equal(mask, atlas == 4)
    mask, _ = kept({"strategy": "file", "path": str(path), "regions": ["* V1"]}, series, tmp_path)
    np.testing.assert_array_equal(mask, np.isin(atlas, [4, 9]))
    with pytest.raises(InputError, match=r"no 'Left V3'.*Left V"):
        kept({"strategy": "file", "path": str(path), "regions": ["Left V3"]}, series, tmp_path)
    (tmp_path / "areas.tsv").unlink()
    with pytest.raises(InputError, match="table of names"):
        kept({"strategy": "file", "path": str(path), "regions": ["Left V1"]}, series, tmp_path)
