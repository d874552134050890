"""What comes back into the viewer after training: the right values, in the right place, for each volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from scipy import ndimage
from small import AFFINE, SHAPE
from small_result import CNN, SLAB, small_result, table_with_rest

from napari_fmri_decoder._napari.layers import SCANNER
from napari_fmri_decoder._napari.palette import class_colors
from napari_fmri_decoder._napari.results import (
    prediction_features,
    result_volumes,
    sample_rows,
    volumes_in_cell,
)
from napari_fmri_decoder._napari.session import Session
from napari_fmri_decoder._napari.showing import ROLE, SEEN, show_result
from napari_fmri_decoder._napari.slider import filter_shown, show_filter, show_volume, volume_shown
from napari_fmri_decoder._napari.widgets.labels import bands_of
from napari_fmri_decoder.evaluation.scores import predictions_table
from napari_fmri_decoder.explain.activations import activations, layer_grid
from napari_fmri_decoder.volumes.frames import Frame, apply_affine
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """All voxels of the small series, every run left out once."""
    return small_result(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def slab(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A slab that lies obliquely in the scanner."""
    return small_result(tmp_path_factory.mktemp("slab"), slab=SLAB)


def world(layer: Any, index: Any) -> Any:
    """(x, y, z) millimetres of a voxel (..., z, y, x) of a layer, as napari places it."""
    return np.asarray(layer.data_to_world(index))[..., -3:][::-1]


def test_each_volume_is_a_value_whose_features_say_what_its_own_fold_predicted(whole: RunResult) -> None:
    features = prediction_features(whole)
    expected = predictions_table(whole.folds, whole.prepared.samples).set_index("volume")
    assert features["index"].tolist() == list(range(1, 65))
    for _, row in features.iterrows():
        told = expected.loc[row["volume"]]
        assert (row["predicted"], row["true"], row["fold"]) == (told["predicted"], told["true"], told["fold"])
        assert row["run"] == told["run"]
        assert row["probability"] == pytest.approx(max(told["p_closed"], told["p_open"]))


@pytest.mark.parametrize("prepare", [{}, {"average_blocks": True}])
def test_the_bands_number_folds_as_the_files_do(tmp_path: Path, prepare: dict[str, bool]) -> None:
    result = small_result(tmp_path, {"name": "linear", "C": 0.1}, prepare=prepare)
    features = prediction_features(result)
    band = bands_of(result.prepared.table, result.prepared)["tested in fold"]
    assert band == features["fold"].astype(str).tolist()
    told = predictions_table(result.folds, result.prepared.samples)
    assert [band[volume] for volume in told["volume"]] == told["fold"].astype(str).tolist()
    assert set(band) == {"0", "1", "2", "3"}


def test_volumes_that_no_fold_left_out_have_no_prediction_and_no_colour(whole: RunResult) -> None:
    one = replace(whole, folds=whole.folds[1:2])
    features = prediction_features(one)
    tested = features["run"] == "2"
    assert (features["predicted"] != "").equals(tested)
    assert features.loc[~tested, "probability"].isna().all()
    colors = result_volumes(one)[-1].meta["colors"]
    assert set(colors) == set(features.loc[tested, "index"])
    expected = class_colors(one.scores.classes)
    assert all(colors[i] == expected[features.loc[i - 1, "predicted"]] for i in colors)


def test_what_is_left_out_keeps_its_label_and_its_place_in_time(tmp_path: Path) -> None:
    labels = {"source": "table", "table": str(table_with_rest(tmp_path)), "exclude": ["rest"]}
    result = small_result(tmp_path, {"name": "linear", "C": 0.1}, labels=labels)
    features = prediction_features(result)
    rest = features["true"] == "rest"
    assert rest.sum() == 8
    assert (features["predicted"] == "").equals(rest)
    (only,) = result_volumes(result)  # a linear decoder has no layers in space
    assert only.data.shape[-1] == 64, "one entry per volume, or the slider would not agree with the series"


def test_all_volumes_of_an_averaged_block_share_its_sample(tmp_path: Path) -> None:
    result = small_result(
        tmp_path, {"name": "linear", "C": 0.1}, prepare={"detrend": True, "average_blocks": True}
    )
    assert len(result.prepared.samples.X) == 12, "closed, open twice as long, closed in each of four runs"
    rows = sample_rows(result.prepared)
    labels = result.prepared.table["label"].to_numpy()
    assert (rows >= 0).all()
    assert (result.prepared.samples.table["label"].to_numpy()[rows] == labels).all()
    features = prediction_features(result)
    assert features.groupby(rows)["probability"].nunique().eq(1).all()


