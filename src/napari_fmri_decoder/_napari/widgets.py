"""What `napari_fmri_decoder.widgets` offers: the steps of Prepare as widgets, and types for annotations."""

from napari_fmri_decoder._napari.forms.annotations import (
    AutomaticNumber,
    Degrees,
    Device,
    Millimeters,
    NamedLists,
    NamedTexts,
    Names,
    Scientific,
    Seconds,
)
from napari_fmri_decoder._napari.prepare.alone import mask, rotation, slab

__all__ = [
    "AutomaticNumber",
    "Degrees",
    "Device",
    "Millimeters",
    "NamedLists",
    "NamedTexts",
    "Names",
    "Scientific",
    "Seconds",
    "mask",
    "rotation",
    "slab",
]
