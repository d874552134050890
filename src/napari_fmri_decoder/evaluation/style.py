"""How pictures look: colours that colour-blind people tell apart, fonts, legends beside the axes.

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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

TRAIN, TEST, CHANCE = "#0072B2", "#D55E00", "#595959"
"""Training part, part left out, and what stands for guessing (Okabe and Ito 2008)."""

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
"""Classes beyond the seven colours take the next marker, so that 70 can be told apart."""

SMALL, NORMAL, LARGE = 8, 10, 12
"""Font sizes in points."""


def new_figure(width: float, height: float, title: str) -> Figure:
    """Make an empty figure of so many inches, with its title."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(plain(title), fontsize=LARGE)
    return figure


def dress(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes their title and labels, and take away the lines that say nothing."""
    # With its height given, matplotlib does not measure all ticks again to place it.
    axes.set_title(plain(title), fontsize=NORMAL, y=1.0)
    axes.set_xlabel(plain(x), fontsize=NORMAL)
    axes.set_ylabel(plain(y), fontsize=NORMAL)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def plain(text: str) -> str:
    """Keep matplotlib from reading formulas into names."""
    return text.replace("$", r"\$")


def tick_names(
    axes: Axes,
    names: Sequence[str],
    which: str,
    limit: int = 60,
    room: int = 40,
    at: Sequence[float] | None = None,
) -> None:
    """Write names at positions 0, 1, ... of the axis "x" or "y", or where `at` says.

    Every other one where there are over `limit`; upright where they need more than `room` letters.
    """
    every = -(-len(names) // limit)
    chosen = list(range(0, len(names), every))
    where = chosen if at is None else [at[i] for i in chosen]
    shown = [plain(shorten(names[i])) for i in chosen]
    if which == "x":
        longest = max(map(len, shown))
        axes.set_xticks(where, shown, rotation=0 if longest * len(shown) <= room else 90, fontsize=SMALL)
    else:
        axes.set_yticks(where, shown, fontsize=SMALL)


def shorten(name: str, limit: int = 24) -> str:
    """Cut a long name in its middle.

    Examples
    --------
    >>> shorten("sub-01/ses-02/run-03", limit=11)
    'sub-0…un-03'
    """
    half = (limit - 1) // 2
    return name if len(name) <= limit else f"{name[:half]}…{name[-half:]}"


def look(index: int) -> tuple[str, str]:
    """Colour and marker of class `index`."""
    return COLOURS[index % len(COLOURS)], MARKERS[index // len(COLOURS) % len(MARKERS)]


def shades(n: int) -> list[str]:
    """Choose n colours from dark to light, for things that have an order."""
    from matplotlib.colors import to_hex

    steps = [0.05 + 0.85 * i / max(n - 1, 1) for i in range(n)]
    return [to_hex(colormaps["viridis"](step)) for step in steps]


def legend_rows(n: int) -> int:
    """Rows of a legend of n names, which takes a further column for every 16."""
    return -(-n // (1 + n // 17))


def legend_width(names: Sequence[str]) -> float:
    """Inches that a legend of these names takes."""
    columns = 1 + len(names) // 17
    return columns * (0.45 + 0.068 * max(len(shorten(name)) for name in names))


def legend_beside(
    axes: Axes, handles: Sequence[Line2D], names: Sequence[str], title: str = "", at: float = 1.01
) -> None:
    """Put the legend to the right of the axes, where it covers nothing; `at` is its left side."""
    axes.legend(
        list(handles),
        [plain(shorten(name)) for name in names],
        title=plain(title),
        loc="upper left",
        bbox_to_anchor=(at, 1.0),
        borderaxespad=0.0,
        fontsize=SMALL,
        title_fontsize=SMALL,
        ncols=1 + len(names) // 17,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.0,
    )


def lay_out(figure: Figure, dpi: float) -> None:
    """Arrange a figure once, for all the formats that it is saved in; matplotlib does it anew for each.

    Parameters
    ----------
    figure : Figure
        Complete; what is added later is not arranged.
    dpi : float
        Dots per inch that texts are measured at.
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
    """Ask once where the ticks are and what they say, not at each measuring."""
    low, high = sorted(axis.get_view_interval())
    shown = [place for place in axis.get_majorticklocs() if low <= place <= high]
    if not isinstance(axis.get_major_locator(), FixedLocator):
        formatter = axis.get_major_formatter()
        fixed = FixedFormatter(formatter.format_ticks(shown))
        fixed.set_offset_string(formatter.get_offset())
        axis.set_major_locator(FixedLocator(shown))
        axis.set_major_formatter(fixed)


def save_png(figure: Figure, path: Path) -> None:
    """Draw a figure once and write its pixels; `savefig` draws twice to arrange what is arranged."""
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # the paper is opaque
    Image.fromarray(pixels).save(path, dpi=(figure.dpi, figure.dpi), compress_level=3)


def save_all(
    figures: Mapping[str, Figure], folder: Path, formats: Sequence[str] = ("png", "svg"), dpi: int = 110
) -> list[Path]:
    """Save each figure as `folder/NAME.FORMAT`.

    Parameters
    ----------
    figures : mapping of str to Figure
    folder : Path
        Made if it is missing.
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
        # A name in letters that the font lacks shows as boxes: no reason for a notification each.
        filterwarnings("ignore", message="Glyph .* missing from font")
        for name, figure in figures.items():
            lay_out(figure, dpi)
            for ending in formats:
                path = folder / f"{name}.{ending}"
                paths.append(path)
                if ending == "png":
                    save_png(figure, path)
                    continue
                metadata = {"Date": None} if ending == "svg" else {}
                figure.savefig(path, dpi=dpi, metadata=metadata)
    return paths
