"""Names of the interpolations, without the libraries that resampling needs."""

from __future__ import annotations

from typing import Literal

Interpolation = Literal["continuous", "linear", "nearest"]
"""Cubic spline (its overshoot clipped to the data's range), trilinear, or nearest voxel."""
