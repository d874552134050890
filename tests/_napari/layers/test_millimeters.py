"""Positions of layers agree with nibabel's millimeters in every storage order.

All 48 orders and flips of the axes, straight, oblique and sheared, every kind of layer, in the
scanner's frame and in a rotated one.
"""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from nibabel.affines import apply_affine
from npe2 import PluginManifest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.layers.to_layer import to_layer
from napari_fmri_decoder._napari.viewer.camera import set_plane
from napari_fmri_decoder.volumes.frames import Frame
from napari_fmri_decoder.volumes.volume import Volume

ORDERS = list(permutations(range(3)))
FLIPS = list(product((1, -1), repeat=3))
SIZE = np.array([2.0, 3.0, 2.5])  # mm along right, anterior and superior
SHAPE = np.array([16, 12, 14])
MIDDLE = np.array([4.0, -9.0, 13.0])
PLANTED = MIDDLE + np.array([-6.0, 4.0, 5.0])
HALF_VOXEL = float(np.linalg.norm(SIZE)) / 2
TURNED = Frame.from_angles(x=18, y=-7, z=11, pivot=(3, 4, -5))
GEOMETRIES = {
    "straight": np.eye(3),
    "oblique": Rotation.from_euler("xyz", (13, -9, 22), degrees=True).as_matrix(),
    "sheared": Rotation.from_euler("xyz", (5, 8, -4), degrees=True).as_matrix()
    @ [[1, 0.12, 0], [0, 1, -0.08], [0, 0, 1]],
}
# Leading axes in the order of the array, (n, filter), and which of their places holds what was planted.
KINDS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "anatomy": ((), ()),
    "bold": ((3,), (1,)),
    "stat": ((2,), (0,)),
    "mask": ((), ()),
    "atlas": ((), ()),
    "hidden": ((2, 3), (1, 2)),
}


def affine_of(order: tuple[int, ...], flips: tuple[int, ...], geometry: str) -> tuple[Any, tuple[int, ...]]:
    """Affine and shape of an array with axes along `order`, with `flips`, centered at MIDDLE."""
    shape = tuple(int(SHAPE[axis]) for axis in order)
    linear = np.zeros((3, 3))
    for voxel_axis, (axis, flip) in enumerate(zip(order, flips, strict=True)):
        linear[axis, voxel_axis] = flip * SIZE[axis]
    affine = np.eye(4)
    affine[:3, :3] = GEOMETRIES[geometry] @ linear
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine, shape


def planted(kind: str, affine: Any, shape: tuple[int, ...]) -> Any:
    """A bright blob at PLANTED, placed by nibabel, in one of the volumes."""
    lead, where = KINDS[kind]
    mm = apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
    distance = np.linalg.norm(mm - PLANTED, axis=-1)
    labels = kind in ("mask", "atlas")
    seen = distance < 6 if labels else 1000 * np.exp(-((distance / 4) ** 2) / 2)
    data = np.zeros((*shape, *lead), np.uint8 if labels else np.float32)
    data[(..., *where)] = seen * (7 if kind == "atlas" else 1)
    if kind == "hidden":
        return SimpleNamespace(data=data, affine=affine, kind="bold", step=2.5, name="conv1")
    return Volume(data, affine, kind, 2.5 if kind == "bold" else None)  # type: ignore[arg-type]


