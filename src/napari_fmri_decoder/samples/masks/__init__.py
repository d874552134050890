"""Masks: the voxels that are decoded.

Each kind of strategy has one file in this folder and registers itself when it is imported.
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
    "parse_mask",
    "resample_mask",
]
