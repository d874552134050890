"""Centers: their voxels are those of nilearn's searchlight, of the atlas, of planes and of boxes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from nilearn.maskers import nifti_spheres_masker
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.centers import CentersConfig, CenterSets, make_centers
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.volumes.frames import Grid
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

OBLIQUE = np.array([[2.9, 0.4, 0, -20], [-0.5, 3.6, 0.3, -30], [0.1, -0.3, 3.4, 5], [0, 0, 0, 1.0]])


@pytest.fixture
def space() -> Space:
    """An irregular mask on an oblique grid."""
    mask = np.random.default_rng(0).random((9, 8, 7)) < 0.7
    return Space(Grid(mask.shape, OBLIQUE), mask)


def made(space: Space, base: Path = Path(), **options: object) -> CenterSets:
    return make_centers(CentersConfig.model_validate(options), space, base)


def positions(space: Space) -> NDArray[np.float64]:
    return np.argwhere(space.mask) @ space.grid.affine[:3, :3].T + space.grid.affine[:3, 3]


@pytest.mark.parametrize("radius", [0.5, 5.0, 8.3])
def test_spheres_have_the_voxels_of_nilearns_searchlight(space: Space, radius: float) -> None:
    found = made(space, centers="spheres", radius_mm=radius)
    image = nibabel.Nifti1Image(space.mask.astype(np.uint8), space.grid.affine)
    seeds = positions(space)
    _, expected = nifti_spheres_masker.apply_mask_and_get_affinity(
        [tuple(seed) for seed in seeds], None, radius, True, mask_img=image
    )
    np.testing.assert_array_equal(found.sizes, np.diff(expected.tocsr().indptr))
    for center in range(0, len(found), 17):
        np.testing.assert_array_equal(found.of(center), np.sort(expected.tocsr()[center].indices))
    np.testing.assert_allclose(found.mm, seeds)


def test_a_stride_keeps_every_nth_voxel_of_each_axis(space: Space) -> None:
    found = made(space, stride=2)
    voxels = np.argwhere(space.mask)
    kept = ((voxels - voxels.min(axis=0)) % 2 == 0).all(axis=1)
    np.testing.assert_array_equal(found.mm, positions(space)[kept])
    assert (np.diff(found.offsets) > 1).all()


def test_a_score_is_shown_at_the_center_of_its_sphere(space: Space) -> None:
    found = made(space, stride=3)
    painted = found.paint(np.arange(len(found), dtype=float), space)
    assert np.isfinite(painted).sum() == len(found)
    for center in (0, len(found) - 1):
        voxel = np.linalg.solve(space.grid.affine, [*found.mm[center], 1])[:3].round().astype(int)
        assert painted[tuple(voxel)] == center


def test_regions_are_those_of_the_atlas_and_can_be_divided_at_the_midline(
    space: Space, tmp_path: Path
) -> None:
    values = np.random.default_rng(1).integers(0, 4, space.mask.shape).astype(np.int16)
    values[values == 3] = 70  # a region of which nothing is in the mask
    values[space.mask & (values == 70)] = 2
    atlas = Volume(values, space.grid.affine, "atlas", regions={1: "V1", 2: "FFA", 70: "far"})
    write(atlas, tmp_path / "atlas.nii.gz")
    whole = made(space, tmp_path, centers="regions", atlas="atlas.nii.gz")
    assert whole.names == ("V1", "FFA")
    np.testing.assert_array_equal(whole.of(0), np.flatnonzero(values[space.mask] == 1))
    assert "far" in whole.notes[0]
    halves = made(space, tmp_path, centers="regions", atlas="atlas.nii.gz", sides=True)
    assert halves.names == ("left V1", "right V1", "left FFA", "right FFA")
    assert (positions(space)[halves.of(2)][:, 0] < 0).all()
    np.testing.assert_array_equal(np.sort([*halves.of(2), *halves.of(3)]), whole.of(1))


def test_an_atlas_on_another_grid_goes_to_the_nearest_voxel(space: Space, tmp_path: Path) -> None:
    finer = np.diag([0.5, 0.5, 0.5, 1.0])
    finer[:3, 3] = -0.25  # two voxels for each along every axis
    values = np.ones((18, 16, 14), dtype=np.int16)
    values[9:] = 2
    write(Volume(values, OBLIQUE @ finer, "atlas"), tmp_path / "atlas.nii.gz")
    found = made(space, tmp_path, centers="regions", atlas="atlas.nii.gz")
    assert sum(found.sizes) == space.n_features
    assert any("resampled" in note for note in found.notes)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slabs_are_all_positions_along_an_axis(space: Space, axis: int) -> None:
    found = made(space, centers="slabs", axis="xyz"[axis], thickness=3)
    assert len(found) == space.grid.shape[axis] - 2
    assert found.names[1] == "planes 1 to 3"
    plane = np.argwhere(space.mask)[:, axis]
    np.testing.assert_array_equal(found.of(1), np.flatnonzero((plane >= 1) & (plane < 4)))


def test_boxes_divide_the_mask(space: Space) -> None:
    found = made(space, centers="boxes", size_mm=10)
    assert sorted(found.features.tolist()) == list(range(space.n_features))
    voxels = np.argwhere(space.mask)
    for center in range(len(found)):
        extent = np.ptp(voxels[found.of(center)], axis=0) + 1
        assert (extent <= np.round(10 / space.grid.voxel_size)).all()


def test_where_centers_overlap_the_largest_score_is_shown(space: Space) -> None:
    found = made(space, centers="slabs", thickness=2)
    painted = found.paint(np.array([1.0, np.nan, 3.0, 2.0, 0.0, 0.0]), space)
    planes = [np.nanmax(painted[:, :, z]) for z in range(7)]
    assert planes == [1, 1, 3, 3, 2, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"centers": "regions"}, "regions need an atlas"),
        ({"centers": "spheres", "atlas": "a.nii"}, "an atlas is not used for spheres"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CentersConfig.model_validate(options)


def test_a_slab_thicker_than_the_volume_is_refused(space: Space) -> None:
    with pytest.raises(InputError, match="8 and the volume has 7 planes"):
        made(space, centers="slabs", thickness=8)


def test_an_atlas_without_voxels_of_the_mask_is_refused(space: Space, tmp_path: Path) -> None:
    far = OBLIQUE.copy()
    far[:3, 3] += 500
    write(Volume(np.ones((4, 4, 4), dtype=np.int16), far, "atlas"), tmp_path / "atlas.nii.gz")
    with pytest.raises(InputError, match="none has"):
        made(space, tmp_path, centers="regions", atlas="atlas.nii.gz")


def test_a_map_is_no_atlas(space: Space, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(space.mask.shape).astype(np.float32)
    write(Volume(values, space.grid.affine, "stat"), tmp_path / "z.nii.gz")
    with pytest.raises(InputError, match="whole numbers"):
        made(space, tmp_path, centers="regions", atlas="z.nii.gz")
