"""Masks: the voxels that a decoder may look at.

One file of this folder per kind of strategy; each registers itself when it is imported.
"""

from importlib import import_module
from pkgutil import iter_modules

from napari_fmri_decoder.samples.masks.base import (
    MaskConfig,
    MaskField,
    Shaping,
    make_mask,
    mask_strategies,
    parse_mask,
)
from napari_fmri_decoder.samples.masks.combined import CombinedMask
from napari_fmri_decoder.samples.masks.intensity import moments
from napari_fmri_decoder.samples.masks.onto_grid import mask_from_volume, resample_mask
from napari_fmri_decoder.samples.masks.shape import How, combine

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "CombinedMask",
    "How",
    "MaskConfig",
    "MaskField",
    "Shaping",
    "combine",
    "make_mask",
    "mask_from_volume",
    "mask_strategies",
    "moments",
    "parse_mask",
    "resample_mask",
]
