"""Voxels that a mask file marks, whether it was stored as integers, resampled or smoothed."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder.samples.masks import make_mask, mask_from_volume, parse_mask
from napari_fmri_decoder.volumes.mask_voxels import marked_voxels, rounded_labels
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

BOX = np.zeros((6, 6, 6), bool)
BOX[2:4, 2:4, 2:4] = True


@pytest.mark.parametrize(
    ("values", "noted"),
    [
        (BOX.astype(np.uint8), False),
        (BOX * 255, False),
        (BOX.astype(np.float64), False),
        (BOX * np.float32(0.0001), False),  # two values, whatever they are
        (np.where(BOX, 1.0, np.nan), False),
        (np.where(BOX, 0.9999, 1e-7), True),
        (np.where(BOX, 0.97, 0.02), True),
        (np.where(BOX, 254.7, 0.4), True),
        (np.where(BOX, 1.05, -0.08), True),  # a spline's overshoot
        (np.where(BOX, 0.8, np.nan) + np.linspace(0, 0.1, 216).reshape(BOX.shape), True),
        (np.where(BOX, 1e-3, 1e-9), True),
    ],
)
def test_voxels_above_half_of_the_maximum_are_marked(values, noted):
    keep, doubt = marked_voxels(values)
    np.testing.assert_array_equal(keep, BOX)
    assert (doubt is not None) == noted


def test_all_nonzero_voxels_of_regions_and_thresholded_maps_are_marked():
    regions = np.where(BOX, 17, 0)
    regions[0] = 2
    assert marked_voxels(regions)[0].sum() == 8 + 36
    assert marked_voxels(regions.astype(np.float32))[0].sum() == 8 + 36
    thresholded = np.where(BOX, 9.3, 0.0)
    thresholded[2, 2, 2] = 3.1
    keep, doubt = marked_voxels(thresholded)
    np.testing.assert_array_equal(keep, BOX)
    assert "not binary" in doubt


def test_labels_stored_as_fractions_are_rounded():
    assert rounded_labels(np.array([2.9999, 17.0002, np.nan, 0.4])).tolist() == [3, 17, 0, 0.4]


def _series() -> Volume:
    return Volume(np.ones((6, 6, 6, 2), np.float32), np.eye(4), "bold", 2.0)


@pytest.mark.parametrize("name", ["mask.nii.gz", "roi_smoothed.nii.gz"])
def test_every_mask_file_is_interpreted_the_same_way(tmp_path, name):
    nib.save(nib.Nifti1Image(np.where(BOX, 0.9999, 1e-3).astype(np.float32), np.eye(4)), tmp_path / name)
    options = [
        name,
        {"strategy": "combine", "how": "and", "masks": [name, {"strategy": "all"}]},
    ]
    for option in options:
        made, notes = make_mask(parse_mask(option), _series(), tmp_path)
        np.testing.assert_array_equal(made.at(0) > 0, BOX)
        assert sum("not binary" in note or "rounded" in note for note in notes) == 1
    volume = read(tmp_path / name)
    np.testing.assert_array_equal(mask_from_volume(volume, volume.grid)[0].at(0) > 0, BOX)


def test_mask_that_is_not_binary_is_written_as_binary(tmp_path):
    fuzzy = Volume(np.where(BOX, 0.9999, 1e-3), np.eye(4), "mask", name="fuzzy mask")
    np.testing.assert_array_equal(read(write(fuzzy, tmp_path / "a_mask.nii")).data > 0, BOX)


def test_notes_of_a_masks_header_are_passed_on(tmp_path):
    image = nib.Nifti1Image(BOX.astype(np.uint8), None)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "mask.nii")
    _, notes = make_mask(
        parse_mask("mask.nii"),
        Volume(np.ones((6, 6, 6, 2)), nib.load(tmp_path / "mask.nii").affine),
        tmp_path,
    )
    assert any(note.startswith("mask: Left and right are not certain") for note in notes)


def test_regions_are_selected_from_an_atlas_stored_as_fractions(tmp_path):
    values = np.where(BOX, 16.9999, 0.0)
    values[0] = 3
    nib.save(nib.Nifti1Image(values.astype(np.float32), np.eye(4)), tmp_path / "atlas.nii")
    made, _ = make_mask(
        parse_mask({"path": "atlas.nii", "strategy": "file", "labels": [17]}), _series(), tmp_path
    )
    np.testing.assert_array_equal(made.at(0) > 0, BOX)