def found(data: Any) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Leading indices of the brightest volume, and the index of the center of its blob."""
    data = np.asarray(data).astype(float)
    lead = tuple(int(i) for i in np.unravel_index(np.argmax(data), data.shape)[:-3])
    volume = np.where(data[lead] > data.max() / 4, data[lead], 0)
    center = [(volume * index).sum() / volume.sum() for index in np.indices(volume.shape)]
    return lead, np.array([*lead, *center])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_a_planted_blob_is_found_at_its_millimeters(order: tuple[int, ...], flips: tuple[int, ...]):
    case = ORDERS.index(order) * len(FLIPS) + FLIPS.index(flips)
    for i, (geometry, kind, frame) in enumerate(product(GEOMETRIES, KINDS, (SCANNER, TURNED))):
        affine, shape = affine_of(order, flips, geometry)
        made = to_layer(planted(kind, affine, shape), frame)
        data, meta, _ = made
        lead, index = found(data)
        assert lead == KINDS[kind][1][::-1], (geometry, kind)
        world = apply_affine(meta["affine"], index)
        apart = np.linalg.norm(frame.to_scanner(world[-3:][::-1]) - PLANTED)
        assert apart <= (HALF_VOXEL if kind in ("mask", "atlas") else 0.6), (geometry, kind, apart)
        if i % 18 == case % 18:  # making layers is slow, so each is tested in some of the cases
            layer = Layer.create(*made)
            np.testing.assert_allclose(layer.data_to_world(index), world, atol=1e-6)
            np.testing.assert_allclose(layer.world_to_data(world), index, atol=1e-6)
            steps = {"time": 2.5, "volume": 1.0, "filter": 1.0}
            times = [at * steps[label] for at, label in zip(lead, layer.axis_labels, strict=False)]
            np.testing.assert_allclose(world[: len(lead)], times)


@pytest.mark.parametrize(("order", "flips"), [*zip(ORDERS, FLIPS[1:7], strict=True)])
def test_the_value_under_the_cursor_is_that_of_the_voxel_at_these_millimeters(
    order: tuple[int, ...], flips: tuple[int, ...]
):
    """`test_to_layer.py` has all 48 storage orders of straight scans."""
    rng = np.random.default_rng(0)
    for geometry, frame in product(GEOMETRIES, (SCANNER, TURNED)):
        affine, shape = affine_of(order, flips, geometry)
        regions = rng.permutation(np.prod(shape)).reshape(shape).astype(np.int32) + 1
        viewer = ViewerModel()
        labels = viewer.add_layer(Layer.create(*to_layer(Volume(regions, affine, "atlas"), frame)))
        for voxel in rng.integers(2, np.array(shape) - 2, size=(2, 3)):
            mm = frame.to_frame(apply_affine(affine, voxel))
            viewer.dims.point = tuple(mm[::-1])
            at = np.round(labels.world_to_data(mm[::-1]))
            shown = frame.to_scanner(np.asarray(labels.data_to_world(at))[::-1])
            nearest = apply_affine(np.linalg.inv(affine), shown).round().astype(int)
            # with resampling, the voxel under the cursor may be closer to a neighbor
            assert np.linalg.norm(shown - apply_affine(affine, voxel)) <= HALF_VOXEL + 1e-6
            assert labels.get_value(mm[::-1], world=True) == regions[tuple(nearest)]
            if geometry == "straight" and frame is SCANNER:
                assert tuple(nearest) == tuple(voxel)


def test_sagittally_and_coronally_stored_scans_open_like_axial_ones(viewer: Any, npe2pm: Any, tmp_path: Path):
    npe2pm.register(PluginManifest.from_distribution("napari-fmri-decoder"))
    rng = np.random.default_rng(0)
    canonical = rng.gamma(4, 100, tuple(SHAPE)).astype(np.float32)
    affine = nib.affines.from_matvec(np.diag(SIZE), MIDDLE - SIZE * (SHAPE - 1) / 2)
    head = nib.Nifti1Image(canonical, affine)
    at = np.array([5, 7, 4])  # a voxel to the right, anterior and superior of the first
    for codes in ("RAS", "LAS", "PIR", "ASL", "RSA", "LIP"):  # axial, sagittal and coronal slices first
        stored = head.as_reoriented(
            nib.orientations.ornt_transform(
                nib.io_orientation(affine), nib.orientations.axcodes2ornt(tuple(codes))
            )
        )
        assert "".join(nib.aff2axcodes(stored.affine)) == codes
        nib.save(stored, tmp_path / f"{codes}.nii.gz")
        (layer,) = viewer.open(tmp_path / f"{codes}.nii.gz", plugin="napari-fmri-decoder")
        # voxels of the canonical scan in this layer, whose flips stay in its affine
        corners = [
            np.round(layer.world_to_data(apply_affine(affine, v)[::-1])) for v in (0 * SHAPE, SHAPE - 1)
        ]
        signs = [slice(None, None, 1 if a < b else -1) for a, b in zip(*corners, strict=True)]
        for plane, axis in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
            set_plane(viewer, plane)  # type: ignore[arg-type]
            viewer.dims.point = tuple(apply_affine(affine, at)[::-1])
            expected = np.take(canonical, at[axis], axis).T
            signed = expected[tuple(s for i, s in enumerate(signs) if i != 2 - axis)]
            np.testing.assert_allclose(layer._slice.image.raw, signed, rtol=1e-6)
            assert layer.get_value(apply_affine(affine, at)[::-1], world=True) == canonical[tuple(at)]
        layer.visible = False
