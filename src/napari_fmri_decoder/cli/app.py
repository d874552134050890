"""The command `fmri-decoder` itself: bad input exits with 2 and one line on standard error."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from napari_fmri_decoder import __version__
from napari_fmri_decoder.errors import InputError, TrainingError

app = typer.Typer(
    name="fmri-decoder",
    help="Decode brain activity: scans in their place, honest scores, hidden layers in the brain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command; the entry point."""
    try:
        app()
    except (InputError, TrainingError) as error:
        _stop(str(error))
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        _stop(
            f"A file could not be read or written:{place}: {error.strerror or error}. Check path and rights."
        )
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)


def _stop(message: str) -> None:
    typer.echo(f"fmri-decoder: {' '.join(message.split())}", err=True)
    sys.exit(2)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        typer.echo(f"fmri-decoder {__version__}")
        raise typer.Exit
