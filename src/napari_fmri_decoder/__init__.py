"""Decode brain activity in napari: scans in their place, honest scores, hidden layers in the brain."""

import os
import sys

if getattr(sys, "argv", [])[:1] == ["-m"] and not sys.flags.safe_path:
    # `python -m napari_fmri_decoder.cli` puts the working folder first, where a user's file (`signal.py`)
    # would hide a module of Python's. It stays, last, only where this package comes from it.
    _working_folder = sys.path.pop(0)
    if os.path.realpath(_working_folder) == os.path.dirname(os.path.dirname(os.path.realpath(__file__))):
        sys.path.append(_working_folder)

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("napari-fmri-decoder")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
