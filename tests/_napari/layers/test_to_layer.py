"""Volume to layer and back: positions agree with nibabel's in every storage order."""

from __future__ import annotations

import copy
import doctest
from itertools import permutations, product
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_fmri_decoder._napari.layers import colormaps, lazy_arrays
from napari_fmri_decoder._napari.layers.display import displayed_data, straight_grid
from napari_fmri_decoder._napari.layers.from_layer import keep_painted, rebuilt, volume_of
from napari_fmri_decoder._napari.layers.lazy_arrays import LayerArray
from napari_fmri_decoder._napari.layers.to_layer import KEY, set_frame, to_layer
from napari_fmri_decoder._napari.viewer.camera import set_plane
from napari_fmri_decoder.volumes.frames import Frame, Grid, rotation
from napari_fmri_decoder.volumes.volume import Volume

ORDERS = list(permutations(range(3)))
FLIPS = list(product((1, -1), repeat=3))
SIZE = (2.0, 3.0, 4.0)  # mm, of the axes to the right, to anterior and to superior
TILT = rotation(x=12, y=-8, z=25)


class Lazy:
    """An array that can only be sliced, and counts how often."""

    def __init__(self, data: NDArray[Any]) -> None:
        self.data, self.shape, self.ndim, self.dtype = data, data.shape, data.ndim, data.dtype
        self.reads = 0

    def __getitem__(self, key: Any) -> NDArray[Any]:
        self.reads += 1
        return self.data[key]


def stored(
    order: tuple[int, ...],
    flips: tuple[int, ...],
    *,
    kind: Any = "anatomy",
    tilt: NDArray[np.float64] | None = None,
    lead: int = 0,
    lazy: bool = False,
) -> Volume:
    """A volume with voxel axes along scanner axes `order`, with `flips`; all values are different."""
    shape = tuple((7, 8, 9)[a] for a in order)
    linear = np.zeros((3, 3))
    for voxel_axis, (axis, flip) in enumerate(zip(order, flips, strict=True)):
        linear[axis, voxel_axis] = flip * SIZE[axis]
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if tilt is None else tilt) @ linear
    affine[:3, 3] = [5.5, -20.25, 11]
    data: Any = np.arange(1, np.prod(shape) * max(lead, 1) + 1).reshape(*shape, *([lead] if lead else []))
    data = data.astype(np.int16 if kind in ("mask", "atlas", "bold") else np.float32)
    return Volume(Lazy(data) if lazy else data, affine, kind, 2.5 if kind == "bold" else None, name="scan")


def layer_of(volume: Any, frame: Frame | None = None) -> Layer:
    return Layer.create(*to_layer(volume, frame or Frame(np.eye(4))))


def value_at(layer: Layer, mm: NDArray[np.float64], lead: tuple[float, ...] = ()) -> Any:
    """Value in the status bar at scanner or frame millimeters x, y, z."""
    return layer.get_value((*lead, *mm[::-1]), world=True)


