"""Commands that write images: slabs, masks, z-maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import TR, Image, Kind, Output, pairs, say_notes, validated
from napari_fmri_decoder.cli.options import options_of
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.zmaps.config import ZMapsConfig


@app.command(
    epilog="Example: fmri-decoder slab bold.nii.gz --rotate-x 20 --start 12 --stop 15 -o slab.nii.gz"
)
@options_of(SlabConfig, leave_out=("resolved_shape", "resolved_affine"), help_panel="Slab")
def slab(
    image: Image,
    output: Output,
    options: dict[str, Any],
    mask: Annotated[Path | None, typer.Option(help="Mask; voxels outside are set to 0 first.")] = None,
    space: Annotated[
        str,
        typer.Option(
            help="Space of the output. scanner: overlays the input scan; rotated: along rotated axes."
        ),
    ] = "scanner",
    kind: Kind = "auto",
    tr: TR = None,
) -> None:
    """Rotate an image and cut a slab of planes."""
    from napari_fmri_decoder.pipeline.slab_file import cut_file

    where, notes = cut_file(
        image, output, validated(SlabConfig, options), mask=mask, space=space, kind=kind, tr=tr
    )
    say_notes(notes)
    size = " x ".join(map(str, where.grid.shape))
    say(f"{output}: {size} voxels, first voxel at {_mm(where.scanner.affine[:3, 3])} in scanner space.")


@app.command(epilog="Example: fmri-decoder mask bold.nii.gz --strategy epi -o mask.nii.gz")
def mask(
    image: Image,
    output: Output,
    strategy: Annotated[
        str, typer.Option(help="Mask strategy; an unknown name lists all strategies.")
    ] = "epi",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of the strategy, NAME=VALUE; may be repeated."),
    ] = None,
    kind: Kind = "auto",
    tr: TR = None,
) -> None:
    """Make a mask of the voxels to decode, on the grid of the image."""
    from napari_fmri_decoder.samples.masks import make_mask, mask_strategies, parse_mask
    from napari_fmri_decoder.samples.opening import open_images
    from napari_fmri_decoder.volumes.nifti import write

    series = open_images(image, kind=kind, tr=tr, strict=False)
    made, notes = make_mask(
        parse_mask({"strategy": strategy, **pairs(option, mask_strategies, strategy)}), series, Path.cwd()
    )
    write(made, output)
    say_notes((*series.notes, *notes))
    kept = int(made.at(0).sum())
    say(f"{output}: {kept} of {made.at(0).size} voxels.")


@app.command(epilog="Example: fmri-decoder zmaps sub-1/func/*_bold.nii.gz --hrf none -o zmaps")
@options_of(ZMapsConfig, help_panel="Model")
def zmaps(
    bold: Annotated[list[Path], typer.Argument(help="BOLD files, one per run, in order.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Output folder; must be new or empty.")],
    options: dict[str, Any],
    table: Annotated[
        Path | None,
        typer.Option(
            help="Table with label and run of every volume, instead of each BOLD file's _events.tsv; each "
            "block of one label is an event."
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            help="Events files or a pattern (*); paired with the BOLD files by name if possible, otherwise "
            "in order; may be repeated."
        ),
    ] = None,
    column: Annotated[
        str, typer.Option(help="Column with the conditions in the events files.")
    ] = "trial_type",
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Baseline label, which gets no map; may be repeated. [default: rest]"),
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="Mask of the voxels to fit; maps are 0 outside.")] = None,
    kind: Kind = "auto",
    tr: TR = None,
) -> None:
    """Compute z-maps of BOLD files with a general linear model: per run and condition, or per trial.

    Events are found by the BIDS name of each BOLD file. The output folder contains one image per map,
    volumes.tsv with the label of each map, and zmaps.json with settings and events. It can be opened and
    decoded as one series.
    """
    from napari_fmri_decoder.cli.progress import follow_steps
    from napari_fmri_decoder.pipeline.zmapping import ZMapsDone, write_zmaps
    from napari_fmri_decoder.samples.labels import parse_labels
    from napari_fmri_decoder.samples.masks import parse_mask
    from napari_fmri_decoder.samples.opening import open_images

    if table is not None and events:
        raise InputError("Events must come from --table or from --events, got both. Use only one of them.")
    source = {"source": "table", "table": str(table)} if table else {"source": "events", "column": column}
    given = {"exclude": exclude or ["rest"]} | ({"events": events} if events else {})
    steps = write_zmaps(
        open_images(bold, kind=kind, tr=tr),
        parse_labels(source | given),
        validated(ZMapsConfig, options),
        output,
        base=Path.cwd(),
        mask=parse_mask(mask) if mask else None,
    )
    done = follow_steps(steps)
    if isinstance(done, ZMapsDone):
        say_notes(done.made.notes)
        say(f"{output}: {len(done.made.table)} maps, and volumes.tsv with their labels.")


def _mm(point: Any) -> str:
    return "(" + ", ".join(f"{v:.1f}" for v in point) + ") mm"
