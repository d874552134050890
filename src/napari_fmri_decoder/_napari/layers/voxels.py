"""What a layer can show, and how its voxels are read for napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_fmri_decoder._napari.layers.lazy_arrays import VolumeReader
from napari_fmri_decoder.volumes.mask_voxels import marked_voxels

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Affine
    from napari_fmri_decoder.volumes.volume import ArrayLike, Kind

LABEL_KINDS: tuple[Kind, ...] = ("mask", "atlas")
"""Kinds that are shown as labels."""


class HasVoxels(Protocol):
    """What a layer can show: a Volume, or another object with voxels (x, y, z, *lead) and an affine."""

    @property
    def data(self) -> ArrayLike: ...
    @property
    def affine(self) -> Affine: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def step(self) -> float | None: ...
    @property
    def name(self) -> str: ...


def is_labels(volume: HasVoxels) -> bool:
    """Whether a volume is shown as labels."""
    return volume.kind in LABEL_KINDS


def make_reader(volume: HasVoxels) -> VolumeReader:
    """Make the reader of a volume for napari: one volume at a time, without NaN."""
    dtype = np.dtype(volume.data.dtype)
    if volume.kind == "mask" and isinstance(volume.data, np.ndarray) and dtype.kind == "f":
        # a resampled mask: 0.9999 is inside
        return VolumeReader(marked_voxels(volume.data)[0].astype(np.uint8), np.dtype(np.uint8), 0.0)
    if is_labels(volume) and dtype.kind not in "ui":
        dtype = np.dtype(np.uint8 if volume.kind == "mask" else np.int32)
    # napari draws NaN transparently only in 2-D; 0 of a map is transparent as well, and can be resampled.
    return VolumeReader(volume.data, dtype, None if volume.kind == "anatomy" else 0.0)
