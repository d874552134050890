"""The pictures of a decoding run: each function takes plain arrays or tables and returns a Figure.

`diagnostics` computes what is shown; `style` holds colours and fonts, and saves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from napari_fmri_decoder.evaluation import style
from napari_fmri_decoder.evaluation.diagnostics import USES, bin_edges
from napari_fmri_decoder.evaluation.style import CHANCE, TEST, TRAIN, dress, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_fmri_decoder.evaluation.diagnostics import FoldDesign, Histogram, Projection


SHOWN = 48
"""Names in a legend, at most."""


def curves(history: pd.DataFrame, chance: float, what: str = "") -> Figure:
    """Draw loss and accuracy over epochs, each fold thin and their mean thick.

    Parameters
    ----------
    history : DataFrame
        As `history_table` gives it.
    chance : float
        Accuracy of guessing.
    what : str
        Put before the title, such as the decoder's name.
    """
    n = history["fold"].nunique()
    figure = new_figure(10, 4, _titled(what, f"learning curves, {_count(n, 'fold')}"))
    axes = figure.subplots(1, 2)
    for ax, (name, label) in zip(
        axes, (("loss", "cross-entropy (nats)"), ("accuracy", "accuracy")), strict=True
    ):
        for column, colour in ((name, TRAIN), (f"val_{name}", TEST)):
            for _, fold in history.groupby("fold"):
                ax.plot(fold["epoch"], fold[column], color=colour, lw=0.6, alpha=0.45)
            mean = history.groupby("epoch")[column].mean()
            ax.plot(mean.index, mean, color=colour, lw=2.2)
        dress(ax, name, "epoch (0 is the untrained network)", label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(0, 1.02)
    axes[1].axhline(chance, color=CHANCE, ls="--", lw=1.2)
    lines = [Line2D([], [], color=c, lw=2.2) for c in (TRAIN, TEST)]
    lines.append(Line2D([], [], color=CHANCE, ls="--", lw=1.2))
    style.legend_beside(axes[1], lines, ["training part", "left out", f"chance {chance:.3f}"])
    return figure


def confusion_matrices(counts: NDArray[np.int64], classes: Sequence[str], what: str) -> Figure:
    """Draw a confusion matrix as counts and as fractions of each true class.

    Parameters
    ----------
    counts : (classes, classes) int64 array
        Rows are the true classes.
    classes : sequence of str
    what : str
        Which samples these are: "left out", "training part".
    """
    n = len(classes)
    side = min(max(4.2, 0.32 * n + 1.6), 16)
    title = f"Confusion, {what}, n = {int(counts.sum())} predictions"
    stacked = n > 12  # two large ones side by side would be too small to read on a page
    shape = (side + 1.4, 2 * side + 0.6) if stacked else (2 * side + 1.6, side + 0.6)
    figure = new_figure(*shape, title)
    left, right = figure.subplots(*((2, 1) if stacked else (1, 2)))
    digits = max(len(str(counts.max())), 3)
    size = min(style.NORMAL, 72 * (side - 1.6) / n / digits * 1.3)
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    fill = np.where(counts.sum(axis=1, keepdims=True) > 0, rows, np.nan)
    for ax, values, form, top, title in (
        (left, counts.astype(float), "{:.0f}", max(int(counts.max()), 1), "counts"),
        (right, fill, "{:.2f}", 1.0, "fraction of the true class"),
    ):
        image = ax.imshow(values, cmap="Blues", vmin=0, vmax=top)
        dress(ax, title, "predicted", "true" if ax is left or stacked else "")
        style.tick_names(ax, classes, "x")
        style.tick_names(ax, classes, "y")
        ax.tick_params(left=False, bottom=False)
        if n <= 30:
            _write_cells(ax, values, form, top, size)
        else:
            bar = figure.colorbar(image, ax=ax, shrink=0.75)
            bar.ax.tick_params(labelsize=style.SMALL)
    return figure


def probabilities(histograms: Mapping[str, tuple[Histogram, Histogram]], n: int) -> Figure:
    """Draw, for each class, the probability it was given: over its own samples and over all others.

    Parameters
    ----------
    histograms : mapping of str to (Histogram, Histogram)
        As `probability_histograms` gives it.
    n : int
        How many predictions there are.
    """
    columns = min(len(histograms), 2 if len(histograms) <= 4 else 4 if len(histograms) <= 16 else 6)
    rows = -(-len(histograms) // columns)
    width = 4.2 if columns == 2 else 2.2
    figure = new_figure(
        max(columns * width, 5) + 1.6,
        rows * 1.7 + 1.2,
        f"Predicted probabilities, left out, n = {n} predictions",
    )
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for ax in grid.flat[len(histograms) :]:
        ax.set_visible(False)
    for i, (ax, (name, (own, others))) in enumerate(zip(grid.flat, histograms.items(), strict=False)):
        for part, colour in ((others, CHANCE), (own, TEST)):
            ax.stairs(part.counts / max(part.counts.sum(), 1), part.edges, color=colour, lw=1.6)
        dress(ax, style.shorten(name))
        ax.tick_params(labelbottom=i + columns >= len(histograms))
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.set_xlim(0, 1)
        ax.set_ylim(bottom=0)
    figure.supxlabel("probability given to the class", fontsize=style.NORMAL)
    figure.supylabel("fraction of samples", fontsize=style.NORMAL)
    lines = [Line2D([], [], color=c, lw=1.6) for c in (TEST, CHANCE)]
    style.legend_beside(grid[0, -1], lines, ["of the class", "of others"])
    return figure


def voxel_histograms(means: Histogram, stds: Histogram, what: str = "voxels") -> Figure:
    """Draw the histograms of voxel means and standard deviations, with their floors.

    Parameters
    ----------
    means, stds : Histogram
        `floor` is drawn where it is given.
    what : str
        Put before the title.
    """
    figure = new_figure(
        10, 3.6, _titled(what, f"mean and standard deviation, n = {int(means.counts.sum())} voxels")
    )
    axes = figure.subplots(1, 2)
    for ax, part, name in zip(axes, (means, stds), ("mean", "standard deviation"), strict=True):
        ax.stairs(part.counts, part.edges, fill=True, color="#9ecae1")
        dress(ax, name, f"{name} over volumes", "voxels" if ax is axes[0] else "")
        if part.floor is not None:
            ax.axvline(part.floor, color=TEST, lw=1.8)
            ax.set_title(style.plain(f"{name}, floor {part.floor:.3g}"), fontsize=style.NORMAL)
    return figure


def scatter(projection: Projection, labels: Sequence[str], runs: Sequence[str]) -> Figure:
    """Draw samples in the plane, coloured by label and by run.

    Parameters
    ----------
    projection : Projection
    labels, runs : (n,) sequences of str
    """
    names, order = sorted(set(labels)), list(dict.fromkeys(runs))
    looks = [style.look(i) for i in range(len(names))]
    shaded = [(shade, style.MARKERS[i % 4]) for i, shade in enumerate(style.shades(len(order)))]
    widths = [4.4, style.legend_width(names[:SHOWN]), 4.4, style.legend_width(order[:SHOWN])]
    title = f"{projection.method} of the samples, n = {len(projection.points)}"
    figure = new_figure(sum(widths) + 1.0, 4.9, title)
    left, beside_left, right, beside_right = figure.subplots(1, 4, width_ratios=widths)
    _points(left, beside_left, projection.points, labels, names, looks, "label")
    _points(right, beside_right, projection.points, runs, order, shaded, "run")
    part = "component" if projection.explained.size else "dimension"
    shares = [f" ({share:.1%} of the variance)" for share in projection.explained[:2]] or ["", ""]
    for ax, what in ((left, "by label"), (right, "by run")):
        dress(ax, what, *(f"{part} {i + 1}{share}" for i, share in enumerate(shares)))
    return figure


def explained_variance(projection: Projection) -> Figure:
    """Draw how much of the variance the first components of a PCA explain together."""
    total = np.cumsum(projection.explained)
    title = f"Cumulative explained variance, {_count(len(total), 'component')}, n = {len(projection.points)}"
    figure = new_figure(8, 3.6, title)
    ax = figure.subplots()
    ax.plot(np.arange(1, len(total) + 1), total, color=TRAIN, lw=2.0, marker="o" if len(total) < 30 else "")
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    dress(ax, "", "components", "fraction of the variance")
    return figure


def run_accuracies(
    accuracy: pd.Series[float],
    chance: float,
    baseline: Mapping[str, float],
    n: int,
    what: str = "accuracy",
) -> Figure:
    """Draw the accuracy in each run beside chance and the baselines.

    Parameters
    ----------
    accuracy : Series
        As `run_accuracy` gives it: one fraction per run.
    chance : float
    baseline : mapping of str to float
        "dummy" and "linear", means over folds.
    n : int
        How many predictions there are.
    what : str
        Name of the score: that of the baselines too.
    """
    name = what.replace("_", " ")
    width = min(max(7.0, 0.36 * len(accuracy) + 3.5), 18)
    title = _titled(
        "",
        f"{name} over the samples left out of each run, {_count(len(accuracy), 'run')}, n = {n} predictions",
    )
    figure = new_figure(width, 4, title)
    ax = figure.subplots()
    ax.bar(range(len(accuracy)), accuracy.to_numpy(), color="#9ecae1", edgecolor=TRAIN, width=0.7)
    style.tick_names(ax, [str(name) for name in accuracy.index], "x", room=60)
    dress(ax, "", "run", name)
    ax.set_ylim(0, 1.02)
    lines, names = [], []
    marks = [("chance", chance, "--", CHANCE)]
    looks = ((":", "#000000"), ("-.", TEST), ("-", "#009E73"))
    for i, (name, value) in enumerate(baseline.items()):
        marks.append((name, value, *looks[i % len(looks)]))
    marks.append(("mean of runs", float(accuracy.mean()), "-", TRAIN))
    for name, value, dashes, colour in marks:
        lines.append(ax.axhline(value, ls=dashes, color=colour, lw=1.6))
        names.append(f"{name} {value:.3f}")
    style.legend_beside(ax, lines, names)
    return figure


def null_distribution(
    scores: NDArray[np.float64], observed: float, chance: float, p: float, what: str = "accuracy"
) -> Figure:
    """Draw what exchanged labels gave, beside what the true ones gave.

    Parameters
    ----------
    scores : (permutations,) float64 array
    observed, chance, p : float
    what : str
        Name of the score.
    """
    figure = new_figure(8, 3.8, f"Null distribution, n = {len(scores)} permutations, p = {p:.3g}")
    ax = figure.subplots()
    edges = bin_edges(scores, min(30, max(8, len(scores) // 8)))
    ax.hist(scores, bins=edges.tolist(), color="#9ecae1", edgecolor="white")
    lines = [
        ax.axvline(observed, color=TEST, lw=2.2),
        ax.axvline(chance, color=CHANCE, ls="--", lw=1.4),
    ]
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    dress(ax, "", f"{what.replace('_', ' ')}, labels of blocks exchanged within runs", "permutations")
    style.legend_beside(ax, lines, [f"true labels {observed:.3f}", f"chance {chance:.3f}"])
    return figure


def fold_picture(design: FoldDesign) -> Figure:
    """Draw what each fold does with each sample, the labels above and the runs below.

    Parameters
    ----------
    design : FoldDesign
    """
    n_folds, n = design.use.shape
    spans = design.spans
    title = f"Folds: {_count(n_folds, 'fold')}, n = {n} samples, {_count(len(set(design.runs)), 'run')}"
    names = sorted(set(design.labels))
    codes = [code for code in (2, 1, 3, 0) if (design.use == code).any()]
    keys = style.legend_rows(len(codes) + min(len(names), SHOWN))
    figure = new_figure(11, max(min(0.24 * n_folds + 2.5, 14), 0.18 * keys + 1.6), title)
    above, folds, below = figure.subplots(3, 1, sharex=True, height_ratios=[1, max(3.0, 0.8 * n_folds), 1])
    shades = style.shades(len(names)) if len(names) > len(style.COLOURS) else style.COLOURS[: len(names)]
    labels = np.array([names.index(label) for label in design.labels])
    _strip(above, labels, shades, "label")
    folds.imshow(
        design.use,
        aspect="auto",
        cmap=ListedColormap(list(USES.values())),
        vmin=-0.5,
        vmax=len(USES) - 0.5,
        interpolation="nearest",
    )
    for _, start, _ in spans[1:]:
        folds.axvline(start - 0.5, color="#000000", lw=0.5)
    dress(folds, "", "", "fold")
    style.tick_names(folds, design.rows, "y", limit=40)
    turns = np.repeat(np.arange(len(spans)) % 2, [stop - start for _, start, stop in spans])
    _strip(below, turns, ("#bdbdbd", "#737373"), "run")
    for ax in (above, folds):
        ax.tick_params(bottom=False, labelbottom=False)
    below.set_xlabel("samples in time order, run by run", fontsize=style.NORMAL)
    style.tick_names(
        below, [name for name, _, _ in spans], "x", at=[(start + stop - 1) / 2 for _, start, stop in spans]
    )
    meanings = [(list(USES)[code], list(USES.values())[code]) for code in codes]
    meanings += list(zip(names, shades, strict=True))[:SHOWN]
    squares = [Line2D([], [], ls="", marker="s", ms=8, mfc=shade, mec=CHANCE) for _, shade in meanings]
    style.legend_beside(folds, squares, [name for name, _ in meanings])
    return figure


def _strip(ax: Axes, codes: NDArray[np.int64], shades: Sequence[str], name: str) -> None:
    """Draw one row of colours, with its name at the left."""
    colours = ListedColormap(list(shades))
    ax.imshow(
        codes[None], aspect="auto", cmap=colours, interpolation="nearest", vmin=-0.5, vmax=len(shades) - 0.5
    )
    dress(ax)
    ax.set_yticks([0], [name], fontsize=style.SMALL)


def _points(
    ax: Axes,
    beside: Axes,
    points: NDArray[np.float64],
    values: Sequence[str],
    names: Sequence[str],
    looks: Sequence[tuple[str, str]],
    title: str,
) -> None:
    """Scatter one group after another, with a legend in `beside`."""
    column = np.asarray(values, dtype=object)
    handles = []
    for name, (colour, marker) in zip(names, looks, strict=True):
        part = points[column == name]
        drawn = ax.plot(
            part[:, 0], part[:, 1], ls="", marker=marker, ms=4.5, mfc=colour, mec="white", mew=0.3, alpha=0.8
        )
        handles.append(drawn[0])
    if len(names) > SHOWN:
        title = f"{title} (the first {SHOWN} of {len(names)})"
    beside.set_axis_off()
    style.legend_beside(beside, handles[:SHOWN], names[:SHOWN], title, at=0.0)


def _write_cells(ax: Axes, values: NDArray[np.float64], form: str, top: float, size: float) -> None:
    """Write each value that is not 0 into its cell, dark on light and light on dark."""
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value) and form.format(value).strip("0.") != "":
            text = form.format(value).removeprefix("0") if top == 1.0 else form.format(value)
            colour = "white" if value > 0.55 * top else "#1a1a1a"
            cell = ax.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
            cell.set_in_layout(False)  # it is inside of the axes


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _titled(what: str, rest: str) -> str:
    """Put `what` before the rest, and start with a capital."""
    title = f"{what}: {rest}" if what else rest
    return title[0].upper() + title[1:]
