"""The Look inside dock: every page shows the selected run and leads to its volumes."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hang import HANG_S
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QScrollBar,
    QToolButton,
    QWidget,
)
from small_result import small_result

from napari_fmri_decoder._napari.labels.dock import LabelsDock
from napari_fmri_decoder._napari.look_inside import plot_pages
from napari_fmri_decoder._napari.look_inside.dock import MOST, NOTHING, LookInsideDock
from napari_fmri_decoder._napari.qt.running import running_jobs
from napari_fmri_decoder._napari.results.roles import show_only
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.viewer.dims import filter_shown, show_filter, show_volume, volume_shown
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.evaluation.permutations import PermutationsDone
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.evaluation.projections import pca
from napari_fmri_decoder.evaluation.scores import Permutation
from napari_fmri_decoder.volumes.moments import moments

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run on the small series, with a mask by thresholds."""
    folder = tmp_path_factory.mktemp("run")
    mask = {"strategy": "floors", "mean_floor": 50.0, "std_floor": 3.0}
    return small_result(folder, data={"images": ["small_bold.nii.gz"], "mask": mask})


@pytest.fixture
def dock(viewer: Any, result: RunResult) -> LookInsideDock:
    """The dock in a window, showing a run."""
    made = LookInsideDock(viewer)
    viewer.window.add_dock_widget(made, name="Look inside (napari-fmri-decoder)")
    made.session.add(result.prepared.series)
    show_result(made.session, result)
    made.session.update(result=result, prepared=result.prepared)
    return made


def page(dock: LookInsideDock, title: str, qtbot: Any) -> Any:
    """Select a page, and wait for its computation."""
    dock.page.value = title
    found = dock.pages[title]
    qtbot.waitUntil(lambda: not found.about.isVisible())
    return found


def test_without_a_run_it_asks_to_train(viewer: Any) -> None:
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert dock.headline.text() == NOTHING
    assert not dock.stack.isEnabled()
    dock.page.value = "Recent runs"
    assert dock.stack.isEnabled(), "this page needs no run"


def test_show_without_a_run_or_a_page_makes_the_dock_visible_or_says_why(viewer: Any, qtbot: Any) -> None:
    dock = LookInsideDock(viewer)
    qtbot.addWidget(dock.native)
    assert dock.show() is dock
    assert dock.visible
    with pytest.raises(InputError) as error:
        dock.show("Predictions")
    assert str(error.value) == NOTHING == dock.headline.text()
    with pytest.raises(InputError, match=r"must be one of Layers and filters, Predictions.*got 'prediction'"):
        dock.show("prediction")
    for compute in (dock.explain.compute, dock.tsne.compute):
        with pytest.raises(InputError, match=NOTHING):
            compute()
    assert dock.page.value == "Layers and filters"


def test_show_draws_a_page_also_behind_another_tab(
    dock: LookInsideDock, result: RunResult, qtbot: Any
) -> None:
    dock.viewer.window.add_dock_widget(QLabel("in front"), tabify=True).raise_()
    qtbot.waitUntil(lambda: dock.native.visibleRegion().isEmpty())
    for page in (name for name in dock.pages if dock.pages[name].needs_run):
        assert dock.show(page) is dock
        assert dock.page.value == page
        assert dock.pages[page].result is result
        assert not dock.pages[page].about.text()
    qtbot.waitUntil(lambda: not dock.native.visibleRegion().isEmpty())
    np.testing.assert_allclose(dock.pca.scatter.table()[["x", "y"]], pca(result.prepared.samples.X).points)
    mean, _ = moments(result.prepared.series)
    assert dock.voxels.means.table()["voxels"].sum() == (mean != 0).sum()
    dock.tsne.perplexity.value = 5
    dock.tsne.compute()
    assert len(dock.tsne.scatter.table()) == 64
    with pytest.raises(ValueError, match="Perplexity must be a number from 2 to 200; got 1"):
        dock.tsne.perplexity.value = 1


def test_show_returns_at_once_or_raises_what_stopped_the_page(
    dock: LookInsideDock, monkeypatch: pytest.MonkeyPatch, notified: list[Any], qtbot: Any
) -> None:
    may_end = threading.Event()

    def slow(_: Any) -> Any:
        yield
        assert may_end.wait(HANG_S)
        yield
        raise InputError("The samples must have components, found none.")

    monkeypatch.setattr(plot_pages, "pca", slow)
    dock.show("PCA of the samples", wait=False)
    assert dock.pca.about.text() == "Computing the components…"
    (job,) = running_jobs()
    job.stop()
    may_end.set()
    qtbot.waitUntil(lambda: not job.running)
    assert not dock.pca.about.text()
    for _ in range(2):  # it starts again, and its error is that of the page, as often as it is asked for
        with pytest.raises(InputError, match="must have components"):
            dock.show("PCA of the samples")
        assert dock.pca.error.text == "The samples must have components, found none."
    assert len(notified) == 1


