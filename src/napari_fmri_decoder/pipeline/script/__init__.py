"""A finished run as a plain script of nilearn, scikit-learn and torch.

`refusals` names what a script cannot express, `write` fills the template `script.py.jinja`.
"""

from napari_fmri_decoder.pipeline.script.refusals import check_expressible
from napari_fmri_decoder.pipeline.script.write import script_of_run, write_script

__all__ = ["check_expressible", "script_of_run", "write_script"]
