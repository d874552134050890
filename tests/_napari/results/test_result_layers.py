"""Result layers after training: the right values at the right positions for each volume."""

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

from napari_fmri_decoder._napari.labels.describe import bands_of
from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.results.features import prediction_features
from napari_fmri_decoder._napari.results.result_layers import result_volumes
from napari_fmri_decoder._napari.results.show_result import ROLE, SEEN, show_result
from napari_fmri_decoder._napari.viewer.dims import filter_shown, show_filter, show_volume, volume_shown
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.evaluation.palette import class_colors
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.evaluation.sample_rows import sample_rows, volumes_in_cell
from napari_fmri_decoder.explain.activations import activations, layer_grid
from napari_fmri_decoder.volumes.frames import Frame, apply_affine
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """All voxels of the small series; each run is held out once."""
    return small_result(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def slab(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """An oblique slab."""
    return small_result(tmp_path_factory.mktemp("slab"), slab=SLAB)


def world(layer: Any, index: Any) -> Any:
    """(x, y, z) millimeters of a voxel (..., z, y, x) of a layer in napari."""
    return np.asarray(layer.data_to_world(index))[..., -3:][::-1]


def test_features_hold_the_prediction_of_the_fold_that_held_out_each_volume(result: RunResult) -> None:
    features = prediction_features(result)
    expected = predictions_table(result.folds, result.prepared.samples).set_index("volume")
    assert features["index"].tolist() == list(range(1, 65))
    for _, row in features.iterrows():
        row_expected = expected.loc[row["volume"]]
        assert (row["predicted"], row["true"], row["fold"]) == (
            row_expected["predicted"],
            row_expected["true"],
            row_expected["fold"],
        )
        assert row["run"] == row_expected["run"]
        assert row["probability"] == pytest.approx(max(row_expected["p_closed"], row_expected["p_open"]))


@pytest.mark.parametrize("prepare", [{}, {"average_blocks": True}])
def test_bands_number_folds_like_the_predictions_table(tmp_path: Path, prepare: dict[str, bool]) -> None:
    result = small_result(tmp_path, {"name": "linear", "C": 0.1}, prepare=prepare)
    features = prediction_features(result)
    band = bands_of(result.prepared.table, result.prepared)["tested in fold"]
    assert band == features["fold"].astype(str).tolist()
    predictions = predictions_table(result.folds, result.prepared.samples)
    assert [band[volume] for volume in predictions["volume"]] == predictions["fold"].astype(str).tolist()
    assert set(band) == {"0", "1", "2", "3"}


def test_volumes_that_no_fold_held_out_have_no_prediction_and_no_color(result: RunResult) -> None:
    one = replace(result, folds=result.folds[1:2])
    features = prediction_features(one)
    tested = features["run"] == "2"
    assert (features["predicted"] != "").equals(tested)
    assert features.loc[~tested, "probability"].isna().all()
    colors = result_volumes(one)[-1].meta["colors"]
    assert set(colors) == set(features.loc[tested, "index"])
    expected = class_colors(one.scores.classes)
    assert all(colors[i] == expected[features.loc[i - 1, "predicted"]] for i in colors)


def test_excluded_volumes_keep_their_labels_and_positions_in_time(tmp_path: Path) -> None:
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
    prepared = result.prepared
    rows = sample_rows(prepared.table, prepared.samples, prepared.recipe.prepare)
    labels = result.prepared.table["label"].to_numpy()
    assert (rows >= 0).all()
    assert (result.prepared.samples.table["label"].to_numpy()[rows] == labels).all()
    features = prediction_features(result)
    assert features.groupby(rows)["probability"].nunique().eq(1).all()


def test_volumes_in_a_cell_of_the_confusion_matrix_match_its_count(result: RunResult) -> None:
    for part, counts in (("test", result.scores.confusion), ("training", result.scores.train_confusion)):
        for i, true in enumerate(result.scores.classes):
            for j, predicted in enumerate(result.scores.classes):
                found = volumes_in_cell(result.prepared.samples, result.folds, part, true, predicted)  # type: ignore[arg-type]
                assert len(found) == counts[i, j]
                labels = result.prepared.table["label"]
                assert all(labels[volume] == true for volume, _ in found)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_activations_are_those_of_the_network_that_held_out_the_volume(result: RunResult, layer: str) -> None:
    maps = next(v for v in result_volumes(result) if v.name.endswith(layer))
    space, X = result.prepared.samples.space, result.prepared.samples.X
    for volume in (3, 20, 63):
        run = volume // 16
        own, other = (
            activations(result.folds[i].model, X[volume : volume + 1], space, layer)[0]
            for i in (run, run - 1)
        )
        shown = np.moveaxis(maps.data[..., volume, :], -1, 0)
        np.testing.assert_array_equal(shown, own)
        assert not np.allclose(shown, other)
    assert not maps.seen.any()


def test_units_without_a_voxel_of_the_mask_are_zero(tmp_path: Path) -> None:
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
    assert (own[:, ~sees] != 0).any(), "outside of the mask a network responds with its bias"


def test_layers_are_marked_where_no_fold_held_out_the_volume(result: RunResult, viewer: Any) -> None:
    one = replace(result, folds=result.folds[1:2])
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


def test_layers_have_the_positions_of_voxels_and_units_and_share_the_slider(
    result: RunResult, viewer: Any
) -> None:
    session = Session.of(viewer)
    scan = session.add(result.prepared.series)
    *convs, labels = show_result(session, result)
    affine = result.prepared.series.affine  # LAS: the first axis points to the left
    assert isinstance(labels, Labels)
    assert labels.data.shape == scan.data.shape == (64, 8, 16, 14)
    assert not isinstance(labels.data, np.ndarray), "no copy for each volume"
    for corner in [(0, 0, 0), (13, 15, 7), (13, 0, 4)]:
        index = (5, *corner[::-1])
        np.testing.assert_allclose(world(labels, index), apply_affine(affine, corner))
        np.testing.assert_allclose(world(scan, index), apply_affine(affine, corner))
        assert labels.data_to_world(index)[0] == scan.data_to_world(index)[0] == 10.0  # seconds
    mask = result.prepared.samples.space.mask
    np.testing.assert_array_equal(np.asarray(labels.data[7]).T, np.where(mask, 8, 0))
    for conv, name in zip(convs, ["conv1", "conv2"], strict=True):
        assert isinstance(conv, Image)
        grid = layer_grid(result.model, name, result.prepared.samples.space)
        assert conv.data.shape[1:] == (64, *grid.shape[::-1])
        assert tuple(conv.axis_labels) == ("filter", "time", "z", "y", "x")
        last = tuple(n - 1 for n in grid.shape)
        np.testing.assert_allclose(world(conv, (0, 0, *last[::-1])), apply_affine(grid.affine, last))
        assert not conv.visible
    assert labels.visible
    show_filter(viewer, 2)
    show_volume(viewer, 33, 2.0)
    assert (filter_shown(viewer), volume_shown(viewer, 2.0)) == (2, 33)


def test_results_of_an_oblique_slab_are_aligned_in_its_frame_and_oblique_in_the_scanner(
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
    activation = np.moveaxis(result_volumes(slab)[0].data[..., 9, :], -1, 0)[(1, *middle)]
    near = np.round(convs[0].world_to_data([1, 18.0, *apply_affine(units.affine, middle)[::-1]])).astype(int)
    box = tuple(slice(max(i - 1, 0), i + 2) for i in near[2:])
    nearby = np.asarray(convs[0].data[(1, 9, *box)])
    assert nearby.min() <= activation <= nearby.max(), "interpolated from the units around it"


def test_a_second_result_replaces_the_first(result: RunResult, slab: RunResult, viewer: Any) -> None:
    session = Session.of(viewer)
    session.add(result.prepared.series)
    first = show_result(session, result)
    first[-1].visible = False
    second = show_result(session, slab)
    assert [id(layer) for layer in second] == [id(layer) for layer in first], (
        "updated, because removing layers is not safe"
    )
    assert [layer.name for layer in viewer.layers[1:]] == ["cnn2d conv1", "cnn2d conv2", "predictions"]
    labels = second[-1]
    assert labels.visible
    assert labels.features["predicted"].tolist() == prediction_features(slab)["predicted"].tolist()
    grid, mask = slab.prepared.samples.space.grid, slab.prepared.samples.space.mask
    voxel = np.argwhere(ndimage.binary_erosion(mask, np.ones((3, 3, 1))))[10]
    index = np.round(labels.world_to_data([0.0, *apply_affine(grid.affine, voxel)[::-1]])).astype(int)
    assert labels.data[tuple(index)] == 1
    show_result(session, replace(slab, model=replace(slab.model, decoder=result.model.decoder)))
    assert len(viewer.layers) == 4


def test_results_are_above_a_scan_that_was_opened_since(result: RunResult, viewer: Any) -> None:
    session = Session.of(viewer)
    session.add(result.prepared.series)
    shown = show_result(session, result)
    viewer.add_image(np.zeros((4, 4, 4)))
    assert show_result(session, result) == shown
    assert list(viewer.layers)[-len(shown) :] == shown


def test_layers_that_the_next_network_lacks_are_removed(
    result: RunResult, tmp_path: Path, viewer: Any
) -> None:
    session = Session.of(viewer)
    session.add(result.prepared.series)
    show_result(session, result)
    show_result(session, small_result(tmp_path, {**CNN, "filters": [3]}))
    assert [layer.name for layer in viewer.layers[1:]] == ["cnn2d conv1", "predictions"]


def test_the_status_bar_shows_the_prediction(result: RunResult, viewer: Any) -> None:
    session = Session.of(viewer)
    session.add(result.prepared.series)
    labels = show_result(session, result)[-1]
    show_volume(viewer, 12, 2.0)
    voxel = apply_affine(result.prepared.series.affine, (7, 8, 4))
    status = labels.get_status((24.0, *voxel[::-1]), world=True)["value"]
    row = prediction_features(result).loc[12]
    assert f"run: 1, fold: 0, true: {row['true']}, predicted: {row['predicted']}" in status
