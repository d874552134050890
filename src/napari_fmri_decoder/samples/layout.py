"""How one sample is arranged as the input of a decoder."""

from __future__ import annotations

from typing import Literal

Layout = Literal["vector", "planes", "volume"]
"""The voxels as a vector, (plane, in-plane 1, in-plane 2), or (1, x, y, z)."""
