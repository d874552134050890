"""From series to samples: order of the steps, excluded voxels and volumes, and scores on real data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean
from sklearn.svm import LinearSVC

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.slabs import Slab, cut, resolve
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

AFFINE = np.diag([3.0, 3.5, 4.0, 1])
RUNS, PER_RUN = 2, 12
RAW = PrepareConfig(detrend=False, standardize_runs=False)
CLEANED = PrepareConfig(detrend=True, standardize_runs=True)


def scan(step: float | None = 2.0) -> Volume:
    rng = np.random.default_rng(1)
    data = np.zeros((10, 11, 9, RUNS * PER_RUN), np.float32)
    data[1:9, 1:10, 1:8] = rng.normal(500, 50, (8, 9, 7, RUNS * PER_RUN)) + np.arange(RUNS * PER_RUN)
    return Volume(data, AFFINE, "bold" if step else "stat", step)


def table() -> pd.DataFrame:
    labels = ["rest", "rest", "face", "face", "face", "", "house", "house", "house", "rest", "face", "face"]
    rows = pd.DataFrame({"volume": range(RUNS * PER_RUN), "label": labels * RUNS})
    rows["run"] = [str(i // PER_RUN + 1) for i in range(len(rows))]
    rows["block"] = np.cumsum(rows["label"] != rows["label"].shift()) - 1
    return rows.assign(subject="", session="")


def ball() -> Volume:
    x, y, z = np.indices((10, 11, 9))
    inside = (x - 5) ** 2 + (y - 5) ** 2 + (z - 4) ** 2 <= 9
    return Volume(inside.astype(np.uint8), AFFINE, "mask", name="ball")


def test_rest_is_used_for_cleaning_and_dropped_afterwards():
    series, mask = scan(), ball()
    samples = prepare(series, table(), CLEANED, mask=mask, exclude=["rest"])
    raw = np.asarray(series.data)[mask.at(0) > 0].T.astype(float)
    runs = [
        clean(run, detrend=True, standardize="zscore_sample", filter=False) for run in np.split(raw, RUNS)
    ]
    kept = np.isin(table()["label"], ["face", "house"])
    np.testing.assert_allclose(samples.X, np.vstack(runs)[kept], atol=1e-4)
    assert samples.X.dtype == np.float32
    assert samples.classes == ("face", "house")
    assert samples.table["volume"].tolist() == np.flatnonzero(kept).tolist()
    np.testing.assert_array_equal(samples.space.mask, mask.at(0) > 0)


def test_rest_is_a_class_unless_excluded_and_values_can_stay_raw():
    series = scan()
    samples = prepare(series, table(), RAW)
    assert samples.classes == ("face", "house", "rest")
    kept = table()["label"] != ""
    np.testing.assert_array_equal(samples.X, np.asarray(series.data).reshape(-1, 24).T[kept])


def test_time_series_are_detrended_and_standardized_by_default_and_maps_are_not():
    series = scan()
    maps = replace(series, step=None, kind="stat")
    asked = PrepareConfig(detrend=True, standardize_runs=True)
    np.testing.assert_array_equal(
        prepare(series, table(), PrepareConfig()).X, prepare(series, table(), asked).X
    )
    np.testing.assert_array_equal(prepare(maps, table(), PrepareConfig()).X, prepare(maps, table(), RAW).X)


def test_each_block_is_averaged_to_one_sample():
    series = scan()
    whole = prepare(series, table(), CLEANED, mask=ball(), exclude=["rest"])
    averaged = prepare(
        series,
        table(),
        CLEANED.model_copy(update={"average_blocks": True}),
        mask=ball(),
        exclude=["rest"],
    )
    assert averaged.table["label"].tolist() == ["face", "house", "face"] * 2
    assert averaged.table["volume"].tolist() == [2, 6, 10, 14, 18, 22]
    np.testing.assert_allclose(averaged.X[0], whole.X[:3].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(averaged.X[5], whole.X[-2:].mean(axis=0), atol=1e-6)
    assert averaged.notes == ("16 volumes were averaged to 6 blocks of 2 to 3.",)


def test_each_class_of_each_run_is_averaged_to_one_sample():
    series = scan()
    whole = prepare(series, table(), CLEANED, mask=ball(), exclude=["rest"])
    config = CLEANED.model_copy(update={"average_runs": True})
    averaged = prepare(series, table(), config, mask=ball(), exclude=["rest"])
    assert averaged.table["label"].tolist() == ["face", "house"] * 2
    assert averaged.table["run"].tolist() == ["1", "1", "2", "2"]
    assert averaged.table["block"].tolist() == [0, 1, 2, 3]
    for row in range(4):
        alike = whole.table[["label", "run"]] == averaged.table.loc[row, ["label", "run"]]
        np.testing.assert_allclose(
            averaged.X[row], whole.X[alike.all(axis=1)].mean(axis=0, dtype=float), atol=1e-6
        )
    assert averaged.notes == ("16 volumes were averaged to 4 samples, one per run and class, of 3 to 5.",)


def test_samples_of_a_slab_equal_the_slab_that_is_cut():
    series, mask = scan(), ball()
    slab = SlabConfig(rotate_x=15, start=3, stop=6, interpolation="linear")
    samples = prepare(series, table(), RAW, mask=mask, slab=slab, exclude=["rest"])
    mean = np.where(mask.at(0) > 0, series.mean().at(0), 0)
    where = resolve(slab.slab(), series.grid, mean)
    assert samples.space.grid.same_as(where.scanner)
    volume, _ = cut(series, slab.slab(), mean)
    kept = np.isin(table()["label"], ["face", "house"])
    expected = np.asarray(volume.data)[samples.space.mask].T[kept]
    np.testing.assert_allclose(samples.X, expected, atol=1e-2)
    assert samples.space.axis == 2
    assert 0 < samples.space.n_features < mask.at(0).sum()


@pytest.mark.parametrize(("axis", "number"), [("x", 0), ("y", 1), ("z", 2)])
def test_the_planes_of_a_slab_are_the_channels_of_a_network(axis, number):
    slab = SlabConfig(axis=axis, start=2, stop=5, crop=False)
    samples = prepare(scan(), table(), PrepareConfig(), slab=slab)
    assert samples.space.axis == number
    assert samples.space.input_shape("planes")[0] == 3


def test_a_resolved_slab_is_used_on_other_series_unchanged():
    series = scan()
    slab = SlabConfig(rotate_x=15, start=3, stop=6)
    first = prepare(series, table(), PrepareConfig(), slab=slab)
    written = slab.resolved(first.space.grid)
    again = SlabConfig.model_validate(written.model_dump(mode="json"))
    empty = Volume(np.array(series.data) * (np.indices(series.shape)[0] > 4), AFFINE, "bold", 2.0)
    other = prepare(empty, table(), PrepareConfig(), slab=again)  # its mean would be cropped in another way
    assert other.space.grid.same_as(first.space.grid)


def test_slab_options_equal_those_of_the_geometry():
    assert SlabConfig().slab() == Slab()
    given = {"rotate_x": 20.05, "axis": "y", "start": -3, "pivot": [1, 2, 3], "grid": "nilearn"}
    assert SlabConfig(**given).slab() == Slab(
        rotate_x=20.05, axis="y", start=-3, pivot=(1, 2, 3), grid="nilearn"
    )
    for model in (SlabConfig, PrepareConfig):
        assert all(field.description for field in model.model_fields.values())


def test_a_slab_outside_the_mask_or_the_images_is_an_error():
    with pytest.raises(InputError, match="must contain voxels of the mask"):
        prepare(scan(), table(), PrepareConfig(), mask=ball(), slab=SlabConfig(start=0, stop=1, crop=False))
    with pytest.raises(InputError, match="planes of the rotated volume"):
        prepare(scan(), table(), PrepareConfig(), slab=SlabConfig(start=40, stop=43))


def test_voxels_outside_the_rotated_images_are_not_features():
    samples = prepare(scan(), table(), PrepareConfig(), slab=SlabConfig(rotate_z=45, crop=False))
    assert 0 < samples.space.n_features < np.prod(samples.space.grid.shape)


def test_voxels_and_volumes_with_missing_values_are_excluded_with_notes():
    data = np.array(scan().data)
    data[5, 5, 4, 3] = np.nan
    data[..., 7] = np.nan
    series = Volume(data, AFFINE, "bold", 2.0)
    samples = prepare(series, table(), CLEANED, mask=ball(), exclude=["rest"])
    assert np.isfinite(samples.X).all()
    assert not samples.space.mask[5, 5, 4]
    assert 7 not in samples.table["volume"].tolist()
    assert "are NaN or infinite in some of 1 volume(s)" in samples.notes[0]
    assert samples.notes[1] == "1 volume(s) have no finite value and are excluded: 7."


def test_images_without_finite_values_are_an_error():
    nothing = Volume(np.full((3, 3, 3, 24), np.nan, np.float32), AFFINE, "bold", 2.0)
    with pytest.raises(InputError, match="all are NaN"):
        prepare(nothing, table(), PrepareConfig())


def test_constant_images_are_an_error():
    still = replace(scan(), data=np.full((10, 11, 9, RUNS * PER_RUN), 7, np.float32))
    with pytest.raises(InputError, match="all 990 are constant over all 16"):
        prepare(still, table(), RAW, exclude=["rest"])


def test_a_mask_on_another_grid_is_noted():
    coarse = Volume(np.ones((5, 6, 5), np.uint8), np.diag([6.0, 7.0, 8.0, 1]), "mask", name="coarse")
    samples = prepare(scan(), table(), PrepareConfig(), mask=coarse)
    assert samples.notes[0].startswith("coarse is on another grid than the images (5 x 6 x 5 voxels")


def test_detrending_a_stack_of_maps_is_noted():
    samples = prepare(scan(step=None), table(), PrepareConfig(detrend=True))
    assert "not a series in time" in samples.notes[0]


def test_labels_that_do_not_fit_are_an_error():
    with pytest.raises(InputError, match="got 23 rows for 24 volumes"):
        prepare(scan(), table().iloc[:-1], PrepareConfig())
    with pytest.raises(InputError, match="the 10 of 24 volumes that are used show face"):
        prepare(scan(), table(), PrepareConfig(), exclude=["rest", "house"])


# -- real data


def haxby_samples(folder, config=CLEANED, lag=0.0) -> Samples:
    series = read(folder / "bold.nii.gz")
    labels = parse_labels({"source": "table", "table": "volumes.tsv", "exclude": ["rest"], "lag": lag})
    rows, _ = label_table(labels, series, folder)
    mask, _ = make_mask(parse_mask("mask.nii.gz"), series, folder)
    return prepare(series, rows, config, mask=mask, exclude=labels.exclude)


def svm_score(samples: Samples) -> float:
    scores = []
    for split in make_splits(SplitConfig(), samples.table):
        svm = LinearSVC(C=1e-3, dual="auto").fit(samples.X[split.train], samples.y[split.train])
        scores.append(svm.score(samples.X[split.test], samples.y[split.test]))
    return float(np.mean(scores))


# These scores are in the README of the data, for the same model and settings.
@pytest.mark.parametrize(
    ("lag", "expected"),
    [
        (0.0, 0.677),
        pytest.param(2.5, 0.603, marks=pytest.mark.slow),
        pytest.param(5.0, 0.487, marks=pytest.mark.slow),
    ],
)
def test_a_linear_svm_scores_as_published(haxby, lag, expected):
    samples = haxby_samples(haxby, lag=lag)
    assert samples.X.shape[1] == 530
    assert svm_score(samples) == pytest.approx(expected, abs=0.01)


def test_averaged_blocks_score_as_published(haxby):
    samples = haxby_samples(haxby, CLEANED.model_copy(update={"average_blocks": True}))
    assert len(samples.X) == 96
    assert svm_score(samples) == pytest.approx(0.698, abs=0.01)
