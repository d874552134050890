"""Style of all figures: colors, fonts, legends to the right of the axes; and how figures are saved.

Figures are made without pyplot and change no global setting, so that they can be drawn in any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from napari_fmri_decoder.atomic_files import replacing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.palette import N_DISTINCT, class_color
from napari_fmri_decoder.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

TRAIN, TEST, CHANCE = "#0072B2", "#D55E00", "#595959"
"""Colors of the training set, the test set, and chance (Okabe and Ito 2008)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
"""Every eight classes have the next marker, so that at least 80 can be distinguished."""

PICTURES = (".png", ".svg")
"""Endings that `save_picture` accepts."""

SMALL, NORMAL, LARGE = 8, 10, 12
"""Font sizes in points."""


def new_figure(width: float, height: float, title: str) -> Figure:
    """Make an empty figure with a title; width and height are in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(plain(title), fontsize=LARGE)
    return figure


def style_axes(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Set the title and labels of axes, and hide the lines at the top and on the right."""
    # With a fixed position, matplotlib does not measure all ticks again to place the title.
    axes.set_title(plain(title), fontsize=NORMAL, y=1.0)
    axes.set_xlabel(plain(x), fontsize=NORMAL)
    axes.set_ylabel(plain(y), fontsize=NORMAL)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def plain(text: str) -> str:
    """Escape the dollar signs in a name, which matplotlib would render as a formula."""
    return text.replace("$", r"\$")


def tick_names(
    axes: Axes,
    names: Sequence[str],
    which: str,
    limit: int = 60,
    max_letters: int = 40,
    positions: Sequence[float] | None = None,
) -> None:
    """Label the axis "x" or "y" with names, at 0, 1, ... or at `positions`.

    If there are more than `limit` names, only every second, third, ... is shown. Names on the x axis
    are vertical if they need more than `max_letters` letters.
    """
    step = -(-len(names) // limit)
    indices = list(range(0, len(names), step))
    places = indices if positions is None else [positions[i] for i in indices]
    shown = [plain(shorten(names[i])) for i in indices]
    if which == "x":
        vertical = max(map(len, shown)) * len(shown) > max_letters
        axes.set_xticks(places, shown, rotation=90 if vertical else 0, fontsize=SMALL)
    else:
        axes.set_yticks(places, shown, fontsize=SMALL)


def counted(n: int, noun: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "fold"), counted(3, "fold")
    ('1 fold', '3 folds')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def shorten(name: str, limit: int = 24) -> str:
    """Shorten a long name in the middle.

    Examples
    --------
    >>> shorten("sub-01/ses-02/run-03", limit=11)
    'sub-0…un-03'
    """
    half = (limit - 1) // 2
    return name if len(name) <= limit else f"{name[:half]}…{name[-half:]}"


def class_style(index: int) -> tuple[str, str]:
    """Return color and marker of class `index`; the color is that of the viewer."""
    return class_color(index), MARKERS[index // N_DISTINCT % len(MARKERS)]


def ordered_colors(n: int) -> list[str]:
    """Return n colors from dark to light, for ordered categories."""
    from matplotlib.colors import to_hex

    steps = [0.05 + 0.85 * i / max(n - 1, 1) for i in range(n)]
    return [to_hex(colormaps["viridis"](step)) for step in steps]


def legend_rows(n: int) -> int:
    """Return the number of rows of a legend of n names, which has a column for every 16."""
    return -(-n // (1 + n // 17))


def legend_width(names: Sequence[str]) -> float:
    """Return the width in inches of a legend of these names."""
    columns = 1 + len(names) // 17
    return columns * (0.45 + 0.068 * max(len(shorten(name)) for name in names))


def legend_right(
    axes: Axes, handles: Sequence[Line2D], names: Sequence[str], title: str = "", left: float = 1.01
) -> None:
    """Put the legend to the right of the axes; `left` is its left edge in axes coordinates."""
    axes.legend(
        list(handles),
        [plain(shorten(name)) for name in names],
        title=plain(title),
        loc="upper left",
        bbox_to_anchor=(left, 1.0),
        borderaxespad=0.0,
        fontsize=SMALL,
        title_fontsize=SMALL,
        ncols=1 + len(names) // 17,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.0,
    )


def fix_layout(figure: Figure, dpi: float) -> None:
    """Compute the layout of a figure once for all its formats; matplotlib would repeat it for each.

    Parameters
    ----------
    figure : Figure
        Complete: later additions are not part of the layout.
    dpi : float
        Dots per inch at which texts are measured.
    """
    figure.set_dpi(dpi)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _fix_ticks(axis)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def _fix_ticks(axis: Axis) -> None:
    """Compute ticks and their labels once, not at each measurement."""
    low, high = sorted(axis.get_view_interval())
    shown = [tick for tick in axis.get_majorticklocs() if low <= tick <= high]
    if not isinstance(axis.get_major_locator(), FixedLocator):
        formatter = axis.get_major_formatter()
        fixed = FixedFormatter(formatter.format_ticks(shown))
        fixed.set_offset_string(formatter.get_offset())
        axis.set_major_locator(FixedLocator(shown))
        axis.set_major_formatter(fixed)


def save_png(figure: Figure, path: Path) -> None:
    """Draw a figure once and write its pixels; `savefig` would draw it twice for the layout."""
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # the background is opaque
    Image.fromarray(pixels).save(path, dpi=(figure.dpi, figure.dpi), compress_level=3)


def save_figures(
    figures: Mapping[str, Figure], folder: Path, formats: Sequence[str] = ("png", "svg"), dpi: int = 110
) -> list[Path]:
    """Save each figure as `folder/NAME.FORMAT`.

    Parameters
    ----------
    figures : mapping of str to Figure
    folder : Path
        Created if it does not exist.
    formats : sequence of str
        "png", "svg", "pdf", ...
    dpi : int
        Dots per inch of pixel formats.

    Returns
    -------
    list of Path
        The files, in the order of `figures`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with catch_warnings():
        # Letters that the font lacks are drawn as boxes: no reason for a warning each.
        filterwarnings("ignore", message="Glyph .* missing from font")
        for name, figure in figures.items():
            fix_layout(figure, dpi)
            for ending in formats:
                path = folder / f"{name}.{ending}"
                paths.append(path)
                if ending == "png":
                    save_png(figure, path)
                    continue
                metadata = {"Date": None} if ending == "svg" else {}
                figure.savefig(path, dpi=dpi, metadata=metadata)
    return paths


def save_picture(figure: Figure, path: Path, dpi: int = 150) -> Path:
    """Save a figure as one file, atomically.

    Parameters
    ----------
    figure : Figure
    path : Path
        Ends in .png or .svg.
    dpi : int
        Dots per inch of PNG.

    Raises
    ------
    InputError
        If the path has another ending, or cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in PICTURES:
        raise InputError(
            f"A picture must be saved as {' or '.join(PICTURES)}, got {printable(path.name)}. Change its "
            "ending."
        )
    try:
        with catch_warnings(), replacing(path, durable=False, ending=ending) as partial:
            filterwarnings("ignore", message="Glyph .* missing from font")
            metadata = {"Date": None} if ending == ".svg" else {}
            figure.savefig(partial, format=ending[1:], dpi=dpi, metadata=metadata, facecolor="auto")
    except OSError as error:
        raise InputError(
            f"A picture must be saved where it can be written, but {printable(path)} cannot: "
            f"{error.strerror or error}. Choose another folder or name."
        ) from error
    return path