def test_cells_of_the_confusion_matrices_lead_to_the_samples_that_they_count(whole: RunResult) -> None:
    for part, counts in (("test", whole.scores.confusion), ("training", whole.scores.train_confusion)):
        for i, true in enumerate(whole.scores.classes):
            for j, predicted in enumerate(whole.scores.classes):
                found = volumes_in_cell(whole, part, true, predicted)  # type: ignore[arg-type]
                assert len(found) == counts[i, j]
                labels = whole.prepared.table["label"]
                assert all(labels[volume] == true for volume, _ in found)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_a_volume_is_answered_by_the_network_that_left_it_out(whole: RunResult, layer: str) -> None:
    maps = next(v for v in result_volumes(whole) if v.name.endswith(layer))
    space, X = whole.prepared.samples.space, whole.prepared.samples.X
    for volume in (3, 20, 63):
        run = volume // 16
        own, other = (
            activations(whole.folds[i].model, X[volume : volume + 1], space, layer)[0] for i in (run, run - 1)
        )
        shown = np.moveaxis(maps.data[..., volume, :], -1, 0)
        np.testing.assert_array_equal(shown, own)
        assert not np.allclose(shown, other)
    assert not maps.seen.any()


def test_units_that_see_nothing_of_the_mask_show_nothing(tmp_path: Path) -> None:
    box = np.zeros(SHAPE, np.uint8)
    box[4:9, 6:9, 2:6] = 1
    write(Volume(box, AFFINE, "mask"), tmp_path / "mask.nii.gz")
    result = small_result(tmp_path, data={"images": ["small_bold.nii.gz"], "mask": "mask.nii.gz"})
    shown = np.moveaxis(result_volumes(result)[0].data[..., 30, :], -1, 0)
    (own,) = activations(
        result.folds[1].model, result.prepared.samples.X[30:31], result.prepared.samples.space, "conv1"
    )
    sees = ndimage.maximum_filter(box.any(axis=2), size=3)[1:-1, 1:-1, None]  # 3 x 3, all planes at once
    np.testing.assert_array_equal(shown, np.where(sees, own, 0))
    assert (own[:, ~sees] != 0).any(), "outside of the head a network answers with its bias"


def test_where_no_fold_left_a_volume_out_its_answer_is_marked_as_seen(whole: RunResult, viewer: Any) -> None:
    one = replace(whole, folds=whole.folds[1:2])
    session = Session.of(viewer)
    session.add(one.prepared.series)
    show_result(session, one)
    conv = next(layer for layer in viewer.layers if layer.metadata.get(ROLE) == "conv1")
    assert conv.metadata[SEEN].tolist() == [not 16 <= v < 32 for v in range(64)]
    show_volume(viewer, 20, 2.0)
    assert conv.name == "cnn2d conv1"
    show_volume(viewer, 40, 2.0)
    assert conv.name == "cnn2d conv1 (seen in training)"
    X, space = one.prepared.samples.X, one.prepared.samples.space
    expected, shown = activations(one.model, X[40:41], space, "conv1")[0, 1], np.asarray(conv.data[1, 40]).T
    np.testing.assert_array_equal(shown[shown != 0], expected[shown != 0])
    assert (shown != 0).any()
    show_volume(viewer, 25, 2.0)
    assert conv.name == "cnn2d conv1"


def test_layers_lie_where_series_and_units_lie_and_share_its_slider(whole: RunResult, viewer: Any) -> None:
    session = Session.of(viewer)
    scan = session.add(whole.prepared.series)
    *convs, labels = show_result(session, whole)
    affine = whole.prepared.series.affine  # LAS: the first axis runs to the left
    assert isinstance(labels, Labels)
    assert labels.data.shape == scan.data.shape == (64, 8, 16, 14)
    assert not isinstance(labels.data, np.ndarray), "no copy for each volume"
    for corner in [(0, 0, 0), (13, 15, 7), (13, 0, 4)]:
        there = (5, *corner[::-1])
        np.testing.assert_allclose(world(labels, there), apply_affine(affine, corner))
        np.testing.assert_allclose(world(scan, there), apply_affine(affine, corner))
        assert labels.data_to_world(there)[0] == scan.data_to_world(there)[0] == 10.0  # seconds
    mask = whole.prepared.samples.space.mask
    np.testing.assert_array_equal(np.asarray(labels.data[7]).T, np.where(mask, 8, 0))
    for conv, name in zip(convs, ["conv1", "conv2"], strict=True):
        assert isinstance(conv, Image)
        grid = layer_grid(whole.model, name, whole.prepared.samples.space)
        assert conv.data.shape[1:] == (64, *grid.shape[::-1])
        assert tuple(conv.axis_labels) == ("filter", "time", "z", "y", "x")
        last = tuple(n - 1 for n in grid.shape)
        np.testing.assert_allclose(world(conv, (0, 0, *last[::-1])), apply_affine(grid.affine, last))
        assert not conv.visible
    assert labels.visible
    show_filter(viewer, 2)
    show_volume(viewer, 33, 2.0)
    assert (filter_shown(viewer), volume_shown(viewer, 2.0)) == (2, 33)


