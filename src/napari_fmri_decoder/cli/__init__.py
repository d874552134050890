"""The command `fmri-decoder`, which needs no display.

Its help lists the commands in the order in which they are imported here.
"""

# isort: off
from napari_fmri_decoder.cli.app import app, main
from napari_fmri_decoder.cli import inspect, images, plot, decode, explain, where, demo_and_selftest
# isort: on

__all__ = ["app", "decode", "demo_and_selftest", "explain", "images", "inspect", "main", "plot", "where"]
