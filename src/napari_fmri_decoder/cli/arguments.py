"""What several commands take, and how it is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.options import AnyOptions
from napari_fmri_decoder.samples.options import explain as explain_options

Image = Annotated[Path, typer.Argument(help="An image (NIfTI, MGH, Analyze, AFNI), or a folder of maps.")]
Model = Annotated[Path, typer.Argument(help="A model.safetensors of an earlier run.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Option(help="Volumes of each run, such as 64,64; each file is a run by default.")]

Cluster = Annotated[
    str,
    typer.Option(
        help="Where tasks run: serial (this process), local:N (N processes of this machine), tls://HOST:PORT "
        "or tcp://HOST:PORT (a Dask scheduler); auto: local for many permutations, or several subjects."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what was stopped or killed.")]

Figures = Annotated[
    str | None,
    typer.Option(help="Format of the report's figures: png, svg, both or none; overrides the recipe."),
]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Draw no figures: --figures none.")]


def figures_wanted(figures: str | None, no_figures: bool) -> str | None:
    """Read --figures and --no-figures; None where neither is given."""
    if no_figures and figures not in (None, "none"):
        raise InputError(f"--no-figures contradicts --figures {figures}. Give one of them.")
    return "none" if no_figures else figures


def validated(kind: type[AnyOptions], options: dict[str, Any]) -> AnyOptions:
    """Make options of what the command line gave."""
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        raise InputError(f"The options must be valid: {explain_options(error)}. See --help.") from error


def pairs(options: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE pairs; a value is TOML where it can be, else text."""
    found: dict[str, Any] = {}
    for pair in options or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"An option must be NAME=VALUE, got {pair!r}. For example: --set hidden=100.")
        try:
            found[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name.strip()] = value
    return found


def numbers(text: str) -> tuple[int, ...]:
    """Read volumes of each run: 64,64."""
    try:
        return tuple(int(n) for n in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise InputError(
            f"Runs must be numbers of volumes with commas, such as 64,64; got {text!r}."
        ) from error
