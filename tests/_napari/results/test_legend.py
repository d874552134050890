"""What a result shows is named on the canvas, and covers no more than what was decoded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_result import CNN, SLAB, small_result

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.results.legend import LEGEND
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.viewer.dims import show_filter, show_volume
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.volumes.frames import Frame

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult


@pytest.fixture
def result(tmp_path: Path) -> RunResult:
    return small_result(tmp_path)


def test_the_canvas_names_class_probability_layer_filter_and_range(
    viewer: Any, result: RunResult, qtbot: Any
) -> None:
    session = Session.of(viewer)
    session.add(result.prepared.series)
    conv1, conv2, predictions = show_result(session, result)
    legend = viewer.canvas.overlays[LEGEND]
    expected = predictions_table(result.folds, result.prepared.samples).set_index("volume")
    for volume in (3, 40):
        show_volume(viewer, volume, result.prepared.series.step)
        row = expected.loc[volume]
        p = max(row["p_closed"], row["p_open"])
        assert legend.visible
        assert legend.text == f"predicted: {row['predicted']}\nprobability: {p:.2f}\nlabel: {row['true']}"
    predictions.visible = False
    assert not legend.visible
    conv1.visible = True
    show_filter(viewer, 2)
    conv1.contrast_limits = (0, 0.25)
    assert legend.text == "conv1, filter 2 (0 to 2)\nactivation 0 to 0.25"
    conv2.visible = True
    assert legend.text.startswith("conv2, ")
    viewer.layers.remove(conv2)
    assert legend.text.startswith("conv1, ")
    assert conv1.colorbar.visible
    n = conv1.data.shape[0]
    viewer.add_image(np.zeros((n + 2, *conv1.data.shape[1:]), np.float32), visible=False)
    show_filter(viewer, n + 1)
    assert legend.text == f"conv1 has no filter {n + 1}\nfilters 0 to {n - 1}"


def test_look_inside_lists_the_classes_with_colors_and_probabilities(
    viewer: Any, result: RunResult, qtbot: Any
) -> None:
    session = Session.of(viewer)
    session.add(result.prepared.series)
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock, name="Look inside (napari-fmri-decoder)")
    session.update(result=result)
    show_result(session, result)
    expected = predictions_table(result.folds, result.prepared.samples).set_index("volume")
    qtbot.waitUntil(dock.filters.isVisible)
    for volume in (3, 40):
        show_volume(viewer, volume, result.prepared.series.step)
        p = expected.loc[volume, ["p_closed", "p_open"]].astype(float).sort_values(ascending=False)
        shown = dock.filters.legend.text()
        rows = [f"{name.removeprefix('p_')}&nbsp;&nbsp;{value:.2f}" for name, value in p.items()]
        places = [shown.index(row) for row in rows]
        assert places == sorted(places), "the most probable class comes first"


def test_predictions_cover_the_mask_within_the_slab_and_not_its_box(viewer: Any, tmp_path: Path) -> None:
    data = {"images": "small_bold.nii.gz", "mask": {"strategy": "threshold", "above": 398.0}}
    result = small_result(tmp_path, CNN, slab=SLAB, data=data)
    session = Session.of(viewer)
    session.add(result.prepared.series)
    layer = show_result(session, result)[-1]
    space = result.prepared.samples.space
    assert 0 < space.mask.mean() < 0.9, "a mask that is smaller than its box"
    data = np.asarray(layer.metadata["fmri_decoder"].data[..., 5])
    np.testing.assert_array_equal(data > 0, space.mask)
    # Shown along the axes of the slab, each voxel of the layer is one of the slab's.
    session.update(frame=Frame.straightening(space.grid.affine))
    shown = np.asarray(layer.data[5])
    np.testing.assert_array_equal(shown.T > 0, space.mask)
