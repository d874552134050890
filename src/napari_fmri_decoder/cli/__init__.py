"""The command `fmri-decoder`."""

from napari_fmri_decoder.cli.commands import app, main

__all__ = ["app", "main"]
