"""A picture of brain slices: a map, mask or slab over the anatomy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, Normalize

from napari_fmri_decoder.evaluation.figures import style
from napari_fmri_decoder.evaluation.palette import COLD, HOT, MASK, class_color
from napari_fmri_decoder.evaluation.slice_images import SCANNER, one_image, slice_images
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.picture_config import PictureConfig
    from napari_fmri_decoder.evaluation.slice_images import SliceImage
    from napari_fmri_decoder.volumes.frames import Frame
    from napari_fmri_decoder.volumes.volume import Volume

PAPER = {"light": ("#ffffff", "#000000"), "dark": ("#000000", "#ffffff")}
"""Colors of background and text."""
HIDDEN = "#808080"
"""Color of the values below the threshold in the color bar."""
SLICE_WIDTH = 1.9
"""Width of a slice in inches."""


def mosaic(image: Volume, anatomy: Volume | None, config: PictureConfig, frame: Frame = SCANNER) -> Figure:
    """Draw slices of an image over the anatomy.

    Parameters
    ----------
    image : Volume
        A map (cold colors below 0, hot colors above), a mask, regions, or a slab. Of a series one volume,
        or the mean over time.
    anatomy : Volume or None
        Drawn in gray; of a series the mean.
    config : PictureConfig
    frame : Frame
        Slices are perpendicular to its axes; those of the scanner by default. The positions of others are
        called rotated.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If nothing can be shown, or a position is outside of the anatomy.
    """
    shown = one_image(image, config.volume)
    below = None if anatomy is None else one_image(anatomy, None if anatomy.step else 0)
    slices = slice_images(shown, below, config, frame)
    paper, ink = PAPER[config.background]
    rows = min(config.rows or max(1, round(np.sqrt(len(slices) / 2))), len(slices))
    columns = -(-len(slices) // rows)
    left, right, bottom, top = slices[0].extent
    height = SLICE_WIDTH * (top - bottom) / (right - left)
    title = config.title or shown.name
    figure = style.new_figure(columns * SLICE_WIDTH + 1.0, rows * (height + 0.25) + 0.6, title)
    figure.set_facecolor(paper)
    figure.suptitle(style.plain(title), fontsize=style.LARGE, color=ink)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    colors, norm = _colors(shown, slices, config)
    gray = _gray_limits(slices)
    alpha = 0.55 if below is not None and shown.kind in ("mask", "atlas") else 1.0
    for ax, one in zip(axes, slices, strict=False):
        _draw(ax, one, colors, norm, gray, alpha, config, frame)
    for ax in axes:
        ax.set_axis_off()
    if shown.kind not in ("mask", "atlas"):
        _color_bar(figure, list(axes), colors, norm, shown, config, ink)
    return figure


def three_planes(image: Volume, anatomy: Volume | None, config: PictureConfig) -> Figure:
    """Draw the sagittal, coronal and axial slice through the middle of a mask, or the peak of a map.

    Parameters
    ----------
    image, anatomy, config
        As of `mosaic`; `axis`, `positions`, `count` and `rows` are not used.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If nothing can be shown.
    """
    below = None if anatomy is None else one_image(anatomy, None if anatomy.step else 0)
    shown = one_image(image, config.volume)
    point = _middle(shown)
    views = [
        config.model_copy(update={"axis": axis, "positions": (at,)})
        for axis, at in zip("xyz", point, strict=True)
    ]
    slices = [slice_images(shown, below, view)[0] for view in views]
    sizes = [(one.extent[1] - one.extent[0], one.extent[3] - one.extent[2]) for one in slices]
    scale = 9.0 / sum(width for width, _ in sizes)
    height = min(max(scale * max(up for _, up in sizes), 1.5), 8.0)
    title = config.title or shown.name
    figure = style.new_figure(10.0, height + 0.9, title)
    figure.suptitle(style.plain(title), fontsize=style.LARGE)
    axes = figure.subplots(1, 3, width_ratios=[width for width, _ in sizes])
    colors, norm = _colors(shown, slices, config)
    alpha = 0.55 if below is not None and shown.kind in ("mask", "atlas") else 1.0
    for ax, one, view in zip(axes, slices, views, strict=True):
        _draw(ax, one, colors, norm, _gray_limits(slices), alpha, view)
        ax.set_axis_off()
    if shown.kind not in ("mask", "atlas"):
        _color_bar(figure, list(axes), colors, norm, shown, config, PAPER["light"][1])
    return figure


def map_rows(maps: Volume, anatomy: Volume | None, config: PictureConfig, frame: Frame = SCANNER) -> Figure:
    """Draw several maps over the anatomy, one per row, with the same slices and colors.

    Parameters
    ----------
    maps : Volume
        (x, y, z, map), with names.
    anatomy, config, frame
        As of `mosaic`; `rows` and `volume` are not used. The colors end at `limit`, or at the largest
        absolute value of all maps.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If nothing can be shown, or a position is outside of the anatomy.
    """
    below = None if anatomy is None else one_image(anatomy, None if anatomy.step else 0)
    shown = [one_image(maps, i) for i in range(maps.n_volumes)]
    tops = [float(np.abs(one.at(0)).max(initial=0)) for one in shown]
    anywhere = config.model_copy(update={"threshold": 0.0})
    slices = slice_images(shown[int(np.argmax(tops))], below, anywhere, frame)
    given = {"positions": tuple(one.position for one in slices), "limit": config.limit or max(tops)}
    config = config.model_copy(update=given)
    rows = [slice_images(one, below, config, frame) for one in shown]
    left, right, bottom, top = rows[0][0].extent
    height = SLICE_WIDTH * (top - bottom) / (right - left)
    columns = len(rows[0])
    figure = style.new_figure(columns * SLICE_WIDTH + 1.6, len(rows) * (height + 0.25) + 0.6, config.title)
    figure.suptitle(style.plain(config.title), fontsize=style.LARGE)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    colors, norm = _colors(shown[0], rows[0], config)
    for line, slices, one in zip(axes, rows, shown, strict=True):
        for ax, part in zip(line, slices, strict=True):
            _draw(ax, part, colors, norm, _gray_limits(slices), 1.0, config, frame)
            ax.set_axis_off()
        line[0].text(
            -0.08, 0.5, style.plain(one.name), transform=line[0].transAxes, rotation=90,
            ha="right", va="center", fontsize=style.SMALL, gid="map-name",
        )  # fmt: skip
    _color_bar(figure, list(axes.ravel()), colors, norm, shown[0], config, PAPER["light"][1])
    return figure


def _middle(image: Volume) -> tuple[float, ...]:
    """The voxel of a mask that is nearest to its middle, or the peak of a map, in mm."""
    values = np.nan_to_num(np.abs(image.at(0)))
    voxels = (
        np.argwhere(values > 0) if image.kind in ("mask", "atlas") else np.argwhere(values == values.max())
    )
    at = voxels[np.linalg.norm(voxels - voxels.mean(axis=0), axis=1).argmin()]
    return tuple(round(float(mm), 1) for mm in apply_affine(image.affine, at[None])[0])


def _draw(
    ax: Axes,
    one: SliceImage,
    colors: Colormap,
    norm: Normalize,
    gray: tuple[float, float],
    alpha: float,
    config: PictureConfig,
    frame: Frame = SCANNER,
) -> None:
    """Draw one slice with its position along an axis of a frame, and the letters of its sides."""
    look: dict[str, Any] = {"origin": "lower", "extent": one.extent, "interpolation": "nearest"}
    if one.anatomy is not None:
        below = np.where(one.anatomy == 0, np.nan, one.anatomy)  # paper, where there is no head
        ax.imshow(below.T, cmap="gray", vmin=gray[0], vmax=gray[1], **look)
    ax.imshow(one.overlay.T, cmap=colors, norm=norm, alpha=alpha, **look)
    left, right = one.sides[:2]
    if config.radiological and config.axis != "x":
        ax.invert_xaxis()
        left, right = right, left
    paper, ink = PAPER[config.background]
    for x, letter, align, side in ((0.02, left, "left", "left"), (0.98, right, "right", "right")):
        text = ax.text(x, 0.5, letter, transform=ax.transAxes, color=ink, fontsize=style.SMALL)
        text.set(ha=align, va="center", fontweight="bold", gid=f"side-{side}")
        text.set_bbox({"facecolor": paper, "alpha": 0.7, "pad": 1.0, "edgecolor": "none"})
    along = "" if frame.is_identity else "rotated "
    hemisphere = f" {one.hemisphere}" if one.hemisphere else ""
    ax.set_title(
        f"{along}{config.axis} = {_text(one.position, 'g')} mm{hemisphere}",
        fontsize=style.SMALL, color=ink, y=1.0, pad=2,
    )  # fmt: skip


def _text(value: float, form: str = ".3g") -> str:
    """Write a number with a minus sign."""
    return format(value, form).replace("-", "\N{MINUS SIGN}")


def _gray_limits(slices: Sequence[SliceImage]) -> tuple[float, float]:
    """Black and white of the anatomy: robust limits over all slices."""
    drawn = [one.anatomy for one in slices if one.anatomy is not None]
    if not drawn:
        return 0.0, 1.0
    values = np.concatenate([np.ravel(part) for part in drawn])
    values = values[np.isfinite(values)]
    low, high = (float(v) for v in np.percentile(values, (1, 99.5))) if values.size else (0.0, 1.0)
    return low, high if high > low else low + 1.0


def _colors(shown: Volume, slices: Sequence[SliceImage], config: PictureConfig) -> tuple[Colormap, Normalize]:
    """Colors and their limits for one kind of image."""
    if shown.kind == "mask":
        return ListedColormap([MASK]), Normalize(0, 2)
    if shown.kind == "atlas":
        return ListedColormap([class_color(i) for i in range(256)]), Normalize(0, 255)
    values = shown.at(0)
    values = values[np.isfinite(values)]
    if shown.kind == "stat":
        limit = config.limit or float(np.abs(values).max(initial=0)) or 1.0
        return _cold_hot(config.threshold / limit), Normalize(-limit, limit, clip=True)
    low, high = (float(v) for v in np.percentile(values, (1, 99.5)))
    high = config.limit or high
    from matplotlib import colormaps

    return colormaps["inferno"], Normalize(low, high if high > low else low + 1.0, clip=True)


def _cold_hot(threshold: float) -> Colormap:
    """Cold colors below minus the threshold, hot colors above it, as fractions of the limit."""
    middle = min(max(threshold, 0.0), 0.999)
    below, above = (1 - middle) / 2, (1 + middle) / 2
    stops: list[tuple[float, Any]] = [
        *((below * (1 - at), color) for at, color in reversed(COLD)),
        *([(below, HIDDEN), (above, HIDDEN)] if middle else []),
        *((above + at * (1 - above), color) for at, color in HOT),
    ]
    return LinearSegmentedColormap.from_list("cold-hot", stops, N=1024)


def _color_bar(
    figure: Figure,
    axes: list[Axes],
    colors: Colormap,
    norm: Normalize,
    shown: Volume,
    config: PictureConfig,
    ink: str,
) -> None:
    """Draw the colors with numbers at their ends and at the threshold."""
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, fraction=0.03, shrink=0.8)
    ends = [float(norm.vmin or 0), float(norm.vmax or 1)]
    if shown.kind == "stat":
        threshold = min(config.threshold, ends[1])
        ends[1:1] = [-threshold, threshold] if threshold else [0.0]
        if float(np.nanmin(shown.at(0))) >= 0:
            bar.ax.set_ylim(max(0.0, 0.9 * threshold), ends[-1])
            ends = [max(threshold, 0.0), ends[-1]]
        elif float(np.nanmax(shown.at(0))) <= 0:
            bar.ax.set_ylim(ends[0], -0.9 * threshold)
            ends = [ends[0], -threshold]
    bar.set_ticks(ends, labels=[_text(v) for v in ends])
    bar.ax.tick_params(labelsize=style.SMALL, colors=ink)
    bar.outline.set_edgecolor(ink)
