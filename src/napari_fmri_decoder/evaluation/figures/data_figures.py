"""Figures of the data: use of samples in folds, voxel histograms, PCA and t-SNE.

Each function takes plain arrays or tables and returns a Figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from napari_fmri_decoder.evaluation.figures import style
from napari_fmri_decoder.evaluation.figures.style import CHANCE, TEST, TRAIN, counted, new_figure, style_axes
from napari_fmri_decoder.evaluation.fold_design import USES
from napari_fmri_decoder.evaluation.palette import class_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_fmri_decoder.evaluation.fold_design import FoldDesign
    from napari_fmri_decoder.evaluation.histograms import Histogram
    from napari_fmri_decoder.evaluation.projections import Projection

MAX_LEGEND_NAMES = 48
"""Names in a legend, at most."""


def fold_figure(design: FoldDesign) -> Figure:
    """Draw how each fold uses each sample, with labels above and runs below.

    Parameters
    ----------
    design : FoldDesign
    """
    n_folds, n = design.use.shape
    spans = design.spans
    title = f"Folds: {counted(n_folds, 'fold')}, n = {n} samples, {counted(len(set(design.runs)), 'run')}"
    names = sorted(set(design.labels))
    codes = [code for code in (2, 1, 3, 0) if (design.use == code).any()]
    legend_rows = style.legend_rows(len(codes) + min(len(names), MAX_LEGEND_NAMES))
    figure = new_figure(11, max(min(0.24 * n_folds + 2.5, 14), 0.18 * legend_rows + 1.6), title)
    labels, folds, runs = figure.subplots(3, 1, sharex=True, height_ratios=[1, max(3.0, 0.8 * n_folds), 1])
    colors = [class_color(i) for i in range(len(names))]
    _strip(labels, np.array([names.index(label) for label in design.labels]), colors, "label")
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
    style_axes(folds, "", "", "fold")
    style.tick_names(folds, design.rows, "y", limit=40)
    alternating = np.repeat(np.arange(len(spans)) % 2, [stop - start for _, start, stop in spans])
    _strip(runs, alternating, ("#bdbdbd", "#737373"), "run")
    for ax in (labels, folds):
        ax.tick_params(bottom=False, labelbottom=False)
    runs.set_xlabel("samples in order of time, by run", fontsize=style.NORMAL)
    middles = [(start + stop - 1) / 2 for _, start, stop in spans]
    style.tick_names(runs, [name for name, _, _ in spans], "x", positions=middles)
    legend = [(list(USES)[code], list(USES.values())[code]) for code in codes]
    legend += list(zip(names, colors, strict=True))[:MAX_LEGEND_NAMES]
    squares = [Line2D([], [], ls="", marker="s", ms=8, mfc=color, mec=CHANCE) for _, color in legend]
    style.legend_right(folds, squares, [name for name, _ in legend])
    return figure


def voxel_histograms(means: Histogram, stds: Histogram, source: str = "voxels") -> Figure:
    """Draw the histograms of voxel means and standard deviations, with the thresholds of the mask.

    Parameters
    ----------
    means, stds : Histogram
        `floor` is drawn unless it is None.
    source : str
        Of the voxels; begins the title.
    """
    title = f"{source.capitalize()}: mean and standard deviation, n = {int(means.counts.sum())} voxels"
    figure = new_figure(10, 3.6, title)
    axes = figure.subplots(1, 2)
    for ax, part, name in zip(axes, (means, stds), ("mean", "standard deviation"), strict=True):
        ax.stairs(part.counts, part.edges, fill=True, color="#9ecae1")
        style_axes(ax, name, f"{name} over volumes", "voxels" if ax is axes[0] else "")
        if part.floor is not None:
            ax.axvline(part.floor, color=TEST, lw=1.8)
            ax.set_title(style.plain(f"{name}, threshold {part.floor:.3g}"), fontsize=style.NORMAL)
    return figure


def scatter(
    projection: Projection, labels: Sequence[str], runs: Sequence[str], classes: Sequence[str] | None = None
) -> Figure:
    """Draw samples as points in the plane, colored by label and by run.

    Parameters
    ----------
    projection : Projection
    labels, runs : (n,) sequences of str
    classes : sequence of str, optional
        All classes, in the order of their colors; by default the sorted labels.
    """
    classes, run_names = classes or sorted(set(labels)), list(dict.fromkeys(runs))
    class_styles = [style.class_style(i) for i in range(len(classes))]
    run_colors = style.ordered_colors(len(run_names))
    run_styles = [(color, style.MARKERS[i % 4]) for i, color in enumerate(run_colors)]
    legend_widths = [style.legend_width(names[:MAX_LEGEND_NAMES]) for names in (classes, run_names)]
    widths = [4.4, legend_widths[0], 4.4, legend_widths[1]]
    title = f"{projection.method} of the samples, n = {len(projection.points)}"
    figure = new_figure(sum(widths) + 1.0, 4.9, title)
    left, left_legend, right, right_legend = figure.subplots(1, 4, width_ratios=widths)
    _points(left, left_legend, projection.points, labels, classes, class_styles, "label")
    _points(right, right_legend, projection.points, runs, run_names, run_styles, "run")
    dimension = "component" if projection.explained.size else "dimension"
    shares = [f" ({share:.1%} of the variance)" for share in projection.explained[:2]] or ["", ""]
    for ax, title in ((left, "by label"), (right, "by run")):
        style_axes(ax, title, *(f"{dimension} {i + 1}{share}" for i, share in enumerate(shares)))
    return figure


def explained_variance(projection: Projection) -> Figure:
    """Draw the cumulative variance explained by the components of a PCA."""
    total = np.cumsum(projection.explained)
    title = f"Cumulative explained variance, {counted(len(total), 'component')}, n = {len(projection.points)}"
    figure = new_figure(8, 3.6, title)
    ax = figure.subplots()
    ax.plot(np.arange(1, len(total) + 1), total, color=TRAIN, lw=2.0, marker="o" if len(total) < 30 else "")
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style_axes(ax, "", "components", "fraction of the variance")
    return figure


def _strip(ax: Axes, codes: NDArray[np.int64], colors: Sequence[str], name: str) -> None:
    """Draw one row of colors, with its name on the left."""
    ax.imshow(
        codes[None],
        aspect="auto",
        cmap=ListedColormap(list(colors)),
        interpolation="nearest",
        vmin=-0.5,
        vmax=len(colors) - 0.5,
    )
    style_axes(ax)
    ax.set_yticks([0], [name], fontsize=style.SMALL)


def _points(
    ax: Axes,
    legend: Axes,
    points: NDArray[np.float64],
    values: Sequence[str],
    names: Sequence[str],
    styles: Sequence[tuple[str, str]],
    title: str,
) -> None:
    """Draw one group of points after another, and their names in `legend`."""
    column = np.asarray(values, dtype=object)
    handles: list[Line2D] = []
    for name, (color, marker) in zip(names, styles, strict=True):
        x, y = points[column == name].T
        # The edge keeps light colors visible on white.
        handles += ax.plot(x, y, ls="", marker=marker, ms=4.5, mfc=color, mec=CHANCE, mew=0.3, alpha=0.8)
    if len(names) > MAX_LEGEND_NAMES:
        title = f"{title} (the first {MAX_LEGEND_NAMES} of {len(names)})"
    legend.set_axis_off()
    style.legend_right(legend, handles[:MAX_LEGEND_NAMES], names[:MAX_LEGEND_NAMES], title, left=0.0)