def test_an_oblique_slab_is_straight_in_its_frame_and_oblique_in_the_scanner(
    slab: RunResult, viewer: Any
) -> None:
    grid, mask = slab.prepared.samples.space.grid, slab.prepared.samples.space.mask
    session = Session.of(viewer)
    session.add(slab.prepared.series)
    straight = Frame.straightening(grid.affine)
    session.update(frame=straight)
    *convs, labels = show_result(session, slab)
    assert labels.data.shape[1:] == grid.shape[::-1], "the slab's own voxels, not resampled ones"
    np.testing.assert_array_equal(np.asarray(labels.data[9]).T > 0, mask)
    for corner in [(0, 0, 0), tuple(n - 1 for n in grid.shape)]:
        mm = straight.to_scanner(world(labels, (0, *corner[::-1])))
        np.testing.assert_allclose(mm, apply_affine(grid.affine, corner), atol=1e-9)
    units = layer_grid(slab.model, "conv1", slab.prepared.samples.space)
    assert convs[0].data.shape[2:] == units.shape[::-1]

    session.update(frame=SCANNER)
    inner = np.argwhere(ndimage.binary_erosion(mask, np.ones((3, 3, 1))))
    for voxel in inner[:: len(inner) // 20]:
        mm = apply_affine(grid.affine, voxel)
        index = np.round(labels.world_to_data([18.0, *mm[::-1]])).astype(int)
        assert labels.data[tuple(index)] == 10
    middle = tuple(n // 2 for n in units.shape)
    answer = np.moveaxis(result_volumes(slab)[0].data[..., 9, :], -1, 0)[(1, *middle)]
    near = np.round(convs[0].world_to_data([1, 18.0, *apply_affine(units.affine, middle)[::-1]])).astype(int)
    box = tuple(slice(max(i - 1, 0), i + 2) for i in near[2:])
    seen = np.asarray(convs[0].data[(1, 9, *box)])
    assert seen.min() <= answer <= seen.max(), "interpolated from the units around it"


def test_a_second_result_takes_the_place_of_the_first(whole: RunResult, slab: RunResult, viewer: Any) -> None:
    session = Session.of(viewer)
    session.add(whole.prepared.series)
    first = show_result(session, whole)
    first[-1].visible = False
    second = show_result(session, slab)
    assert [id(layer) for layer in second] == [id(layer) for layer in first], "updated, which is what is safe"
    assert [layer.name for layer in viewer.layers[1:]] == ["cnn2d conv1", "cnn2d conv2", "predictions"]
    labels = second[-1]
    assert labels.visible
    assert labels.features["predicted"].tolist() == prediction_features(slab)["predicted"].tolist()
    grid, mask = slab.prepared.samples.space.grid, slab.prepared.samples.space.mask
    voxel = np.argwhere(ndimage.binary_erosion(mask, np.ones((3, 3, 1))))[10]
    index = np.round(labels.world_to_data([0.0, *apply_affine(grid.affine, voxel)[::-1]])).astype(int)
    assert labels.data[tuple(index)] == 1
    show_result(session, replace(slab, model=replace(slab.model, decoder=whole.model.decoder)))
    assert len(viewer.layers) == 4


def test_layers_of_a_network_that_the_next_one_has_not_go(
    whole: RunResult, tmp_path: Path, viewer: Any
) -> None:
    session = Session.of(viewer)
    session.add(whole.prepared.series)
    show_result(session, whole)
    show_result(session, small_result(tmp_path, {**CNN, "filters": [3]}))
    assert [layer.name for layer in viewer.layers[1:]] == ["cnn2d conv1", "predictions"]


def test_the_status_bar_says_what_was_predicted(whole: RunResult, viewer: Any) -> None:
    session = Session.of(viewer)
    session.add(whole.prepared.series)
    labels = show_result(session, whole)[-1]
    show_volume(viewer, 12, 2.0)
    voxel = apply_affine(whole.prepared.series.affine, (7, 8, 4))
    status = labels.get_status((24.0, *voxel[::-1]), world=True)["value"]
    row = prediction_features(whole).loc[12]
    assert f"run: 1, fold: 0, true: {row['true']}, predicted: {row['predicted']}" in status
