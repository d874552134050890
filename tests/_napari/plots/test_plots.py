"""Plots: the description under the mouse, saving, the theme, and no crash when they are removed."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QAction, QColor, QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QScrollArea, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.plots import (
    BandsPlot,
    CurvesPlot,
    DesignPlot,
    HistogramPlot,
    LinePlot,
    MatrixPlot,
    ScatterPlot,
    class_colors,
)
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation import palette
from napari_fmri_decoder.evaluation.fold_design import FoldDesign
from napari_fmri_decoder.training.events import Quality

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.plots.base import Plot

CLASSES = ["bottle", "cat", "chair", "face", "house", "scissors", "scrambledpix", "shoe"]
COUNTS = np.arange(64).reshape(8, 8)


def filled_curves() -> CurvesPlot:
    plot = CurvesPlot()
    plot.set_chance(0.125)
    for fold in range(3):
        plot.start_fold(f"run {fold + 1}", 10)
        for epoch in range(11 if fold < 2 else 6):
            plot.add(epoch, Quality(2.0 / (epoch + 1), epoch / 10), Quality(2.5 / (epoch + 1), epoch / 20))
    return plot


def filled_matrix() -> MatrixPlot:
    plot = MatrixPlot()
    plot.set_data({"test": COUNTS, "training": COUNTS.T}, CLASSES)
    return plot


def filled_histogram() -> HistogramPlot:
    plot = HistogramPlot(x_label="mean")
    plot.set_data(
        {"mean": [0.5, 0.5, 1.5, np.nan, np.inf], "std": [2.5]},
        bins=3,
        value_range=(0, 3),
        marks={"floor": 1},
    )
    return plot


def filled_scatter() -> ScatterPlot:
    plot = ScatterPlot(x_label="PC 1", y_label="PC 2")
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    plot.set_data(
        points,
        {"label": ["face", "face", "house", "house"], "run": ["1", "10", "1", "2"], "volume": list("5678")},
    )
    return plot


def filled_line() -> LinePlot:
    plot = LinePlot(x_label="components")
    plot.set_data({"explained together": [0.5, 0.75, 1.0]}, y_range=(0, 1))
    return plot


def filled_bands() -> BandsPlot:
    plot = BandsPlot()
    labels = ["", "", *["face"] * 9, "", *["house"] * 8]
    plot.set_data({"label": labels, "run": ["1"] * 10 + ["2"] * 10, "fold": ["0"] * 10 + ["1"] * 10})
    plot.set_current(12)
    return plot


def filled_design() -> DesignPlot:
    plot = DesignPlot()
    use = np.array([[2, 2, 1, 1, 3, 3], [1, 1, 2, 2, 1, 0]], dtype=np.int8)
    runs, labels = tuple("112233"), ("face", "house") * 3
    plot.set_data(FoldDesign(use, ("run 1", "run 2"), runs, labels, (4, 5, 14, 15, 24, 25)))
    return plot


MAKERS = [
    *(filled_curves, filled_matrix, filled_histogram, filled_scatter, filled_line, filled_bands),
    filled_design,
]
EMPTY = [CurvesPlot, MatrixPlot, HistogramPlot, ScatterPlot, LinePlot, BandsPlot, DesignPlot]


def show(plot: Plot, qtbot: Any) -> Plot:
    qtbot.addWidget(plot)
    plot.resize(360, 400)
    with qtbot.waitExposed(plot):
        plot.show()
    qtbot.wait(20)
    return plot


def on_screen(plot: Plot, x: float, y: float, pane: int = 0) -> QPoint:
    """Return the viewport position of data coordinates."""
    return plot.view.mapFromScene(plot.panes[pane].vb.mapViewToScene(QPointF(x, y)))


def hover(plot: Plot, qtbot: Any, x: float, y: float, pane: int = 0) -> str:
    viewport = plot.view.viewport()
    QTest.mouseMove(viewport, on_screen(plot, x, y, pane) + QPoint(1, 1))
    qtbot.wait(20)
    QTest.mouseMove(viewport, on_screen(plot, x, y, pane))
    qtbot.wait(30)
    return str(plot.hint.text())


def click(plot: Plot, qtbot: Any, x: float, y: float, pane: int = 0) -> None:
    QTest.mouseClick(plot.view.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(plot, x, y, pane))


# Under the mouse


def test_matrix_describes_and_sends_the_cell_under_the_mouse(qtbot: Any) -> None:
    plot = show(filled_matrix(), qtbot)
    assert isinstance(plot, MatrixPlot)
    assert hover(plot, qtbot, 5, 2) == "chair predicted as scissors: 21 of 156 (13%)"
    with qtbot.waitSignal(plot.cellClicked) as sent:
        click(plot, qtbot, 5, 2)
    assert sent.args == ["chair", "scissors"]
    plot.part.value = "training"
    assert hover(plot, qtbot, 5, 2) == "chair predicted as scissors: 42 of 240 (18%)"


def test_normalized_matrix_rows_sum_to_one_and_true_classes_are_rows(qtbot: Any) -> None:
    plot = show(filled_matrix(), qtbot)
    assert isinstance(plot, MatrixPlot)
    np.testing.assert_array_equal(plot.shown, COUNTS)
    plot.rows.value = True
    np.testing.assert_allclose(plot.shown.sum(axis=1), 1)
    assert on_screen(plot, 0, 0).y() < on_screen(plot, 0, 7).y()
    plot.set_data({"test": np.zeros((2, 2), int)}, ["a", "b"])
    assert np.isfinite(plot.shown).all(), "a class without samples must not divide by zero"
    assert not plot.part.visible


def test_scatter_describes_and_sends_the_point_under_the_mouse(qtbot: Any) -> None:
    plot = show(filled_scatter(), qtbot)
    assert isinstance(plot, ScatterPlot)
    assert hover(plot, qtbot, 1, 0) == "label face, run 10, volume 6"
    assert hover(plot, qtbot, 0.5, 0.5) == ""
    with qtbot.waitSignal(plot.clicked) as sent:
        click(plot, qtbot, 0, 1)
    assert sent.args == [2]
    plot.color_by.value = "run"
    assert _legend(plot) == ["1", "2", "10"]


def test_design_describes_the_use_of_a_sample_in_a_fold(qtbot: Any) -> None:
    plot = show(filled_design(), qtbot)
    assert hover(plot, qtbot, 4, 0) == "fold 0: run 1: validation; volume 24, run 3, face"
    assert hover(plot, qtbot, 2, 1) == "fold 1: run 2: held out; volume 14, run 2, face"
    assert hover(plot, qtbot, 5, 2) == "volume 25, run 3, house"
    assert plot.table()["fold 1"].tolist() == [
        *["trained on"] * 2,
        *["held out"] * 2,
        "trained on",
        "not used",
    ]


def test_bands_describe_and_send_the_volume_under_the_mouse(qtbot: Any) -> None:
    plot = show(filled_bands(), qtbot)
    assert isinstance(plot, BandsPlot)
    assert hover(plot, qtbot, 12, 0.5) == "volume 12, label house, run 2, fold 1"
    assert hover(plot, qtbot, 0, 0.5) == "volume 0, run 1, fold 0"
    with qtbot.waitSignal(plot.clicked) as sent:
        click(plot, qtbot, 3, 1.5)
    assert sent.args == [3]


def test_histogram_line_and_curves_describe_the_position_under_the_mouse(qtbot: Any) -> None:
    assert hover(show(filled_histogram(), qtbot), qtbot, 0.5, 0.5) == "0 to 1: mean 2, std 0"
    assert hover(show(filled_line(), qtbot), qtbot, 2.1, 0.5) == "2: explained together 0.75"
    curves = show(filled_curves(), qtbot)
    assert hover(curves, qtbot, 3.2, 0.5, pane=1).startswith("run 3, epoch 3/10: training 0.30, test 0.15")


def test_bands_use_the_colors_of_the_classes(qtbot: Any) -> None:
    plot = BandsPlot()
    colors = class_colors(CLASSES)
    plot.set_data({"label": ["", *CLASSES]}, colors)
    show(plot, qtbot)
    image = plot.view.grab().toImage()
    for i, name in enumerate(CLASSES, start=1):
        spot = on_screen(plot, i - 0.3, 0.5)
        assert image.pixelColor(spot).name() == palette.hex_color(colors[name])
    assert _legend(plot) == CLASSES


# Saving


@pytest.mark.parametrize("maker", MAKERS)
def test_saves_pictures_black_on_white_and_tables_as_csv(maker: Any, qtbot: Any, tmp_path: Path) -> None:
    plot = maker()
    qtbot.addWidget(plot)
    for shown in (False, True):
        if shown:
            show(plot, qtbot)
        ink = plot.ink
        plot.save(tmp_path / "a.png")
        plot.save(tmp_path / "a.svg")
        image = QImage(str(tmp_path / "a.png"))
        assert image.width() > 600
        assert image.pixelColor(0, 0) == QColor("white")
        assert _darkest(image) < 60, "axes and texts must be dark"
        assert (tmp_path / "a.svg").read_text().count("<text") > 3
        assert plot.ink == ink, "the theme's color must be restored on the screen"
    plot.save_table(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "a.csv", keep_default_na=False, na_values=["nan"]).astype(str),
        plot.table().astype(str),
        check_dtype=False,
    )


def test_tables_hold_the_plotted_data(qtbot: Any) -> None:
    matrix = filled_matrix()
    qtbot.addWidget(matrix)
    assert matrix.table().iloc[2].tolist() == ["chair", *range(16, 24)]
    histogram = filled_histogram()
    qtbot.addWidget(histogram)
    assert histogram.table().to_dict("list") == {
        "start": [0, 1, 2],
        "stop": [1, 2, 3],
        "mean": [2, 1, 0],
        "std": [0, 0, 1],
    }
    curves = filled_curves()
    qtbot.addWidget(curves)
    table = curves.table()
    assert len(table) == 28
    assert list(table) == ["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    last = table.iloc[-1]
    assert (last.fold, last.epoch, last.accuracy, last.val_accuracy) == ("run 3", 5, 0.5, 0.25)
    assert last.loss == pytest.approx(2 / 6)
    assert last.val_loss == pytest.approx(2.5 / 6)


def test_a_picture_that_cannot_be_saved_is_reported_once(
    qtbot: Any, notified: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot = filled_line()
    qtbot.addWidget(plot)
    with pytest.raises(InputError, match=r"as .png or .svg, but the name is 'a.doc'"):
        plot.save(tmp_path / "a.doc")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "a.png"), ""))
    plot.findChild(QAction, "save_picture").trigger()
    assert len(notified) == 1
    assert "No such file" in notified[0].message
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "a.csv"), ""))
    plot.findChild(QAction, "save_table").trigger()
    assert (tmp_path / "a.csv").exists()
    assert len(notified) == 1


# Curves during training


def test_curves_are_drawn_at_most_five_times_a_second_and_only_while_visible(qtbot: Any) -> None:
    plot = CurvesPlot()
    drawn: list[int] = []
    original = plot.draw
    plot.draw = lambda: (drawn.append(1), original())  # type: ignore[method-assign, func-returns-value, assignment]
    show(plot, qtbot)
    assert plot.timer is not None
    assert plot.timer.interval() == 200
    assert not plot.timer.isSingleShot()
    plot.timer.stop()  # from here on the test fires it
    plot.start_fold("run 1", 1000)
    drawn.clear()
    for i in range(1, 4):
        for epoch in range(10 * i, 10 * i + 10):
            plot.add(epoch, Quality(1.0, 0.5), None)
        assert len(drawn) == i - 1, "points wait for the timer"
        plot.timer.timeout.emit()
        assert len(drawn) == i
    plot.timer.timeout.emit()
    assert len(drawn) == 3, "nothing changed"
    plot.hide()
    drawn.clear()
    plot.add(40, Quality(0.9, 0.6), None)
    plot.timer.timeout.emit()
    assert drawn == []
    plot.show()
    assert len(drawn) >= 1, "changes while hidden must be drawn"
    x, y = plot.current["accuracy"].getData()
    assert (x[-2], y[-2]) == (40, 0.6)


def test_axis_ranges_stay_fixed_while_curves_grow(qtbot: Any) -> None:
    plot = show(CurvesPlot(), qtbot)
    assert isinstance(plot, CurvesPlot)
    plot.start_fold("run 1", 300)
    plot.add(0, Quality(2.1, 0.1), Quality(2.2, 0.1))
    plot.draw()
    before = [pane.viewRange() for pane in plot.panes]
    for epoch in range(1, 50):
        plot.add(epoch, Quality(2.1 - epoch / 100, epoch / 100), Quality(2.2, 0.1))
    plot.draw()
    assert [pane.viewRange() for pane in plot.panes] == before
    assert before[0][0][1] >= 300
    plot.add(50, Quality(np.nan, 0.1), Quality(30.0, 0.1))
    plot.draw()
    assert plot.panes[0].viewRange()[1][1] >= 30


def test_the_mean_averages_finished_folds_up_to_their_last_epochs(qtbot: Any) -> None:
    plot = show(CurvesPlot(), qtbot)
    assert isinstance(plot, CurvesPlot)

    def fold(losses: list[float]) -> None:
        plot.start_fold("run", 10)
        for epoch, loss in enumerate(losses):
            plot.add(epoch, Quality(loss, 0.5), Quality(2 * loss, 0.25))

    fold([1.0, 0.5, 0.25])
    plot.end_fold()
    fold([3.0, 1.5])  # stopped early, but not ended yet
    plot.draw()
    assert plot.means["loss"].getData()[0] is None, "one fold has no mean"
    plot.end_fold()
    fold([9.0])  # still running
    plot.draw()
    for name, values in {"loss": [2.0, 1.0, 0.25], "val_loss": [4.0, 2.0, 0.5]}.items():
        epochs, drawn = plot.means[name].getData()
        assert (epochs.tolist(), drawn.tolist()) == ([0, 1, 2], values)
    assert "mean of 2 folds" in _legend(plot)
    assert plot.table()["fold"].eq("run").all(), "the table holds the folds, not their mean"


# Robustness


@pytest.mark.parametrize("maker", EMPTY)
def test_an_empty_plot_can_be_shown_hovered_and_saved(maker: Any, qtbot: Any, tmp_path: Path) -> None:
    plot = show(maker(), qtbot)
    assert hover(plot, qtbot, 0.5, 0.5) == ""
    click(plot, qtbot, 0.5, 0.5)
    plot.save(tmp_path / "a.png")
    plot.save_table(tmp_path / "a.csv")


def test_twenty_six_classes_fit_a_dock(qtbot: Any, tmp_path: Path) -> None:
    names = [f"category {i}" for i in range(26)]
    matrix = MatrixPlot()
    matrix.set_data({"test": np.eye(26, dtype=int)}, names)
    show(matrix, qtbot)
    assert on_screen(matrix, 0, 25).y() - on_screen(matrix, 0, 0).y() >= 25 * 10
    matrix.save(tmp_path / "a.svg")
    drawn = re.findall(r">\s*(category \d+)\s*<", (tmp_path / "a.svg").read_text())
    assert sorted(drawn) == sorted(names * 2), "each class is named along both axes"
    scatter = ScatterPlot()
    scatter.set_data(np.random.default_rng(0).normal(size=(52, 2)), {"label": names * 2})
    show(scatter, qtbot)
    assert _legend(scatter) == names
    assert scatter.panes[0].vb.height() > 150, "the legend must leave room for the points"


def test_axes_follow_the_theme_of_napari(viewer: Any, qtbot: Any) -> None:
    plot = filled_line()
    viewer.window.add_dock_widget(plot)
    qtbot.wait(50)
    for theme, dark in (("light", False), ("dark", True)):
        viewer.theme = theme
        qtbot.wait(50)
        assert plot.dark is dark
        ink = plot.panes[0].getAxis("left").textPen().color()
        window = viewer.window._qt_window
        corner = plot.view.mapTo(window, QPoint(plot.view.width() - 2, plot.view.height() - 2))
        background = window.grab().toImage().pixelColor(corner)
        assert abs(ink.lightness() - background.lightness()) > 120


def test_closing_a_dock_stops_its_curves(viewer: Any, qtbot: Any) -> None:
    content = QWidget()
    layout = QVBoxLayout(content)
    plots = [maker() for maker in MAKERS]
    for plot in plots:
        layout.addWidget(plot)
    area = QScrollArea()
    area.setWidget(content)
    dock = viewer.window.add_dock_widget(area)
    qtbot.wait(250)
    curves = plots[0]
    assert isinstance(curves, CurvesPlot)
    curves.add(7, Quality(0.1, 0.9), None)
    viewer.window.remove_dock_widget(dock)
    assert not curves.timer.isActive()
    area.deleteLater()
    qtbot.wait(300)


def test_napari_exits_cleanly_with_growing_curves_and_a_running_worker(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import time
        import napari
        from qtpy.QtCore import QTimer
        from napari_fmri_decoder._napari.plots import CurvesPlot
        from napari_fmri_decoder._napari.qt.workers import run_generator
        from napari_fmri_decoder.training.events import Quality

        def work():
            try:
                for epoch in range(10**6):
                    time.sleep(0.02)
                    yield epoch
            finally:
                print("closed", flush=True)

        viewer = napari.Viewer()
        plot = CurvesPlot()
        viewer.window.add_dock_widget(plot)
        plot.start_fold("run 1", 100)
        run_generator(
            work, owner=plot, description="training", on_event=lambda e: plot.add(e, Quality(1.0, 0.5), None)
        )
        QTimer.singleShot(1500, viewer.close)
        napari.run()
        print("rows", len(plot.table()) if plot is not None else 0)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stdout
    assert "Traceback" not in done.stderr


# Colors


def _legend(plot: Plot) -> list[str]:
    text = plot.legend.text().replace("\xa0", " ")
    return [name.strip() for name in re.split("[■●▲◆▼✚✖◀▶╌┈·]+", text) if name.strip()]


def _darkest(image: QImage) -> int:
    small = image.scaled(image.width() // 2, image.height() // 2)
    pixels = itertools.product(range(small.width()), range(0, small.height(), 2))
    return min(small.pixelColor(x, y).lightness() for x, y in pixels)


def test_what_is_the_same_everywhere_is_one_line_and_not_a_curve(qtbot: Any) -> None:
    plot = LinePlot(x_label="run")
    qtbot.addWidget(plot)
    plot.set_data({"accuracy": [0.5, 0.75], "linear": [0.25, np.nan]}, levels={"chance": 0.125, "dummy": 0.1})
    items = plot.panes[0].items
    assert sorted(item.value() for item in items if isinstance(item, pg.InfiniteLine)) == [0.1, 0.125]
    curves = [item.getData()[1].tolist() for item in plot.panes[0].listDataItems()]
    assert curves[0] == [0.5, 0.75]
    assert len(curves) == 2
    assert _legend(plot) == ["accuracy", "linear", "chance", "dummy"]
    assert plot.describe(1, 0.5, 0) == "1: accuracy 0.5, linear 0.25, chance 0.125, dummy 0.1"
    assert plot.table().columns.tolist() == ["x", "accuracy", "linear", "chance", "dummy"]


def test_beyond_eight_names_markers_and_line_styles_differ(qtbot: Any) -> None:
    names = [f"{i:02d}" for i in range(26)]
    line, points = LinePlot(), ScatterPlot()
    for plot in (line, points):
        qtbot.addWidget(plot)
    line.set_data({name: [0.0, 1.0] for name in names})
    pens = [item.opts["pen"] for item in line.panes[0].listDataItems()]
    assert len({(pen.color().name(), pen.style()) for pen in pens}) == 26
    assert len({pen.style() for pen in pens[:8]}) == 1
    assert len({pen.style() for pen in pens}) == 4
    points.set_data(np.random.default_rng(0).random((26, 2)), {"label": names})
    symbols = [spot.symbol() for spot in points._item.points()]
    assert [len(set(symbols[i : i + 8])) for i in (0, 8, 16)] == [1, 1, 1]
    assert len(set(symbols)) == 4
    assert len(set(re.findall("[■●▲◆▼✚✖◀▶]", points.legend.text()))) == 4


def test_line_positions_can_have_names(qtbot: Any) -> None:
    plot = LinePlot(x_label="run")
    qtbot.addWidget(plot)
    plot.set_data({"accuracy": [0.5, 0.75]}, names=["localizer", "main"])
    plot.show()
    ((ticks,),) = [plot.panes[0].getAxis("bottom")._tickLevels]
    assert ticks == [(1.0, "localizer"), (2.0, "main")]
    assert plot.describe(1.8, 0.5, 0) == "main: accuracy 0.75"
    assert plot.table()["x"].tolist() == ["localizer", "main"]
    plot.set_data({"variance": [0.5, 0.75, 1.0]})
    assert plot.panes[0].getAxis("bottom")._tickLevels is None
    assert plot.describe(1.8, 0.5, 0) == "2: variance 0.75"


def test_chance_and_mean_look_different_in_the_legend_and_the_line_below_is_read_in_full(qtbot: Any) -> None:
    plot = filled_curves()
    for fold in range(2):
        plot.start_fold(f"run {fold + 4}", 10)
        plot.add(5, Quality(1.0, 0.5), Quality(2.0, 0.25))
        plot.end_fold()
    qtbot.addWidget(plot)
    plot.resize(300, 400)
    plot.show()
    legend = plot.legend.text().replace("\xa0", " ")
    assert "\N{BOX DRAWINGS LIGHT DOUBLE DASH HORIZONTAL}" * 2 + " mean of 2 folds" in legend
    assert "\N{BOX DRAWINGS LIGHT QUADRUPLE DASH HORIZONTAL}" * 2 + " chance" in legend
    text = plot.hint.toolTip()
    assert text == "run 5, epoch 5/10: training 0.50, test 0.25; loss 1, 2"
    assert plot.hint.text() == text
    lines = plot.hint.height() // plot.hint.fontMetrics().lineSpacing()
    assert lines * plot.hint.width() > plot.hint.fontMetrics().horizontalAdvance(text)
