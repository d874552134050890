"""Decode brain activity in napari: fMRI scans in place, honest scores, hidden layers in the brain.

Everything that a notebook needs is an attribute of this package and is loaded when it is first used.

Examples
--------
>>> import napari_fmri_decoder as fd
>>> sorted(fd.decoders.registry)
['cnn2d', 'cnn3d', 'dummy', 'lda', 'linear', 'mlp', 'prototype']
"""

import os
import sys

if getattr(sys, "argv", [])[:1] == ["-m"] and not sys.flags.safe_path:
    # `python -m napari_fmri_decoder.cli` puts the working folder first, where a user's file (`signal.py`)
    # would hide a module of Python's. It stays, last, only where this package comes from it.
    _working_folder = sys.path.pop(0)
    if os.path.realpath(_working_folder) == os.path.dirname(os.path.dirname(os.path.realpath(__file__))):
        sys.path.append(_working_folder)

import lazy_loader  # only now, for the same reason

_attribute, _names, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __getattr__(name: str) -> object:
    return _version() if name == "__version__" else _attribute(name)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("napari-fmri-decoder")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0+unknown"