def test_runs_whose_folders_have_one_name_are_told_apart(dock: LookInsideDock, result: RunResult) -> None:
    other = replace(result, folder=Path("elsewhere") / result.folder.name)
    dock.session.update(result=other)
    assert dock.run.choices == (str(other.folder), result.folder.name)
    assert dock.result is other
    dock.run.value = result.folder.name
    assert dock.result is result
    for i in range(MOST + 1):
        dock.session.update(result=replace(result, folder=Path(f"run {i}")))
    assert len(dock.run) == MOST
    assert dock.run.value == f"run {MOST}"


def test_every_control_has_a_name_and_a_tooltip(viewer: Any) -> None:
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox)
    for kind in (LabelsDock, TrainDock, LookInsideDock):
        dock = kind(viewer)
        viewer.window.add_dock_widget(dock)
        for widget in dock.native.findChildren(QWidget):
            inner = isinstance(widget, (QScrollBar, QToolButton)) or "qt_" in widget.objectName()
            if isinstance(widget, kinds) and not inner:
                around = (widget, widget.parentWidget(), widget.parentWidget().parentWidget())
                named = [w for w in around if w.objectName() and "magicgui" not in w.objectName()]
                assert named, f"{widget} in {widget.parentWidget()} has no name"
                assert any(w.toolTip() for w in around), named[0].objectName()


def test_lists_predictions_and_a_row_shows_its_volume(
    dock: LookInsideDock, result: RunResult, qtbot: Any
) -> None:
    predictions = predictions_table(result.folds, result.prepared.samples)
    shown = page(dock, "Predictions", qtbot)
    assert shown.model.table["volume"].tolist() == predictions["volume"].tolist()
    shown.which.value = "wrong"
    wrong = predictions[predictions["true"] != predictions["predicted"]]
    assert shown.model.table["volume"].tolist() == wrong["volume"].tolist()
    assert shown.count.text() == f"{len(wrong)} of 64 volumes"
    shown.view.clicked.emit(shown.model.index(2, 0))
    assert volume_shown(dock.viewer, 2.0) == wrong["volume"].iloc[2]


def test_clicks_on_a_matrix_cell_step_through_its_volumes(
    dock: LookInsideDock, result: RunResult, qtbot: Any
) -> None:
    shown = page(dock, "Confusion matrices", qtbot)
    np.testing.assert_array_equal(shown.matrix.shown, result.scores.confusion)
    predictions = predictions_table(result.folds, result.prepared.samples)
    true, predicted = predictions.loc[0, ["true", "predicted"]]
    cell = predictions.loc[
        (predictions["true"] == true) & (predictions["predicted"] == predicted), "volume"
    ].tolist()
    for volume in [*cell[:3]]:
        shown.matrix.cellClicked.emit(true, predicted)
        assert volume_shown(dock.viewer, 2.0) == volume
    assert shown.list.count() == len(cell)
    shown.matrix.part.value = "training"
    np.testing.assert_array_equal(shown.matrix.shown, result.scores.train_confusion)
    shown.matrix.cellClicked.emit(true, predicted)
    i, j = (result.scores.classes.index(name) for name in (true, predicted))
    assert shown.list.count() == result.scores.train_confusion[i, j]


