"""The command `fmri-decoder`: invalid input exits with status 2 and one line on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Never

import typer

from napari_fmri_decoder.cli.printing import print_any_text, say
from napari_fmri_decoder.errors import InputError, PluginWarning, TrainingError
from napari_fmri_decoder.text import printable, shortened

app = typer.Typer(
    name="fmri-decoder",
    help="Decode brain activity from fMRI: scans in place, honest scores, hidden layers in the brain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LONGEST = 1200
"""Characters of a message; the middle of a longer one is omitted."""
UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Raised by typer for invalid options and arguments."""


def main() -> None:
    """Run the command; the entry point."""
    print_any_text()
    try:
        with _without_warnings():
            if any("\0" in word for word in sys.argv[1:]):
                raise InputError("Options and arguments must not contain the character NUL. Remove it.")
            status = app(prog_name="fmri-decoder", standalone_mode=False)
    except UsageError as error:
        _stop_usage(error)
    except (InputError, TrainingError) as error:
        _stop(str(error))
    except OSError as error:
        place = f" {shortened(printable(error.filename), 300)}:" if error.filename else ""
        _stop(
            f"A file could not be read or written:{place} {error.strerror or error}. Check path and "
            "permissions."
        )
    except MemoryError:
        _stop("Not enough memory. Use smaller images, or a computer with more memory.")
    except (KeyboardInterrupt, typer.Abort):
        say("Stopped.", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide warnings of libraries, unless Python was started with -W."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", PluginWarning)
            warnings.showwarning = _say_warning
        yield


def _say_warning(message: Warning | str, *_: object, **__: object) -> None:
    say(f"Warning: {message}", err=True)


def _stop_usage(error: Exception) -> Never:
    """Report invalid options and arguments in one line; without any arguments, show the help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]  # it is the help
        sys.exit(2)
    command = getattr(getattr(error, "ctx", None), "command_path", "fmri-decoder")
    message = " ".join(error.format_message().split())  # type: ignore[attr-defined]
    _stop(f"{shortened(printable(message), 600).rstrip('.')}. See {command} --help.")


def _stop(message: str) -> Never:
    say(f"fmri-decoder: {shortened(' '.join(message.split()), LONGEST)}", err=True)
    sys.exit(2)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from napari_fmri_decoder import __version__

        typer.echo(f"fmri-decoder {__version__}")
        raise typer.Exit
