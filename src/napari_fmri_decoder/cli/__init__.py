"""The command `fmri-decoder`: everything that needs no screen.

Its help lists the commands in the order in which they are imported here.
"""

# isort: off
from napari_fmri_decoder.cli.app import app, main
from napari_fmri_decoder.cli import look, make, decode, attempt
# isort: on

__all__ = ["app", "attempt", "decode", "look", "main", "make"]
