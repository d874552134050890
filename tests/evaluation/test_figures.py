"""Figures show the given numbers, and remain legible with many names and with unusual names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results
from matplotlib.text import Text

from napari_fmri_decoder.evaluation import figures
from napari_fmri_decoder.evaluation.all_figures import brain_figures, run_figures
from napari_fmri_decoder.evaluation.figures.style import class_style, save_figures
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.evaluation.histograms import histogram
from napari_fmri_decoder.evaluation.permutations import PermutationsDone
from napari_fmri_decoder.evaluation.projections import Projection
from napari_fmri_decoder.evaluation.scores import Permutation, score_folds
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.volumes.frames import Grid, rotation
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

PLAIN = ("cat", "dog", "owl")
STRANGE = ("$x", "_hidden", "a very long name of a category $^2$ indeed", "")
MANY = tuple(f"category {chr(97 + i)} with words" for i in range(26))


def draw(classes: tuple[str, ...]) -> dict[str, Figure]:
    samples = make_samples(classes, length=2, runs=4, signal=1.0)
    splits = leave_one_run_out(samples)
    results = random_results(samples, splits, epochs=4)
    scores = replace(score_folds(results, samples), baseline={"dummy": 1 / len(classes), "linear": 0.4})
    null = PermutationsDone(np.linspace(0.1, 0.5, 40), 0.6, Permutation(40, 0.024, 0.3))
    return run_figures(samples, splits, results, scores, permutations=null)


@pytest.fixture(scope="module")
def figures_of() -> Callable[[tuple[str, ...]], dict[str, Figure]]:
    """Figures by their classes, drawn once for all tests that only read them."""
    return cache(draw)


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


@pytest.mark.parametrize("classes", [PLAIN, STRANGE, MANY], ids=["plain", "strange", "many"])
def test_texts_are_inside_each_figure_and_legends_do_not_cover_the_axes(
    classes: tuple[str, ...], figures_of: Callable[[tuple[str, ...]], dict[str, Figure]]
) -> None:
    drawn = figures_of(classes)
    assert list(drawn) == [
        *("curves", "confusion_test", "confusion_train", "run_accuracy", "null", "probabilities"),
        "reliability",
        *("folds", "voxels", "pca", "pca_variance", "tsne"),
    ]
    for name, figure in drawn.items():
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        page = figure.bbox
        legends = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
        for box in [legend.get_window_extent(renderer) for legend in legends if legend]:
            assert box.x0 >= page.x0
            assert box.x1 <= page.x1 + 1, f"{name}: a legend is cut off at the right"
            assert box.y0 >= page.y0 - 1, f"{name}: a legend is cut off below"
            plots = [ax for ax in figure.axes if ax.axison and ax.get_visible()]
            assert not any(box.overlaps(ax.get_window_extent(renderer).padded(-2)) for ax in plots), name
        for axes in figure.axes:
            title = axes.title.get_window_extent(renderer)
            assert title.x0 >= page.x0 - 1, name
            assert title.x1 <= page.x1 + 1, name


@pytest.mark.parametrize("classes", [PLAIN, MANY])
def test_every_title_has_a_number_and_its_unit(
    classes: tuple[str, ...], figures_of: Callable[[tuple[str, ...]], dict[str, Figure]]
) -> None:
    for name, figure in figures_of(classes).items():
        assert any(letter.isdigit() for letter in figure.get_suptitle()), name
        words = ("folds", "predictions", "permutations", "samples", "voxels", "components")
        assert any(word in figure.get_suptitle() for word in words), name


@pytest.mark.parametrize("planes", [3, 12])
def test_the_decoded_voxels_are_drawn_where_they_are(planes: int) -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=20) @ np.diag([3.0, 3, 3])
    affine[:3, 3] = [-15, -20, 5]
    mask = np.zeros((10, 12, planes), bool)
    mask[:4] = True  # the left half
    space = Space(Grid(mask.shape, affine), mask)
    rng = np.random.default_rng(0)
    corner = np.array([[2.0, 0, 0, -60], [0, 2, 0, -60], [0, 0, 2, -60], [0, 0, 0, 1]])
    below = Volume(rng.random((60, 60, 60)).astype(np.float32), corner, "anatomy", name="T1")
    drawn = brain_figures(space, below)
    assert [ax.get_title()[:3] for ax in drawn["planes"].axes] == ["x =", "y =", "z ="]
    figure = drawn["brain"]
    slices = [ax for ax in figure.axes if ax.images]
    assert len(slices) == (3 if planes == 3 else 8)
    assert drawn["planes"].get_suptitle() == f"Decoded voxels, n = {mask.sum()}, over T1"
    if planes == 3:  # each plane of the slab: all of its voxels, at its place along its axis
        positions = [
            float(ax.get_title().partition("=")[2].split()[0].replace("\N{MINUS SIGN}", "-")) for ax in slices
        ]
        np.testing.assert_allclose(np.diff(positions), 3, atol=0.01)
        for ax in slices:
            shown = np.isfinite(np.ma.filled(ax.images[-1].get_array(), np.nan))
            area = shown.sum() * 2**2
            assert area == pytest.approx(4 * 12 * 3**2, rel=0.15)
    far = Volume(below.data, corner + 1000 * (np.arange(4) == 3) * (np.arange(4) < 3)[:, None], "anatomy")
    assert brain_figures(space, far) == {}


def test_confusion_shows_counts_and_fractions_of_the_true_class() -> None:
    counts = np.array([[3, 1], [0, 0]])
    figure = figures.confusion_matrices(counts, ["cat", "dog"], "held out")
    left, right = figure.axes[:2]
    np.testing.assert_array_equal(left.images[0].get_array(), counts)
    assert right.images[0].get_array()[0].tolist() == [0.75, 0.25]  # type: ignore[index]
    assert np.ma.getmaskarray(right.images[0].get_array())[1].all()
    assert {"3", "1", ".75", ".25"} <= {text.get_text() for text in texts(figure)}
    assert "n = 4" in figure.get_suptitle()
    assert [label.get_text() for label in left.get_yticklabels()] == ["cat", "dog"]


def test_learning_curves_show_each_fold_and_the_mean() -> None:
    history = pd.DataFrame(
        {
            "fold": [0, 0, 1, 1],
            "epoch": [0, 1, 0, 1],
            "loss": [2.0, 1.0, 4.0, 3.0],
            "accuracy": [0.1, 0.5, 0.3, 0.9],
            "val_loss": [2.0, 2.0, 2.0, 1.0],
            "val_accuracy": [0.2, 0.2, 0.2, 0.4],
        }
    )
    loss, accuracy = figures.learning_curves(history, chance=0.25).axes
    drawn = [np.asarray(line.get_ydata()).tolist() for line in loss.lines[:3]]
    assert drawn == [[2, 1], [4, 3], [3, 2]]
    assert np.asarray(accuracy.lines[5].get_ydata()) == pytest.approx([0.2, 0.3])
    assert accuracy.lines[6].get_ydata() == [0.25, 0.25]


def test_thresholds_are_drawn_if_given() -> None:
    values = np.linspace(0, 1, 100)
    figure = figures.voxel_histograms(histogram(values, floor=0.05), histogram(values))
    left, right = figure.axes
    assert left.lines[0].get_xdata() == [0.05, 0.05]
    assert not right.lines
    assert "n = 100 voxels" in figure.get_suptitle()


def test_runs_are_shown_with_chance_and_baselines() -> None:
    runs = pd.Series({"1": 0.5, "2": 0.7})
    figure = figures.run_accuracies(runs, 0.125, {"dummy": 0.13, "linear": 0.6}, 20)
    (ax,) = figure.axes
    assert [bar.get_height() for bar in ax.patches] == [0.5, 0.7]  # type: ignore[attr-defined]
    assert [line.get_ydata()[0] for line in ax.lines] == pytest.approx([0.125, 0.13, 0.6, 0.6])  # type: ignore[index]
    assert ax.get_ylabel() == "accuracy"
    by_run = figures.run_accuracies(
        runs, 0.125, {"dummy": 0.13, "linear": 0.6}, 20, run_baselines={"linear": {"2": 0.8, "1": 0.4}}
    )
    chance, dummy, linear, mean = by_run.axes[0].lines
    assert list(linear.get_ydata()) == [0.4, 0.8], "one marker per run, in the order of the bars"
    assert linear.get_linestyle() == "None"
    for line, level in ((chance, 0.125), (dummy, 0.13), (mean, 0.6)):
        assert set(line.get_ydata()) == {level}, "one line for what is the same in all runs"
    balanced = figures.run_accuracies(runs, 0.5, {"dummy": 0.5}, 20, "balanced_accuracy")
    assert balanced.axes[0].get_ylabel() == "balanced accuracy"
    assert balanced.get_suptitle().startswith("Balanced accuracy in the held-out samples")


def test_a_null_distribution_of_one_value_is_drawn() -> None:
    scores = np.array([0.5, 0.5 + 1.2e-16] * 10)  # of a decoder that always predicts the same class
    (ax,) = figures.null_distribution(scores, 0.5, 0.5, 1.0).axes
    assert sum(bar.get_height() for bar in ax.patches) == 20  # type: ignore[attr-defined]


def test_the_fold_figure_shows_the_design_and_the_runs() -> None:
    samples = make_samples(runs=5)
    design = fold_design(leave_one_run_out(samples), samples)
    labels, folds, runs = figures.fold_figure(design).axes
    np.testing.assert_array_equal(folds.images[0].get_array(), design.use)
    assert len(folds.lines) == 4  # between five runs
    assert [text.get_text() for text in folds.get_yticklabels()] == [f"{i}: run {i + 1}" for i in range(5)]
    assert labels.images[0].get_array().shape == runs.images[0].get_array().shape == (1, 45)
    assert [text.get_text() for text in runs.get_xticklabels()] == list("12345")
    assert runs.get_xticks().tolist() == [4, 13, 22, 31, 40]  # the middles of nine samples each


def test_70_classes_differ_in_color_or_marker() -> None:
    assert len({class_style(i) for i in range(70)}) == 70


def test_scatter_draws_every_sample_once_per_panel() -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    figure = figures.scatter(Projection(points, "t-SNE", np.empty(0)), ["a", "b", "c"] * 10, ["1"] * 30)
    for ax in (figure.axes[0], figure.axes[2]):
        drawn = np.vstack([line.get_xydata() for line in ax.lines])
        np.testing.assert_array_equal(np.sort(drawn, axis=0), np.sort(points, axis=0))


def test_a_run_without_epochs_or_with_few_samples_has_fewer_figures() -> None:
    samples = make_samples(("a", "b"), runs=2, length=1)
    few = replace(samples, X=samples.X[:3], table=samples.table[:3])
    splits = [replace(leave_one_run_out(samples)[0], train=np.array([0, 1]), test=np.array([2]))]
    results = [replace(r, untrained_train=None, history=()) for r in random_results(few, splits)]
    drawn = run_figures(few, splits, results, score_folds(results, few))
    assert not {"curves", "null", "pca", "pca_variance", "tsne"} & set(drawn)


def test_each_figure_is_saved_in_each_format(tmp_path: Path) -> None:
    figure = figures.voxel_histograms(histogram(np.arange(9)), histogram(np.arange(9)))
    paths = save_figures({"voxels": figure}, tmp_path / "new" / "figures")
    assert [path.name for path in paths] == ["voxels.png", "voxels.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[1].read_bytes()


def test_letters_that_the_font_lacks_cause_no_warning(tmp_path: Path) -> None:
    figure = figures.confusion_matrices(np.eye(2, dtype=int), ["猫", "犬"], "held out")
    assert save_figures({"confusion": figure}, tmp_path)


def test_drawing_changes_no_global_state() -> None:
    before = dict(mpl.rcParams)
    draw(("a", "b"))
    assert dict(mpl.rcParams) == before
    code = "import sys, napari_fmri_decoder.evaluation.all_figures; print('matplotlib.pyplot' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
