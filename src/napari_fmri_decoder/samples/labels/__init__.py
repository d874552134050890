"""Labels: the condition and the run of each volume of a series.

Each source of labels is one file of this folder, which registers itself when it is imported.
"""

from importlib import import_module
from pkgutil import iter_modules

from napari_fmri_decoder.samples.labels.base import (
    LabelsConfig,
    LabelsField,
    label_sources,
    parse_labels,
)
from napari_fmri_decoder.samples.labels.volume_table import label_table

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["LabelsConfig", "LabelsField", "label_sources", "label_table", "parse_labels"]
