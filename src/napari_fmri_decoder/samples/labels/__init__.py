"""Labels: what each volume of a series shows, and the run it belongs to.

One file of this folder per source; each registers itself when it is imported.
"""

from importlib import import_module
from pkgutil import iter_modules

from napari_fmri_decoder.samples.labels.base import (
    LabelsConfig,
    LabelsField,
    label_sources,
    label_table,
    parse_labels,
)

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["LabelsConfig", "LabelsField", "label_sources", "label_table", "parse_labels"]