def test_curves_histograms_and_projections_match_the_run(
    dock: LookInsideDock, result: RunResult, qtbot: Any
) -> None:
    curves = page(dock, "Learning curves", qtbot).plot.table()
    history = history_table(result.folds)
    np.testing.assert_allclose(curves["val_accuracy"], history["val_accuracy"])

    shown = page(dock, "Runs and null distribution", qtbot)
    predictions = predictions_table(result.folds, result.prepared.samples)
    right = predictions["true"] == predictions["predicted"]
    assert shown.runs.table()["accuracy"].tolist() == right.groupby(predictions["run"]).mean().tolist()
    runs = [str(run) for run in shown.runs.table()["x"]]
    by_run = {"dummy": dict.fromkeys(runs, 0.5), "linear": {run: i / 10 for i, run in enumerate(runs)}}
    known = replace(result.scores, baseline={"dummy": 0.5, "linear": 0.15}, run_baselines=by_run)
    shown.update_result(replace(result, scores=known))
    assert shown.runs.table()["linear"].tolist() == list(by_run["linear"].values())
    assert shown.runs.levels == {"chance": 0.5}
    # The scores of an earlier version: only means over folds are known.
    shown.update_result(replace(result, scores=replace(known, run_baselines={})))
    assert shown.runs.levels == {"chance": 0.5, "dummy": 0.5, "linear": 0.15}
    assert "not tested against chance" in shown.tested.text()
    null = PermutationsDone(np.array([0.4, 0.5, 0.6]), 0.6, Permutation(3, 0.5, 0.5))
    shown.update_result(replace(result, permutations=null))
    assert shown.tested.text() == "p = 0.5 from 3 permutations."
    assert shown.null.table()["permutations"].sum() == 3
    assert shown.null.marks == {"true labels": 0.6, "chance": 0.5}

    shown = page(dock, "Probabilities", qtbot)
    predictions = predictions_table(result.folds, result.prepared.samples)
    shown.which.value = "open"
    counts = shown.plot.table()
    expected, _ = np.histogram(
        predictions.loc[predictions["true"] == "open", "p_open"], bins=20, range=(0, 1)
    )
    assert counts["is open"].tolist() == expected.tolist()

    scatter = page(dock, "PCA of the samples", qtbot)
    found = pca(result.prepared.samples.X)
    np.testing.assert_allclose(scatter.scatter.table()[["x", "y"]], found.points)
    assert scatter.explained.table()["cumulative"].iloc[-1] == pytest.approx(found.explained.sum())
    scatter.scatter.clicked.emit(40)
    assert volume_shown(dock.viewer, 2.0) == 40

    voxels = page(dock, "Voxel means and standard deviations", qtbot)
    mean, _ = moments(result.prepared.series)
    assert voxels.means.table()["voxels"].sum() == (mean != 0).sum()
    assert (voxels.means.marks, voxels.stds.marks) == ({"threshold": 50.0}, {"threshold": 3.0})


def test_tsne_is_computed_on_request(dock: LookInsideDock, qtbot: Any) -> None:
    shown = page(dock, "t-SNE of the samples", qtbot)
    assert len(shown.scatter.table()) == 0
    shown.perplexity.value = 5
    qtbot.mouseClick(shown.button.native, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(shown.scatter.table()) == 64)


def test_shows_the_selected_layer_and_filter_and_names_their_network(
    dock: LookInsideDock, result: RunResult, qtbot: Any
) -> None:
    shown, viewer = page(dock, "Layers and filters", qtbot), dock.viewer
    assert shown.layer.choices == ("predictions", "conv1", "conv2")
    shown.layer.value = "conv2"
    assert [layer.name for layer in viewer.layers[1:] if layer.visible] == ["cnn2d conv2"]
    assert shown.filter.max == 3
    shown.filter.value = 2
    assert filter_shown(viewer) == 2
    show_filter(viewer, 1)
    assert shown.filter.value == 1
    show_volume(viewer, 17, 2.0)
    row = predictions_table(result.folds, result.prepared.samples).set_index("volume").loc[17]
    assert shown.where.text() == (
        f"Volume 17, closed: predicted as {row['predicted']} ({max(row['p_closed'], row['p_open']):.2f}) "
        "by the network that did not train on it (test set: run 2)."
    )

    show_only(viewer, "conv1")  # as a button in Train does
    dock._on_page()
    assert (shown.layer.value, shown.filter.max) == ("conv1", 2)
    show_only(viewer, "conv2")
    dock._on_page()

    dock.session.update(result=replace(result, folder=Path("second"), folds=result.folds[:1]))
    assert dock.run.value == "second"
    assert "seen in training" in shown.where.text()
    assert dock.run.choices == ("second", result.folder.name)
    dock.run.value = result.folder.name
    assert "did not train on it" in shown.where.text()


def test_a_network_without_spatial_layers_gives_a_message(viewer: Any, tmp_path: Path, qtbot: Any) -> None:
    session = Session.of(viewer)
    linear = small_result(tmp_path, {"name": "linear", "C": 0.1})
    session.add(linear.prepared.series)
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    qtbot.waitUntil(lambda: dock.visible)
    show_result(session, linear)
    session.update(result=linear)
    assert "no layers" in dock.filters.about.text()
    assert not dock.filters.filter.enabled
