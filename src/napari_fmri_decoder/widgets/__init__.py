"""Widgets for napari: each step of the Prepare dock by itself, and types for annotations of magicgui.

Examples
--------
>>> import napari_fmri_decoder as fd
>>> viewer.window.add_dock_widget(fd.widgets.slab(viewer))  # doctest: +SKIP
"""

try:
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
except ModuleNotFoundError as error:
    from napari_fmri_decoder.errors import MissingPackageError

    raise MissingPackageError(
        f"The widgets need napari and Qt, but {error.name} is not installed. "
        "Install them: pip install 'napari-fmri-decoder[all]'."
    ) from error

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
