"""Types for annotations of any magicgui function: each gets one of our value widgets.

Examples
--------
>>> from magicgui import magic_factory
>>> import napari_fmri_decoder as fd
>>> @magic_factory
... def smooth(layer: "napari.layers.Image", fwhm: fd.widgets.Millimeters = 6.0):  # doctest: +SKIP
...     ...
"""

from __future__ import annotations

from typing import NewType

from magicgui import register_type

from napari_fmri_decoder._napari.forms.automatic import Automatic
from napari_fmri_decoder._napari.forms.lines import ListLine, NamedValues
from napari_fmri_decoder._napari.forms.number import Number

Millimeters = NewType("Millimeters", float)
"""A number shown with "mm"."""
Seconds = NewType("Seconds", float)
"""A number shown with "s"."""
Degrees = NewType("Degrees", float)
"""A number shown with "°"."""
Scientific = NewType("Scientific", float)
"""A number of any size, shown as 1e-10 where that is shorter."""
AutomaticNumber = NewType("AutomaticNumber", object)
"""A number, or None while "auto" is checked."""
Names = NewType("Names", tuple)  # type: ignore[type-arg]
"""Texts in one line: face, house."""
NamedTexts = NewType("NamedTexts", dict)  # type: ignore[type-arg]
"""A text by name: cond1 = face; cond2 = house."""
NamedLists = NewType("NamedLists", dict)  # type: ignore[type-arg]
"""A list by name: hidden = [30, 100]; loss = [svm]."""
Device = NewType("Device", str)
"""A device of torch, such as "auto", "cpu" or "cuda:0"."""


register_type(Millimeters, widget_type=Number, unit="mm")
register_type(Seconds, widget_type=Number, unit="s")
register_type(Degrees, widget_type=Number, unit="°", min=-360.0, max=360.0)
register_type(Scientific, widget_type=Number, max=1e38, min=-1e38)
register_type(AutomaticNumber, widget_type=Automatic)
register_type(Names, widget_type=ListLine)
register_type(NamedTexts, widget_type=NamedValues, each="text")
register_type(NamedLists, widget_type=NamedValues, each="values")
# by its name, because it imports torch
register_type(Device, widget_type="napari_fmri_decoder._napari.forms.device_choice.DeviceChoice")
