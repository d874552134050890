"""Display settings of a statistical map, and the meaning of its threshold in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

from napari_fmri_decoder.volumes.thresholds import count_suprathreshold, p_of_threshold

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.layers.colormaps import Signs
    from napari_fmri_decoder.volumes.volume import Volume

DISPLAY = "fmri_decoder display"
"""Key of a layer's metadata that holds its `MapDisplay`."""
KEY_STEPS = 50
"""Steps of a key from zero to the color limit."""
TIPS = {
    "map": "The map whose display is set here.",
    "map_signs": "Show positive and negative values, or only one of them.",
    "map_threshold": "Smallest absolute value that is shown: cold colors below zero, hot colors above.",
    "map_p": "The threshold as a p-value: the probability that |z| (or |t|) of a voxel without effect "
    "exceeds it. Two-sided, not corrected for multiple comparisons.",
    "map_degrees": "Degrees of freedom of a t-map, used for the p-value; 0 if the map holds z.",
    "map_limit": "Absolute value at which the colors saturate.",
    "map_bar": "Show the colors with their values on the canvas.",
    "map_weight": "Another map that sets the opacity of this one, voxel by voxel.",
    "map_picture": "Save slices of the map over the anatomy as PNG or SVG, for papers and slides.",
    "map_opaque": "Absolute value of the other map at which this one is fully opaque.",
}
"""Descriptions of the controls."""
TIPS["map_threshold_slider"] = TIPS["map_threshold"]
_DEFAULT_THRESHOLD = 0.16  # fraction of the color limit
_T_TEST = "t test"  # NIfTI's name for the intent of t-maps


@dataclass(frozen=True, slots=True, eq=False)
class MapDisplay:
    """Display settings of a map.

    Attributes
    ----------
    threshold : float
        Smallest absolute value that is shown.
    limit : float
        Absolute value at which the colors saturate.
    signs : {"both", "positive", "negative"}
    degrees : float
        Degrees of freedom of a t-map; 0 for z.
    weight : napari Layer or None
        Map that sets the opacity.
    opaque_from : float
        Absolute value of the weight at which the map is fully opaque.
    """

    threshold: float
    limit: float
    signs: Signs = "both"
    degrees: float = 0.0
    weight: Layer | None = None
    opaque_from: float = 3.0


def display_of(layer: Layer, volume: Volume | None) -> MapDisplay:
    """Return the display settings of a layer, or defaults from its contrast limits and its header."""
    limit = float(max(abs(v) for v in layer.contrast_limits))
    display: MapDisplay = layer.metadata.get(DISPLAY) or MapDisplay(
        _DEFAULT_THRESHOLD * limit, limit, degrees=_degrees_of(volume)
    )
    return display


def step_threshold(display: MapDisplay, steps: int) -> float:
    """Return the threshold after `steps` of 1/50 of the color limit, rounded to two digits of a step.

    Examples
    --------
    >>> step_threshold(MapDisplay(2.0, 8.0), 1), step_threshold(MapDisplay(0.1, 8.0), -1)
    (2.16, 0.0)
    """
    step = display.limit / KEY_STEPS
    places = max(0, 1 - floor(log10(step)))
    return max(0.0, round(display.threshold + steps * step, places))


def marks_of(display: MapDisplay) -> tuple[float, ...]:
    """Return the thresholds that its color bar marks, lowest first.

    Examples
    --------
    >>> marks_of(MapDisplay(3.1, 8.0)), marks_of(MapDisplay(3.1, 8.0, "positive"))
    ((-3.1, 3.1), (3.1,))
    """
    signs = {"both": (-1, 1), "positive": (1,), "negative": (-1,)}[display.signs]
    return tuple(sign * display.threshold for sign in signs)


def describe_opacity(layer: Layer, display: MapDisplay) -> str:
    """Describe a map whose opacity is set by another map."""
    weight = "" if display.weight is None else display.weight.name
    return (
        f"Colors show {layer.name} up to {display.limit:.4g}. Opacity increases with {weight} and is full "
        f"at {display.opaque_from:.4g}."
    )


def describe_threshold(values: NDArray[np.float32], display: MapDisplay) -> str:
    """Count the voxels that pass the threshold, and give its p-value.

    Parameters
    ----------
    values : (x, y, z) array
    display : MapDisplay
    """
    threshold, degrees = display.threshold, display.degrees
    above, below = count_suprathreshold(values, threshold)
    p = p_of_threshold(threshold, degrees or None)
    statistic = f"|t| with {degrees:g} degrees of freedom" if degrees else "|z|"
    return (
        f"{above + below:,} voxels are shown: {above:,} above {threshold:.4g}, {below:,} below "
        f"-{threshold:.4g}. If this is a map of {statistic}, p = {p:.3g}, two-sided, uncorrected."
    )


def _degrees_of(volume: Volume | None) -> float:
    """Degrees of freedom of a t-map from its header; 0 for other maps."""
    parameters = volume.intent_parameters if volume is not None and volume.intent == _T_TEST else ()
    return parameters[0] if parameters and 0 < parameters[0] < float("inf") else 0.0
