"""One color per class, the same in every figure, plot and layer. No Qt and no matplotlib here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

RGBA = tuple[float, float, float, float]
"""Red, green, blue and opacity, each 0 to 1."""

PALETTE = (
    "#E69F00 #56B4E9 #009E73 #F0E442 #0072B2 #D55E00 #CC79A7 #6900FF #F0E1D2 "
    "#2DFF87 #5A69F0 #D2003C #2DF0FF #695A69 #B4A54B #96C387 #D200B4 #5A96FF "
    "#5A693C #C30000 #B4E15A #4B3CE1 #E1B4D2 #A51E87 #E15A69 #A5B4A5"
).split()
"""26 colors that remain distinguishable with color vision deficiency, on dark and on light backgrounds.

The first seven are those of Okabe and Ito (2008). Each further one is the color farthest from all
before it: the smallest CIELAB distance in normal vision (weight 0.6), protanopia and deuteranopia
(Machado et al. 2009), among colors of lightness 38 to 92. All pairs differ by at least 13 in each
of the three, the first twelve by 17.
"""


def class_color(index: int) -> str:
    """Return the color of class `index` as "#rrggbb"; after 26 classes the colors repeat."""
    return PALETTE[index % len(PALETTE)]


def class_colors(classes: Sequence[str]) -> dict[str, RGBA]:
    """Assign each class its color, by its position in `classes`; after 26 classes the colors repeat.

    Examples
    --------
    >>> [round(part, 2) for part in class_colors(["face", "house"])["house"]]
    [0.34, 0.71, 0.91, 1.0]
    """
    return {name: rgba(class_color(i)) for i, name in enumerate(classes)}


def label_colors(labels: Iterable[str], excluded: Sequence[str] = ()) -> dict[str, RGBA]:
    """Assign each label that is a class its color; excluded labels are gray, "" has no color.

    Examples
    --------
    >>> [round(part, 2) for part in label_colors(["", "rest", "face"], ["rest"])["rest"]]
    [0.5, 0.5, 0.5, 0.6]
    """
    colors = class_colors(sorted(set(labels) - {""} - set(excluded)))
    return {**colors, **dict.fromkeys(excluded, (0.5, 0.5, 0.5, 0.6))}


def rgba(color: str, opacity: float = 1.0) -> RGBA:
    """Convert "#rrggbb" to RGBA."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, opacity


def hex_color(color: RGBA) -> str:
    """Convert RGBA to "#rrggbb", without its opacity.

    Examples
    --------
    >>> hex_color((1.0, 0.5, 0.0, 1.0))
    '#ff8000'
    """
    return "#" + "".join(f"{round(part * 255):02x}" for part in color[:3])
