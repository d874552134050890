"""The command `plot`: a picture of brain slices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import TR, Image, Kind, say_notes, validated
from napari_fmri_decoder.cli.options import options_of
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.evaluation.picture_config import PictureConfig


@app.command(
    epilog="Example: fmri-decoder plot zmap.nii.gz --anatomy T1w.nii.gz --threshold 3 -o picture.png"
)
@options_of(PictureConfig, help_panel="Picture")
def plot(
    image: Image,
    output: Annotated[Path, typer.Option("-o", "--output", help="Picture, .png or .svg.")],
    options: dict[str, Any],
    anatomy: Annotated[
        Path | None, typer.Option(help="Anatomy to draw below; of a series, its mean.")
    ] = None,
    kind: Kind = "auto",
    tr: TR = None,
) -> None:
    """Draw slices of a map, mask or slab over the anatomy, with sides, positions and a color bar."""
    from napari_fmri_decoder.evaluation.figures import mosaic, save_picture
    from napari_fmri_decoder.samples.opening import open_images

    config = validated(PictureConfig, options)
    shown = open_images(image, kind=kind, tr=tr, strict=False)
    below = None if anatomy is None else open_images(anatomy, strict=False)
    save_picture(mosaic(shown, below, config), output)
    say_notes((*shown.notes, *(below.notes if below is not None else ())))
    slices = len(config.positions) or config.count
    say(f"{output}: {slices} slices along {config.axis}.")
