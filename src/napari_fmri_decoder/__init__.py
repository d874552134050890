"""Decode brain activity in napari: scans in their place, honest scores, hidden layers in the brain."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("napari-fmri-decoder")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
