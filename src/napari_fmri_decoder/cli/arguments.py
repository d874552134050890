"""What several commands take, and how it is read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.options import AnyOptions
from napari_fmri_decoder.samples.options import explain as explain_options

KindName = Literal["auto", "bold", "stat", "anatomy", "mask", "atlas"]
Image = Annotated[Path, typer.Argument(help="An image (NIfTI, MGH, Analyze, AFNI), or a folder of maps.")]
Kind = Annotated[
    KindName,
    typer.Option(
        help="What the image shows: bold (in time), stat (maps), anatomy, mask, atlas; auto finds out."
    ),
]
TR = Annotated[
    float | None,
    typer.Option("--tr", min=0.001, max=1000, help="Seconds between volumes, over those of the header."),
]
Model = Annotated[Path, typer.Argument(help="A model.safetensors of an earlier run.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Option(help="Volumes of each run, such as 64,64; each file is a run by default.")]

Cluster = Annotated[
    str,
    typer.Option(
        help="Where tasks are done: serial (this process), local:N (N processes), tcp://ADDRESS:PORT (a Dask "
        "scheduler); auto: local for many permutations, or several subjects."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what was stopped or killed.")]


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


def say_notes(notes: Iterable[str]) -> None:
    """Print notes, each once."""
    for note in dict.fromkeys(notes):
        typer.echo(f"Note: {note}")
