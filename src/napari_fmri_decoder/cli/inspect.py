"""Commands that describe images, datasets and decoders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import TR, Json, Kind, pairs
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError


@app.command(epilog="Example: fmri-decoder info sub-1/func/*_bold.nii.gz --json")
def info(
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of maps.")],
    as_json: Json = False,
    kind: Kind = "auto",
    tr: TR = None,
) -> None:
    """Describe images: shape, kind, orientation, obliqueness, voxel size, TR, origin in mm.

    Prints one row per file. If there are several, a file that cannot be read gets a row with its error, and
    the exit status is 2. For a single file, and with --json, also prints sform and qform, data type and
    scaling, intent, units.
    """
    from napari_fmri_decoder.cli.info import block, table
    from napari_fmri_decoder.samples.opening import open_images
    from napari_fmri_decoder.volumes.describe import describe

    rows: list[dict[str, Any]] = []
    for path in images:
        try:
            rows.append(describe(open_images(path, kind=kind, tr=tr, strict=False)) | {"file": str(path)})
        except InputError as error:
            if len(images) == 1 and not as_json:
                raise
            rows.append({"file": str(path), "error": str(error)})
    if as_json:
        say(json.dumps(rows, indent=2))
    else:
        say(block(rows[0]) if len(rows) == 1 else table(rows))
    if any("error" in row for row in rows):
        raise typer.Exit(2)


@app.command(epilog="Example: fmri-decoder bids derivatives/fmriprep --task objectviewing")
def bids(
    folder: Annotated[Path, typer.Argument(help="A BIDS dataset or an fMRIPrep output folder.")],
    subject: Annotated[list[str] | None, typer.Option(help="Only this subject; may be repeated.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Only this session; may be repeated.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="Only this run; may be repeated.")] = None,
    space: Annotated[str | None, typer.Option(help="Only this space, such as T1w.")] = None,
    as_json: Json = False,
) -> None:
    """List the runs of a dataset: subject, session, task, run, space, and missing files.

    Events, confounds, brain mask and anatomy are found by their BIDS names; --json prints their paths.
    """
    from napari_fmri_decoder.cli.info import runs_table
    from napari_fmri_decoder.samples.bids.dataset import bids_runs

    selected = {"subjects": subject, "sessions": session, "tasks": task, "runs": run}
    found = bids_runs(folder, **{name: value or () for name, value in selected.items()}, space=space)
    say(json.dumps([one.to_dict() for one in found], indent=2) if as_json else runs_table(found))


@app.command(epilog="Example: fmri-decoder models cnn2d --shape 40 56 3 --classes 2")
def models(
    name: Annotated[
        str | None, typer.Argument(help="Name of a decoder. [default: list all decoders]")
    ] = None,
    shape: Annotated[
        tuple[int, int, int], typer.Option(help="Voxels of a plane (two numbers), and number of planes.")
    ] = (40, 56, 3),
    classes: Annotated[int, typer.Option(min=2, max=100_000, help="Number of classes.")] = 2,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the decoder, NAME=VALUE; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the decoders, or the layers and parameters of one decoder."""
    from dataclasses import asdict

    from napari_fmri_decoder.decoders import get_decoder, registry
    from napari_fmri_decoder.decoders.summary import input_shape_of, summarize

    if name is None:
        rows = {known: kind.summary for known, kind in sorted(registry.items())}
        wide = max(map(len, rows))
        table = "\n".join(f"{known:<{wide}}  {text}" for known, text in rows.items())
        say(json.dumps(rows, indent=2) if as_json else table)
        return
    decoder = get_decoder({"name": name, **pairs(option, registry, name)})
    summary = summarize(decoder, input_shape_of(shape, decoder.layout), classes)
    if as_json:
        totals = {k: getattr(summary, k) for k in ("total", "trainable", "statistics")}
        say(json.dumps({"name": name, **totals, **asdict(summary)}, indent=2))
    else:
        say(str(summary))
