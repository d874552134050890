"""The report of a run (report.html).

`sentences` has its texts, `context` collects its numbers, `templates/` has its HTML and CSS, and `write`
renders them.
"""

from napari_fmri_decoder.evaluation.report.brain_map import interactive_map
from napari_fmri_decoder.evaluation.report.context import Methods
from napari_fmri_decoder.evaluation.report.sentences import (
    CAPTIONS,
    FILES,
    NO_FIGURES,
)
from napari_fmri_decoder.evaluation.report.write import write_report

__all__ = [
    "CAPTIONS",
    "FILES",
    "NO_FIGURES",
    "Methods",
    "interactive_map",
    "write_report",
]
