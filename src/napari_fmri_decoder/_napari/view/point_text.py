"""A point in words: scanner millimeters, voxel, value and regions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder._napari.layers.to_layer import KEY, is_preview
from napari_fmri_decoder.volumes.timecourse import voxel_at
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.plots import VolumeAnnotations
    from napari_fmri_decoder._napari.view.voxel_reader import Voxel


def mm_text(point: NDArray[np.float64]) -> str:
    """Write scanner millimeters with their directions, as HTML: "R 14.0  A 22.0  S 10.0 mm"."""
    pairs = zip(("LR", "PA", "IS"), point, strict=True)
    return "&nbsp; ".join(f"{pair[int(mm >= 0)]}&nbsp;{abs(mm):.1f}" for pair, mm in pairs) + "&nbsp;mm"


def value_lines(
    point: NDArray[np.float64],
    voxel: Voxel | None,
    values: NDArray[np.float64],
    current: int | None,
    annotations: VolumeAnnotations,
) -> list[str]:
    """Describe a point of a series, and its value in the current volume, as HTML.

    Parameters
    ----------
    point : (3,) array
        (x, y, z) scanner millimeters.
    voxel : (i, j, k) or None
        None outside of the series.
    values : (n,) array
        Time course of the voxel; NaN for volumes that have not been read.
    current : int or None
        Volume that the viewer shows.
    annotations : VolumeAnnotations
    """
    lines = [
        f"<b>{mm_text(point)}</b>" + (", outside of the series" if voxel is None else f", voxel {voxel}")
    ]
    if voxel is not None and current is not None and 0 <= current < annotations.n:
        value = values[current] if current < len(values) else np.nan
        text = f"<b>{value:.5g}</b>" if np.isfinite(value) else "not read yet"
        lines.append(f"Value {text} at {escape(annotations.describe(current))}")
    return lines


def region_lines(layers: Sequence[Layer], point: NDArray[np.float64]) -> list[str]:
    """Name the regions at a scanner point, as HTML."""
    return [
        f"Region: <b>{escape(region)}</b> ({escape(atlas)})" for atlas, region in regions_at(layers, point)
    ]


def regions_at(layers: Sequence[Layer], point: NDArray[np.float64]) -> list[tuple[str, str]]:
    """Return the name of each visible atlas and of its region at a scanner point."""
    found = []
    for layer in layers:
        atlas = layer.metadata[KEY]
        if not (isinstance(atlas, Volume) and atlas.kind == "atlas" and layer.visible) or atlas.is_series:
            continue
        if is_preview(layer):  # its values are color codes
            continue
        voxel = voxel_at(atlas, point)
        value = int(atlas.data[voxel]) if voxel is not None else 0
        unnamed = "none" if value == 0 else f"{value} (no name)"
        found.append((layer.name, atlas.regions.get(value, unnamed)))
    return found
