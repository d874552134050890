"""The number of voxels shown before training is that of the samples; masks that exclude much are reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from counting import counted
from scipy import ndimage

from napari_fmri_decoder.samples.mask_coverage import Coverage, coverage, expected_space, survey
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import rotation
from napari_fmri_decoder.volumes.volume import Volume

SHAPE = (16, 18, 12)
TABLE = pd.DataFrame(
    {"label": ["a", "b"] * 8, "run": ["1"] * 8 + ["2"] * 8, "subject": "", "session": "", "volume": range(16)}
)


def images(*, tilt: bool = False, missing: str = "", kind: Any = "bold") -> Volume:
    """An ellipsoid of noise in air of 0, straight or oblique, with voxels that are not finite."""
    rng = np.random.default_rng(3)
    affine = np.eye(4)
    affine[:3, :3] = (rotation(x=12, z=7) if tilt else np.eye(3)) @ np.diag([-3.0, 3, 3.5])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(SHAPE) / 2)
    place = (np.moveaxis(np.indices(SHAPE), 0, -1) + 0.5) / SHAPE - 0.5
    inside = ((place / [0.42, 0.45, 0.4]) ** 2).sum(axis=-1) < 1
    data = inside[..., None] * rng.normal(0 if kind == "stat" else 500, 40, (*SHAPE, 16))
    if missing:
        data[4:9, 6:8, 3:7, 2 if missing == "voxels" else slice(None)] = np.nan
        data[10, 10, :, 5] = np.inf
    if missing == "and volumes":
        data[..., 11] = np.nan
    step = None if kind == "stat" else 2.0
    return Volume(data.astype(np.float32), affine, kind, step, name="images")


@pytest.mark.parametrize("missing", ["", "voxels", "and volumes"])
@pytest.mark.parametrize("tilt", [False, True])
@pytest.mark.parametrize(
    "slab",
    [
        None,
        SlabConfig(crop=False, start=3, stop=7),
        SlabConfig(rotate_x=20.05, start=3, stop=7),
        SlabConfig(rotate_x=-15, rotate_z=30, axis="y", start=4, stop=9, interpolation="linear"),
        SlabConfig(rotate_y=25, grid="nilearn", crop=False, interpolation="nearest"),
    ],
    ids=["no slab", "straight", "rotated, cropped", "two rotations", "nilearn's grid"],
)
@pytest.mark.parametrize("masked", [False, True])
def test_the_voxels_are_those_of_the_samples(
    slab: SlabConfig | None, tilt: bool, missing: str, masked: bool
) -> None:
    series = images(tilt=tilt, missing=missing)
    mask = make_mask(parse_mask({"strategy": "threshold", "above": 460}), series, Path())[0]
    samples = prepare(series, TABLE, PrepareConfig(), mask=mask if masked else None, slab=slab)
    watched, counter = counted(series)
    found = survey(watched)
    space = expected_space(watched, found, mask if masked else None, slab)
    assert counter.passes() == {1}, "the series is read once"
    assert space.n_features == samples.X.shape[1]
    assert space.grid.same_as(samples.space.grid)
    np.testing.assert_array_equal(space.mask, samples.space.mask)


def test_the_voxels_of_a_resolved_slab_and_of_a_mask_on_another_grid() -> None:
    series = images(tilt=True)
    fine = Volume(np.ones((30, 30, 30), np.uint8), np.diag([1.5, 1.5, 1.5, 1]), "mask", name="fine")
    slab = SlabConfig(rotate_x=10, start=2, stop=8)
    stored = slab.resolved(slab.placed(series, fine).scanner)
    samples = prepare(series, TABLE, PrepareConfig(), mask=fine, slab=stored)
    assert expected_space(series, survey(series), fine, stored).n_features == samples.X.shape[1]


@pytest.mark.parametrize("kind", ["bold", "stat"])
@pytest.mark.parametrize("slab", [None, SlabConfig(crop=False, start=3, stop=7)])
def test_a_mask_that_excludes_more_than_a_third_is_reported_with_both_counts(
    kind: str, slab: SlabConfig | None
) -> None:
    """Counted here by hand: the voxels of the ellipsoid are those that are not 0."""
    series = images(kind=kind)
    found = survey(series)
    signal = (np.asarray(series.data) != 0).any(axis=-1)
    part = signal[:, :, 3:7] if slab else signal
    for n_eroded in (0, 1, 2, 3):
        eroded = ndimage.binary_erosion(signal, iterations=n_eroded) if n_eroded else signal
        mask = Volume(eroded.astype(np.uint8), series.affine, "mask")
        space = expected_space(series, found, mask, slab)
        got = coverage(space, found.known(series), part="slab" if slab else "images")
        kept = int((eroded[:, :, 3:7] if slab else eroded).sum())
        assert (got.features, got.signal, got.excluded) == (kept, part.sum(), part.sum() - kept)
        if kept >= part.sum() * 2 / 3:
            assert got.warning is None
        else:
            assert f"{part.sum() - kept:,} of the {part.sum():,} voxels of the {got.part}" in str(got.warning)
    assert got.warning is not None


def test_the_limit_is_a_third() -> None:
    assert Coverage(100, 150, 50, 0.0, "slab").warning is None
    assert "51 of the 150 voxels of the slab" in str(Coverage(99, 150, 51, 0.0, "slab").warning)


def test_air_with_noise_is_no_signal() -> None:
    series = images()
    noise = np.abs(np.random.default_rng(0).normal(0, 8, series.data.shape)).astype(np.float32)
    head = (np.asarray(series.data) != 0).any(axis=-1)
    noisy = replace(series, data=np.asarray(series.data) + noise)
    found = survey(noisy)
    mask = Volume(head.astype(np.uint8), noisy.affine, "mask")
    got = coverage(expected_space(noisy, found, mask, None), found.known(noisy), part="images")
    assert got.signal == head.sum()
    assert got.excluded == 0
    assert got.above == pytest.approx(0.1 * np.percentile(found.moments.mean, 98), rel=1e-3)


def test_epi_on_maps_is_noted() -> None:
    series = images(kind="stat")
    config = parse_mask({"strategy": "epi", "opening": 0})
    assert "statistical maps" in make_mask(config, replace(series, data=np.abs(series.data)), Path())[1][0]
    assert make_mask(config, images(), Path())[1] == []
