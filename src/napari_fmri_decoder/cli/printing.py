"""Printing on any terminal, with the control characters in file names escaped."""

from __future__ import annotations

import sys

import typer

from napari_fmri_decoder.text import printable


def say(text: object, *, err: bool = False) -> None:
    """Print lines of text, with control characters other than line breaks escaped.

    Parameters
    ----------
    text : object
    err : bool
        Whether to print on standard error.
    """
    typer.echo("\n".join(printable(line) for line in str(text).split("\n")), err=err)


def print_any_text() -> None:
    """Let standard output and error print any text: characters outside their encoding are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
