"""What several commands take, and how it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from napari_fmri_decoder.cli.saying import say
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_toml
from napari_fmri_decoder.samples.options import AnyOptions, Options, is_list, shown, wants_text
from napari_fmri_decoder.samples.options import explain as explain_options

MOST_VOLUMES = 10_000_000
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


def pairs(options: list[str] | None, models: Mapping[str, type[Options]], chosen: str) -> dict[str, Any]:
    """Read NAME=VALUE pairs.

    Parameters
    ----------
    options : list of str or None
    models : mapping of str to class
        Registered options.
    chosen : str
        The name of those that the pairs are for.

    Returns
    -------
    dict
        A value is TOML where it can be, else text; where the option takes text alone, text. Several
        values may stand without brackets: 36,37.
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
    """Read a value of TOML; the text itself where it is none."""
    try:
        return parse_toml(f"value = {text}", "The value")["value"]
    except InputError:
        return text


def numbers(text: str) -> tuple[int, ...]:
    """Read volumes of each run: 64,64."""
    try:
        found = tuple(int(n) for n in text.split(",")) if text.strip() else ()
    except ValueError:
        found = (0,)
    if found and not 1 <= min(found) <= max(found) <= MOST_VOLUMES:
        raise InputError(
            f"Runs must be numbers of volumes with commas, such as 64,64; got {shown(text)}. Correct --runs."
        )
    return found


def say_notes(notes: Iterable[str]) -> None:
    """Print notes, each once."""
    for note in dict.fromkeys(notes):
        say(f"Note: {note}")
