"""Colors of classes, maps and masks, the same in every figure, plot and layer. No Qt, no matplotlib here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

RGBA = tuple[float, float, float, float]
"""Red, green, blue and opacity, each 0 to 1."""

PALETTE = (
    "#ca6f27 #8868ff #ffc700 #a2c3ff #a00300 #47675b #6c348c #9c9199 #2db478 "
    "#1e00ff #87ffa5 #786987 #8796c3 #5a8769 #b44b2d #e19600 #783c3c #5a4b69 "
    "#6969b4 #a596ff #78d278 #a5b4d2 #e1005a #96a596 #e10096 #4b4bff"
).split()
"""26 colors for classes, on dark and on light backgrounds.

The first eight differ enough without markers: each pair differs by at least 20 in CIEDE2000, and each color
from black, white and the backgrounds of napari's two themes, in normal vision and in protanopia, deuteranopia
and tritanopia (Machado et al. 2009, doi:10.1109/TVCG.2009.113, severity 1.0). They were found by simulated
annealing of the sum of exp(-k CIEDE2000) over all pairs and visions, from many random starts, among colors of
lightness 33 to 93; without that limit the best found was 21.2, with two colors close to black. Each further
color is the one farthest from all before it; those differ by at least 7, so plots also vary markers or lines.
"""

HOT = [(0.0, (0.75, 0.0, 0.0)), (0.45, (1.0, 0.4, 0.0)), (1.0, (1.0, 1.0, 0.35))]
COLD = [(0.0, (0.0, 0.0, 0.75)), (0.45, (0.0, 0.45, 1.0)), (1.0, (0.55, 1.0, 1.0))]
"""Colors of the positive and the negative values of a map, from the threshold (0) to the limit (1)."""
MASK = "#00c8ff"
"""Color of a mask."""

N_DISTINCT = 8
"""Number of classes that differ enough by color alone; with more, markers, line styles and names differ."""


def class_color(index: int) -> str:
    """Return the color of class `index` as "#rrggbb"; after 26 classes the colors repeat."""
    return PALETTE[index % len(PALETTE)]


def class_colors(classes: Sequence[str]) -> dict[str, RGBA]:
    """Assign each class its color, by its position in `classes`; after 26 classes the colors repeat.

    Examples
    --------
    >>> [round(part, 2) for part in class_colors(["face", "house"])["house"]]
    [0.53, 0.41, 1.0, 1.0]
    """
    return {name: rgba(class_color(i)) for i, name in enumerate(classes)}


def label_colors(labels: Iterable[str], excluded: Sequence[str] = ()) -> dict[str, RGBA]:
    """Assign each label that is a class its color; excluded labels are gray, "" has no color.

    Examples
    --------
    >>> [round(part, 2) for part in label_colors(["", "rest", "face"], ["rest"])["rest"]]
    [0.5, 0.5, 0.5, 0.35]
    """
    colors = class_colors(sorted(set(labels) - {""} - set(excluded)))
    return {**colors, **dict.fromkeys(excluded, (0.5, 0.5, 0.5, 0.35))}


def rgba(color: str, opacity: float = 1.0) -> RGBA:
    """Convert "#rrggbb" to RGBA."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, opacity


def rgb(color: str) -> tuple[int, int, int]:
    """Convert "#rrggbb" to red, green and blue, each 0 to 255.

    Examples
    --------
    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def hex_color(color: RGBA) -> str:
    """Convert RGBA to "#rrggbb", without its opacity.

    Examples
    --------
    >>> hex_color((1.0, 0.5, 0.0, 1.0))
    '#ff8000'
    """
    return "#" + "".join(f"{round(part * 255):02x}" for part in color[:3])
