"""Figures of scores: learning curves, confusion matrices, probabilities, runs, permutations.

Each function takes plain arrays or tables and returns a Figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from napari_fmri_decoder.evaluation.figures import style
from napari_fmri_decoder.evaluation.figures.style import CHANCE, TEST, TRAIN, counted, new_figure, style_axes
from napari_fmri_decoder.evaluation.histograms import bin_edges
from napari_fmri_decoder.evaluation.lag_curve import DECODER
from napari_fmri_decoder.evaluation.p_values import p_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_fmri_decoder.evaluation.calibration import Calibration
    from napari_fmri_decoder.evaluation.histograms import Histogram
    from napari_fmri_decoder.evaluation.lag_curve import LagCurve

OTHERS = ((":", "#000000", "D"), ("-.", TEST, "X"), ("-", "#009E73", "^"))
"""Line, color and marker of the decoders that a decoder is compared with."""


def learning_curves(history: pd.DataFrame, chance: float) -> Figure:
    """Draw loss and accuracy over epochs: thin lines for folds, thick lines for their mean.

    Parameters
    ----------
    history : DataFrame
        As returned by `history_table`.
    chance : float
        Accuracy of guessing.
    """
    n = history["fold"].nunique()
    figure = new_figure(10, 4, f"Learning curves, {counted(n, 'fold')}")
    axes = figure.subplots(1, 2)
    for ax, (name, label) in zip(
        axes, (("loss", "cross-entropy (nats)"), ("accuracy", "accuracy")), strict=True
    ):
        for column, color in ((name, TRAIN), (f"val_{name}", TEST)):
            for _, fold in history.groupby("fold"):
                ax.plot(fold["epoch"], fold[column], color=color, lw=0.6, alpha=0.45)
            mean = history.groupby("epoch")[column].mean()
            ax.plot(mean.index, mean, color=color, lw=2.2)
        style_axes(ax, name, "epoch (0 is the untrained network)", label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(0, 1.02)
    axes[1].axhline(chance, color=CHANCE, ls="--", lw=1.2)
    lines = [Line2D([], [], color=c, lw=2.2) for c in (TRAIN, TEST)]
    lines.append(Line2D([], [], color=CHANCE, ls="--", lw=1.2))
    style.legend_right(axes[1], lines, ["training set", "held out", f"chance {chance:.3f}"])
    return figure


def confusion_matrices(counts: NDArray[np.int64], classes: Sequence[str], part: str) -> Figure:
    """Draw a confusion matrix as counts and as fractions of each true class.

    Parameters
    ----------
    counts : (classes, classes) int64 array
        Rows are the true classes.
    classes : sequence of str
    part : str
        Which samples these are, for the title: "held out", "training sets".
    """
    n = len(classes)
    side = min(max(4.2, 0.32 * n + 1.6), 16)
    title = f"Confusion matrix, {part}, n = {int(counts.sum())} predictions"
    stacked = n > 12  # two large matrices side by side would be too small to read on a page
    shape = (side + 1.4, 2 * side + 0.6) if stacked else (2 * side + 1.6, side + 0.6)
    figure = new_figure(*shape, title)
    left, right = figure.subplots(*((2, 1) if stacked else (1, 2)))
    digits = max(len(str(counts.max())), 3)
    size = min(style.NORMAL, 72 * (side - 1.6) / n / digits * 1.3)
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    fill = np.where(counts.sum(axis=1, keepdims=True) > 0, rows, np.nan)
    for ax, values, number_format, top, title in (
        (left, counts.astype(float), "{:.0f}", max(int(counts.max()), 1), "counts"),
        (right, fill, "{:.2f}", 1.0, "fraction of the true class"),
    ):
        image = ax.imshow(values, cmap="Blues", vmin=0, vmax=top)
        style_axes(ax, title, "predicted", "true" if ax is left or stacked else "")
        style.tick_names(ax, classes, "x")
        style.tick_names(ax, classes, "y")
        ax.tick_params(left=False, bottom=False)
        if n <= 30:
            _write_cells(ax, values, number_format, top, size)
        else:
            bar = figure.colorbar(image, ax=ax, shrink=0.75)
            bar.ax.tick_params(labelsize=style.SMALL)
    return figure


def probabilities(histograms: Mapping[str, tuple[Histogram, Histogram]], n: int) -> Figure:
    """Draw the predicted probability of each class, over its own samples and over all others.

    Parameters
    ----------
    histograms : mapping of str to (Histogram, Histogram)
        As returned by `probability_histograms`.
    n : int
        Number of predictions.
    """
    columns = min(len(histograms), 2 if len(histograms) <= 4 else 4 if len(histograms) <= 16 else 6)
    rows = -(-len(histograms) // columns)
    width = 4.2 if columns == 2 else 2.2
    figure = new_figure(
        max(columns * width, 5) + 1.6,
        rows * 1.7 + 1.2,
        f"Predicted probabilities, held out, n = {n} predictions",
    )
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for ax in grid.flat[len(histograms) :]:
        ax.set_visible(False)
    for i, (ax, (name, (own, others))) in enumerate(zip(grid.flat, histograms.items(), strict=False)):
        for part, color in ((others, CHANCE), (own, TEST)):
            ax.stairs(part.counts / max(part.counts.sum(), 1), part.edges, color=color, lw=1.6)
        style_axes(ax, style.shorten(name))
        ax.tick_params(labelbottom=i + columns >= len(histograms))
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.set_xlim(0, 1)
        ax.set_ylim(bottom=0)
    figure.supxlabel("predicted probability of the class", fontsize=style.NORMAL)
    figure.supylabel("fraction of samples", fontsize=style.NORMAL)
    lines = [Line2D([], [], color=c, lw=1.6) for c in (TEST, CHANCE)]
    style.legend_right(grid[0, -1], lines, ["samples of the class", "other samples"])
    return figure


def reliability(decoders: Mapping[str, Calibration]) -> Figure:
    """Draw accuracy over confidence for each decoder, and how many predictions of the first are in each bin.

    Parameters
    ----------
    decoders : mapping of str to Calibration
        By name; the first is that of the run.
    """
    first = next(iter(decoders.values()))
    n = sum(part.n for part in first.bins)
    figure = new_figure(8, 5, f"Reliability, held out, n = {n} predictions")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    lines = above.plot([0, 1], [0, 1], color=CHANCE, ls="--", lw=1.2)
    looks = (("-", TRAIN, "o"), *OTHERS)
    for i, found in enumerate(decoders.values()):
        dashes, color, marker = looks[i % len(looks)]
        x, y = [part.confidence for part in found.bins], [part.accuracy for part in found.bins]
        lines += above.plot(x, y, ls=dashes, color=color, marker=marker, ms=6, lw=1.8, mec="white")
    below.bar(
        [part.low for part in first.bins],
        [part.n for part in first.bins],
        [part.high - part.low for part in first.bins],
        align="edge",
        color="#9ecae1",
        edgecolor=TRAIN,
    )
    style_axes(above, "", "", "accuracy")
    style_axes(below, "", "confidence: probability of the predicted class", "predictions")
    above.set_ylim(0, 1.02)
    below.set_xlim(0, 1)
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    names = [f"{name} (ECE {found.ece:.3f})" for name, found in decoders.items()]
    style.legend_right(above, lines, ["perfect calibration", *names])
    return figure


def run_accuracies(
    accuracy: pd.Series[float],
    chance: float,
    baseline: Mapping[str, float],
    n: int,
    measure: str = "accuracy",
    run_baselines: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Draw the accuracy in each run, with the baselines of each run and a line for chance.

    Parameters
    ----------
    accuracy : Series
        As returned by `run_accuracy`: one fraction per run.
    chance : float
    baseline : mapping of str to float
        "dummy" and "linear", means over folds.
    n : int
        Number of predictions.
    measure : str
        Name of the score, of the baselines as well.
    run_baselines : mapping of str to mapping of str to float, optional
        Score of each baseline in each run. A baseline without these is one line at its mean.
    """
    score_name = measure.replace("_", " ")
    width = min(max(7.0, 0.36 * len(accuracy) + 3.5), 18)
    title = (
        f"{score_name.capitalize()} in the held-out samples of each run, {counted(len(accuracy), 'run')}, "
        f"n = {n} predictions"
    )
    figure = new_figure(width, 4, title)
    ax = figure.subplots()
    ax.bar(range(len(accuracy)), accuracy.to_numpy(), color="#9ecae1", edgecolor=TRAIN, width=0.7)
    style.tick_names(ax, [str(name) for name in accuracy.index], "x", max_letters=60)
    style_axes(ax, "", "run", score_name)
    ax.set_ylim(0, 1.02)
    lines = [ax.axhline(chance, ls="--", color=CHANCE, lw=1.6)]
    for i, name in enumerate(baseline):
        dashes, color, marker = OTHERS[i % len(OTHERS)]
        in_run = (run_baselines or {}).get(name, {})
        if in_run:
            values = [in_run.get(str(run), np.nan) for run in accuracy.index]
            lines += ax.plot(range(len(values)), values, ls="", marker=marker, ms=7, color=color, mec="white")
        else:
            lines.append(ax.axhline(baseline[name], ls=dashes, color=color, lw=1.6))
    mean = float(accuracy.mean())
    lines.append(ax.axhline(mean, ls="-", color=TRAIN, lw=1.6))
    levels = {"chance": chance, **baseline, "mean of runs": mean}
    style.legend_right(ax, lines, [f"{name} {value:.3f}" for name, value in levels.items()])
    return figure


