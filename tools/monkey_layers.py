"""Actions on napari's layers: all kinds are added, and what a person or another plugin changes is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Image, Labels

if TYPE_CHECKING:
    from monkey_window import World

LAYERS: Final[tuple[str, ...]] = (
    *("image 2", "image 3", "image 4", "image 5", "rgb", "labels 2", "labels 3", "labels 4"),
    *("points", "shapes", "surface", "vectors", "mm image", "mm labels"),
)
CHANGES: Final[tuple[str, ...]] = (
    *("rename", "visible", "visible", "move", "select", "duplicate", "data", "transpose", "scale"),
    *("translate", "mode", "paint", "limits", "opacity", "colormap", "units", "reset", "gamma"),
)
NAMES = ("", "same", "x" * 200, "predictions", "mask (painted)", "\N{SNOWMAN} <b>", "run-1_bold")


def add(world: World, viewer: int, kind: str, seed: int) -> None:
    """Add a layer as any plugin does."""
    found, rng = world.viewer(viewer), np.random.default_rng(seed)
    name, _, axes = kind.partition(" ")
    shape = tuple(rng.integers(1, 9, int(axes) if axes.isdigit() else 3))
    if name == "image":
        found.add_image(rng.random(shape))
    elif name == "labels":
        found.add_labels(rng.integers(0, 4, shape))
    elif name == "mm":
        millimeters: Any = {"units": ["mm"] * 3, "scale": rng.uniform(1, 5, 3)}
        if axes == "image":
            found.add_image(rng.random((5, 6, 7)), **millimeters)
        else:
            found.add_labels(rng.integers(0, 3, (5, 6, 7)), **millimeters)
    elif name == "rgb":
        found.add_image(rng.random((6, 7, 3)), rgb=True)
    elif name == "points":
        found.add_points(rng.normal(0, 20, (3, 3)))
    elif name == "shapes":
        found.add_shapes(rng.normal(0, 20, (4, 2)))
    elif name == "surface":
        found.add_surface((rng.normal(0, 9, (4, 3)), np.array([[0, 1, 2], [1, 2, 3]])))
    else:
        found.add_vectors(rng.normal(0, 9, (3, 2, 3)))


def change(world: World, viewer: int, layer: str, what: str, seed: int) -> None:
    """Change a layer as a person or another plugin does."""
    found = world.viewer(viewer)
    if layer not in found.layers:
        return
    one: Any = found.layers[layer]
    rng = np.random.default_rng(seed)
    if what == "rename":
        one.name = NAMES[seed % len(NAMES)]
    elif what == "visible":
        one.visible = not one.visible
    elif what == "move":
        found.layers.move(found.layers.index(one), int(rng.integers(len(found.layers) + 1)))
    elif what == "select":
        found.layers.selection.active = one
    elif what == "duplicate":
        if len(found.layers) < 12:
            state, own, _ = one.as_layer_data_tuple()
            found.add_layer(type(one)(state, **{k: v for k, v in own.items() if k != "metadata"}))
    elif what == "opacity":
        one.opacity = float(rng.random())
    elif what == "scale":
        one.scale = rng.uniform(0.5, 5, one.ndim)
    elif what == "translate":
        one.translate = rng.normal(0, 30, one.ndim)
    elif what == "units":
        one.units = ["mm" if seed % 2 else "pixel"] * one.ndim
    elif what == "mode":
        modes = [str(mode) for mode in type(one)._modeclass]
        one.mode = modes[seed % len(modes)]
    elif what == "reset":
        found.reset_view()
    else:
        _change_pixels(one, what, rng)


def _change_pixels(one: Any, what: str, rng: np.random.Generator) -> None:
    """Change an image or labels; other layers do not have what is changed."""
    if isinstance(one, Labels) and what == "paint":
        one.mode = "paint"
        at = tuple(int(rng.integers(size)) for size in one.data.shape)
        one.selected_label = int(rng.integers(4))
        one.paint(at, one.selected_label)
    if isinstance(one, (Image, Labels)) and what in ("data", "transpose") and not getattr(one, "rgb", False):
        if one.data.size > 2e6:
            return  # nobody should need to load a series
        data = np.asarray(one.data)
        one.data = data.T if what == "transpose" else data[::-1].copy()
    if isinstance(one, Image) and not one.rgb:
        if what == "limits":
            low, high = np.sort(rng.normal(0, 100, 2))
            one.contrast_limits = low, high
        elif what == "colormap":
            one.colormap = ("gray", "red", "turbo", "PiYG")[int(rng.integers(4))]
        elif what == "gamma":
            one.gamma = float(rng.uniform(0.2, 2))
