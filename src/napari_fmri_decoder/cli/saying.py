"""What the command prints: on any terminal, and without obeying what file names hold."""

from __future__ import annotations

import sys

import typer

from napari_fmri_decoder.text import printable


def say(text: object, *, err: bool = False) -> None:
    """Print lines of text; other control characters are printed as their escapes.

    Parameters
    ----------
    text : object
    err : bool
        On standard error.
    """
    typer.echo("\n".join(printable(line) for line in str(text).split("\n")), err=err)


def print_any_text() -> None:
    """Let standard output and error take every text: what their encoding lacks is printed as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