def null_distribution(
    scores: NDArray[np.float64], observed: float, chance: float, p: float, measure: str = "accuracy"
) -> Figure:
    """Draw the scores under permuted labels, with lines for the true score and chance.

    Parameters
    ----------
    scores : (permutations,) float64 array
    observed, chance, p : float
    measure : str
        Name of the score.
    """
    figure = new_figure(8, 3.8, f"Null distribution: {p_text(p, len(scores))}")
    ax = figure.subplots()
    edges = bin_edges(scores, min(30, max(8, len(scores) // 8)))
    ax.hist(scores, bins=edges.tolist(), color="#9ecae1", edgecolor="white")
    lines = [
        ax.axvline(observed, color=TEST, lw=2.2),
        ax.axvline(chance, color=CHANCE, ls="--", lw=1.4),
    ]
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    style_axes(ax, "", f"{measure.replace('_', ' ')} with block labels permuted within runs", "permutations")
    style.legend_right(ax, lines, [f"true labels {observed:.3f}", f"chance {chance:.3f}"])
    return figure


def lag_figure(curve: LagCurve, chance: float, measure: str = "accuracy") -> Figure:
    """Draw the accuracy by the lag of the labels, and below it how many folds chose each lag.

    Parameters
    ----------
    curve : LagCurve
    chance : float
    measure : str
        Name of the score.
    """
    figure = new_figure(8, 3.8, f"{measure.replace('_', ' ').capitalize()} by the lag of the labels")
    ax = figure.subplots()
    (line,) = ax.plot(curve.lags, curve.scores, color=TRAIN, marker="o", lw=2.2)
    lines = [line, ax.axhline(chance, color=CHANCE, ls="--", lw=1.4)]
    names = [f"{DECODER}, peak at {curve.peak:g} s", f"chance {chance:.3f}"]
    if curve.chosen:
        counts = np.array([sum(lag == other for other in curve.chosen.values()) for lag in curve.lags])
        ax.scatter(curve.lags, np.zeros(len(counts)), s=18 * counts, color=TEST, clip_on=False)
        lines.append(Line2D([], [], color=TEST, marker="o", ls=""))
        names.append(f"chosen, {counted(len(curve.chosen), 'fold')}")
    style_axes(ax, "", "lag (s)", measure.replace("_", " "))
    ax.set_ylim(0, 1.02)
    style.legend_right(ax, lines, names)
    return figure


def _write_cells(ax: Axes, values: NDArray[np.float64], number_format: str, top: float, size: float) -> None:
    """Write each nonzero value into its cell, dark on light or light on dark."""
    for (row, column), value in np.ndenumerate(values):
        text = number_format.format(value)
        if np.isfinite(value) and text.strip("0.") != "":
            text = text.removeprefix("0") if top == 1.0 else text
            color = "white" if value > 0.55 * top else "#1a1a1a"
            cell = ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
            cell.set_in_layout(False)  # it is inside the axes