@pytest.mark.parametrize("kind", ["anatomy", "atlas"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_cursor_reads_nibabels_millimeters_for_all_48_storage_orders(
    order: tuple[int, ...], flips: tuple[int, ...], kind: str
):
    volume = stored(order, flips, kind=kind, lazy=sum(flips) > 0)
    true = np.asarray(volume.data[...])
    layer = layer_of(volume)
    viewer = ViewerModel()
    viewer.add_layer(layer)
    assert layer.ndim == 3
    rng = np.random.default_rng(0)
    for voxel in rng.integers(0, true.shape, size=(5, 3)):
        mm = nib.affines.apply_affine(volume.affine, voxel)
        viewer.dims.point = tuple(mm[::-1])
        at = layer.world_to_data(mm[::-1])
        assert layer.data[tuple(round(i) for i in at)] == true[tuple(voxel)]
        np.testing.assert_allclose(layer.data_to_world(at)[::-1], mm, atol=1e-9)
        assert value_at(layer, mm) == true[tuple(voxel)]
        # a third of a voxel away it is the same voxel, a full voxel away another one
        step = np.linalg.norm(volume.affine[:3, 0])
        aside = mm + volume.affine[:3, 0] / step * step * 0.3
        viewer.dims.point = tuple(aside[::-1])
        assert value_at(layer, aside) == true[tuple(voxel)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_every_plane_can_be_shown_in_every_storage_order(order: tuple[int, ...], flips: tuple[int, ...]):
    viewer = ViewerModel()
    layer = viewer.add_layer(layer_of(stored(order, flips, kind="bold", lead=3)))
    assert layer.data.shape == (3, 9, 8, 7)
    for plane in ("axial", "coronal", "sagittal"):
        set_plane(viewer, plane)
        viewer.dims.point = (2.5, 11, -20.25, 5.5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_oblique_scans_are_shown_on_a_straight_grid_at_nibabels_positions(
    order: tuple[int, ...], flips: tuple[int, ...]
):
    volume = stored(order, flips, kind="atlas", tilt=TILT)
    true = np.asarray(volume.data)
    labels = layer_of(volume)
    # linear interpolation does not change a linear ramp, so the cursor must read its exact value
    voxels = np.moveaxis(np.indices(true.shape), 0, -1)
    ramp = nib.affines.apply_affine(volume.affine, voxels) @ [1.0, 2.0, -0.5] + 100
    image = layer_of(Volume(ramp.astype(np.float32), volume.affine, "anatomy"))
    viewer = ViewerModel()
    viewer.add_layer(labels)
    viewer.add_layer(image)
    affine = labels.affine.affine_matrix[:3, :3]
    assert np.count_nonzero(affine) == 3
    for voxel in np.random.default_rng(1).integers(1, np.array(true.shape) - 1, size=(5, 3)):
        mm = nib.affines.apply_affine(volume.affine, voxel)
        viewer.dims.point = tuple(mm[::-1])
        center = np.round(image.world_to_data(mm[::-1]))
        shown_mm = np.asarray(image.data_to_world(center))[::-1]
        assert value_at(image, mm) == pytest.approx(shown_mm @ [1.0, 2.0, -0.5] + 100, abs=1e-2)
        nearest = nib.affines.apply_affine(np.linalg.inv(volume.affine), shown_mm).round().astype(int)
        assert value_at(labels, mm) == true[tuple(nearest)]


def test_straight_scans_are_views_of_the_data_without_copies():
    for volume in (stored((2, 0, 1), (1, -1, 1)), stored((1, 2, 0), (-1, 1, 1), kind="bold", lead=4)):
        data, _ = displayed_data(volume)
        assert np.shares_memory(data, volume.data)


def test_rounding_in_a_header_does_not_tilt_a_scan():
    """Quaternions in float32 leave an obliqueness of a millionth, for which napari would warn."""
    volume = stored((0, 1, 2), (-1, 1, 1))
    affine = volume.affine.copy()
    affine[:3, :3] = rotation(z=1e-4) @ affine[:3, :3]
    noisy = Volume(volume.data, affine, "anatomy")
    data, shown = displayed_data(noisy)
    assert np.shares_memory(data, volume.data)
    assert np.count_nonzero(shown[:3, :3]) == 3
    corners = nib.affines.apply_affine(affine, [[0, 0, 0], [6, 7, 8]])
    placed = nib.affines.apply_affine(shown, [[0, 0, 6], [8, 7, 0]])[:, ::-1]
    np.testing.assert_allclose(placed[:, [1, 2]], corners[:, [1, 2]], atol=1e-3)


def test_a_series_has_time_first_in_seconds_and_a_stack_counts_its_maps():
    bold = layer_of(stored((0, 1, 2), (1, 1, 1), kind="bold", lead=3))
    assert bold.axis_labels == ("time", "z", "y", "x")
    assert [str(u) for u in bold.units] == ["second", *["millimeter"] * 3]
    assert bold.data_to_world((2, 0, 0, 0))[0] == 5.0
    maps = layer_of(stored((0, 1, 2), (1, 1, 1), kind="stat", lead=3))
    assert maps.axis_labels[0] == "volume"
    assert str(maps.units[0]) == "pixel"
    assert maps.data_to_world((2, 0, 0, 0))[0] == 2.0


def test_layers_beyond_four_dimensions_put_the_filter_before_the_volume():
    class Activations:
        data = np.arange(3 * 4 * 5 * 6 * 2).reshape(3, 4, 5, 6, 2).astype(np.float32)
        affine = np.diag([2.0, 2, 2, 1])
        kind = "bold"
        step = 2.5
        name = "mlp conv1"

    layer = layer_of(Activations())
    assert layer.data.shape == (2, 6, 5, 4, 3)
    assert layer.axis_labels == ("filter", "time", "z", "y", "x")
    assert layer.data_to_world((1, 2, 0, 0, 0))[:2] == (1.0, 5.0)
    assert volume_of(layer) is None


def test_each_kind_has_its_colors_and_limits():
    rng = np.random.default_rng(0)
    head = rng.gamma(4.0, 20.0, (20, 20, 20)).astype(np.float32)
    head[:10] = 0
    gray = layer_of(Volume(head, np.eye(4), "anatomy"))
    low, high = gray.contrast_limits
    assert low == 0
    assert np.percentile(head[10:], 99) < high < head.max()
    z = rng.normal(size=(20, 20, 20)).astype(np.float32)
    z[:3] = np.nan
    z[-1, -1, -1] = 1e6  # an outlier
    stat = layer_of(Volume(z, np.eye(4), "stat"))
    low, high = stat.contrast_limits
    assert low == -high
    assert 2 < high < 6
    alpha = stat.colormap.map([0.5])[0][3]
    assert alpha == 0
    assert (stat.colormap.map([0.0, 1.0])[:, 3] == 1).all()
    assert np.isfinite(np.asarray(stat.data)).all()
    assert np.isnan(volume_of(stat).data[0, 0, 0])  # the volume itself is not changed
    assert isinstance(layer_of(stored((0, 1, 2), (1, 1, 1), kind="atlas")), Labels)
    again = layer_of(Volume(z * 2, np.eye(4), "stat"))
    assert again.colormap.name == stat.colormap.name == "cold-hot"


@pytest.mark.parametrize("values", [np.zeros((3, 3, 3)), np.full((3, 3, 3), np.nan), np.full((3, 3, 3), 7.0)])
@pytest.mark.parametrize("kind", ["anatomy", "stat", "bold"])
def test_empty_and_flat_images_open(values: NDArray[np.float64], kind: Any):
    layer = layer_of(Volume(values.astype(np.float32), np.eye(4), kind))
    assert layer.contrast_limits[0] < layer.contrast_limits[1]


def test_a_slab_of_one_oblique_plane_is_shown_with_the_thickness_of_its_voxels():
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=20)
    plane = Volume(np.ones((30, 30, 1), np.float32), affine, "anatomy")
    data, placed = displayed_data(plane)
    volume_mm3 = np.asarray(data).sum() * abs(np.linalg.det(placed[:3, :3]))
    assert volume_mm3 == pytest.approx(900, rel=0.05)
    mask, placed = displayed_data(Volume(np.ones((30, 30, 1), np.uint8), affine, "mask"))
    assert mask.sum() == pytest.approx(900, rel=0.05)


def test_series_are_read_by_volume_and_only_once():
    volume = stored((2, 1, 0), (1, -1, 1), kind="bold", lead=30, lazy=True)
    viewer = ViewerModel()
    layer = viewer.add_layer(layer_of(volume))
    source = volume.data
    opened = source.reads
    assert opened <= 4
    viewer.dims.point = (25.0, *viewer.dims.point[1:])
    assert source.reads == opened + 1
    for z in (3, 7, 11):
        viewer.dims.point = (25.0, z, *viewer.dims.point[2:])
    set_frame(layer, Frame.from_angles(x=20))
    assert source.reads == opened + 1


def test_frames_change_only_data_and_affine_and_can_be_reversed_exactly():
    volume = stored((0, 2, 1), (1, 1, -1))
    layer = layer_of(volume)
    layer.contrast_limits = (3, 33)
    layer.colormap = "magma"
    before = np.array(layer.affine.affine_matrix)
    frame = Frame.from_angles(x=20, z=-10, pivot=(3, 4, 5))
    set_frame(layer, frame)
    assert isinstance(layer.data, LayerArray)
    center = Grid(volume.shape, volume.affine).corners.mean(axis=0)
    shown = np.asarray(layer.data_to_world((np.array(layer.data.shape) - 1) / 2))[::-1]
    np.testing.assert_allclose(shown, frame.to_frame(center), atol=1e-9)
    set_frame(layer, Frame(np.eye(4)))
    np.testing.assert_array_equal(np.asarray(layer.data), np.asarray(displayed_data(volume)[0]))
    np.testing.assert_allclose(layer.affine.affine_matrix, before)
    assert layer.contrast_limits == [3, 33]
    assert layer.colormap.name == "magma"


def test_straight_grid_contains_every_voxel():
    volume = stored((1, 0, 2), (1, 1, 1), tilt=TILT)
    grid = straight_grid(volume.grid)
    low, high = grid.corners.min(axis=0), grid.corners.max(axis=0)
    half = grid.voxel_size / 2
    assert (volume.grid.corners >= low - half).all()
    assert (volume.grid.corners <= high + half).all()
    np.testing.assert_allclose(grid.voxel_size, SIZE)


def test_painted_masks_are_arrays_in_memory_and_keep_their_position():
    frame = Frame.from_angles(x=30)
    empty = Volume(np.zeros((20, 20, 20), np.uint8), np.diag([2.0, 2, 2, 1]), "mask")
    layer = layer_of(empty, frame)
    assert isinstance(layer.data, np.ndarray)
    at = tuple(np.array(layer.data.shape) // 2)
    layer.data[at] = 1
    mm = frame.to_scanner(np.asarray(layer.data_to_world(at))[::-1])
    keep_painted(layer, frame)
    painted = volume_of(layer, frame)
    (voxel,) = np.argwhere(painted.at(0))
    np.testing.assert_allclose(nib.affines.apply_affine(painted.affine, voxel), mm, atol=1e-9)
    set_frame(layer, Frame(np.eye(4)))
    found = np.argwhere(layer.data)
    shown = np.array([layer.data_to_world(f) for f in found])[:, ::-1]
    assert np.abs(shown - mm).max() < 2.5


def test_painting_over_a_mask_file_keeps_its_grid_but_no_longer_its_path():
    from napari_fmri_decoder.volumes.volume import Part

    data = np.zeros((5, 6, 7), np.uint8)
    volume = Volume(data, np.diag([-2.0, 2, 2, 1]), "mask", parts=(Part("mask.nii", 1),))
    layer = layer_of(volume)
    layer.data[0, 0, 0] = 1
    keep_painted(layer, Frame(np.eye(4)))
    painted = volume_of(layer)
    assert painted.parts == ()
    assert painted.grid.same_as(volume.grid)
    assert painted.at(0)[0, 0, 0] == 1


def test_layers_of_others_get_a_volume_from_data_and_world_coordinates():
    frame = Frame.from_angles(x=25)
    data = np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(np.int32)
    layer = Labels(data, scale=(3, 2, 1), translate=(10, 20, 30), units="mm", name="drawn")
    volume = volume_of(layer, frame)
    assert volume.kind == "atlas"
    world = np.asarray(layer.data_to_world((1, 2, 3)))[::-1]
    assert volume.at(0)[3, 2, 1] == data[1, 2, 3]
    np.testing.assert_allclose(
        frame.to_frame(nib.affines.apply_affine(volume.affine, [3, 2, 1])), world, atol=1e-9
    )
    series = Image(np.zeros((4, 3, 3, 3)), scale=(2000, 1, 1, 1), units=("ms", "um", "um", "um"))
    taken = rebuilt(series)
    assert taken.step == pytest.approx(2.0)
    assert taken.affine[0, 0] == pytest.approx(1e-3)
    assert rebuilt(Image(np.zeros((4, 4)))) is None
    assert rebuilt(Image(np.zeros((4, 4, 4, 3)), rgb=True)) is None


def test_large_layers_of_others_are_not_read_completely():
    class Slide(Lazy):
        voxels = 0

        def __getitem__(self, key: Any) -> NDArray[Any]:
            read = super().__getitem__(key)
            type(self).voxels += read.size
            return read

    layer = Image(Slide(np.ones((50, 40, 30), np.uint16)), contrast_limits=(0, 1), name="slide")
    Slide.voxels = 0
    assert rebuilt(layer).shape == (30, 40, 50)
    assert Slide.voxels <= 40 * 30


def test_duplicated_layers_share_the_cache():
    layer = layer_of(stored((0, 1, 2), (1, 1, 1), kind="bold", lead=5, lazy=True))
    data, state, kind = layer.as_layer_data_tuple()
    twin = Layer.create(copy.deepcopy(data), state, kind)
    assert twin.metadata[KEY] is layer.metadata[KEY]
    assert twin.data is layer.data


@pytest.mark.parametrize("module", [lazy_arrays, colormaps])
def test_examples_of_docstrings(module: Any):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("frame", [Frame(np.eye(4)), Frame.from_angles(x=15, z=90), Frame.from_angles(y=20)])
def test_the_status_bar_names_the_region_under_the_cursor(frame: Frame):
    regions = np.zeros((8, 9, 10), np.int16)
    regions[:4], regions[4:, 3:] = 1003, 7
    names = {1003: "Insula", 7: "Cuneus"}
    atlas = Volume(regions, np.diag([2.0, 2.0, 2.0, 1.0]), "atlas", name="atlas", regions=names)
    viewer = ViewerModel()
    layer = viewer.add_layer(Layer.create(*to_layer(atlas, frame)))
    for mm, value in (((2, 8, 10), 1003), ((12, 10, 10), 7), ((12, 2, 10), 0)):
        viewer.dims.point = at = tuple(frame.to_frame(np.array(mm, float))[::-1])
        status = layer.get_status(at, world=True)
        assert status["value"] == (f"{value}; name: {names[value]}" if value else "0")
