"""Arguments and options that several commands share, and how they are parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_toml
from napari_fmri_decoder.options import Options, is_list, shown, wants_text
from napari_fmri_decoder.options import explain as explain_options
from napari_fmri_decoder.paths import AnyOptions

MOST_VOLUMES = 10_000_000
KindName = Literal["auto", "bold", "stat", "anatomy", "mask", "atlas"]
Image = Annotated[Path, typer.Argument(help="An image (NIfTI, MGH, Analyze, AFNI), or a folder of maps.")]
Kind = Annotated[
    KindName,
    typer.Option(
        help="Kind of image: bold (time series), stat (maps), anatomy, mask, atlas; auto detects it."
    ),
]
TR = Annotated[
    float | None,
    typer.Option("--tr", min=0.001, max=1000, help="Repetition time in seconds; overrides the header."),
]
Model = Annotated[Path, typer.Argument(help="Model file (model.safetensors) from a run folder.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Output file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[
    str, typer.Option(help="Number of volumes of each run, such as 64,64. [default: one run per file]")
]

Cluster = Annotated[
    str,
    typer.Option(
        help="Where tasks run: serial (this process), local:N (N processes on this computer), "
        "tls://HOST:PORT or tcp://HOST:PORT (a Dask scheduler); auto: local for many permutations "
        "or subjects."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume a run that was stopped or killed.")]

Figures = Annotated[
    str | None,
    typer.Option(help="Format of the report's figures: png, svg, both or none; overrides the recipe."),
]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Same as --figures none.")]


def figures_wanted(figures: str | None, no_figures: bool) -> str | None:
    """Combine --figures and --no-figures; None if neither is given."""
    if no_figures and figures not in (None, "none"):
        raise InputError(f"--no-figures contradicts --figures {figures}. Use only one of them.")
    return "none" if no_figures else figures


def validated(kind: type[AnyOptions], options: dict[str, Any]) -> AnyOptions:
    """Validate options from the command line."""
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        raise InputError(f"The options must be valid: {explain_options(error)}. See --help.") from error


def pairs(options: list[str] | None, models: Mapping[str, type[Options]], chosen: str) -> dict[str, Any]:
    """Parse NAME=VALUE pairs.

    Parameters
    ----------
    options : list of str or None
    models : mapping of str to class
        Registered options.
    chosen : str
        Name of the options that the pairs set.

    Returns
    -------
    dict
        A value is parsed as TOML if possible, otherwise it is text; options that only accept text get text.
        Lists may be written without brackets: 36,37.
    """
    fields = models[chosen].model_fields if chosen in models else {}
    found: dict[str, Any] = {}
    for pair in options or []:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise InputError(
                f"An option must be NAME=VALUE, got {shown(pair)}. For example: --set hidden=100."
            )
        if name in found:
            raise InputError(f"An option must be set once, got {shown(name)} several times. Set it once.")
        annotation = fields[name].annotation if name in fields else None
        value = _toml(text)
        if value is text and "," in text and is_list(annotation):
            several = _toml(f"[{text}]")
            value = several if isinstance(several, list) else text
        if wants_text(annotation) and not isinstance(value, (str, list)):
            value = text
        found[name] = value
    return found


def _toml(text: str) -> Any:
    """Parse a TOML value; return the text itself if it is not TOML."""
    try:
        return parse_toml(f"value = {text}", "The value")["value"]
    except InputError:
        return text


def numbers(text: str) -> tuple[int, ...]:
    """Parse the number of volumes of each run: 64,64."""
    try:
        found = tuple(int(n) for n in text.split(",")) if text.strip() else ()
    except ValueError:
        found = (0,)
    if found and not 1 <= min(found) <= max(found) <= MOST_VOLUMES:
        raise InputError(
            f"Runs must be numbers of volumes separated by commas, such as 64,64; got {shown(text)}. "
            "Correct --runs."
        )
    return found


def say_notes(notes: Iterable[str]) -> None:
    """Print each note once."""
    for note in dict.fromkeys(notes):
        say(f"Note: {note}")
