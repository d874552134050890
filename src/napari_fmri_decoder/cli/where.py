"""The command that decodes at many places in the brain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import Cluster, Resume, say_notes
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError


@app.command(epilog="Example: fmri-decoder where examples/haxby_where_lda.toml --out runs/haxby-where")
def where(
    recipe: Annotated[
        Path,
        typer.Argument(help="Recipe (TOML file) with a section [where]; its paths start from its folder."),
    ],
    out: Annotated[Path, typer.Option(help="Run folder; maps and table are written to its folder `where`.")],
    cluster: Cluster = "auto",
    resume: Resume = False,
) -> None:
    """Decode at many places: a searchlight, regions of an atlas, slabs or boxes.

    All places are decoded on the same folds and under the same permutations of the labels. With permutations,
    p values are corrected for the number of places.
    """
    from napari_fmri_decoder.cli.progress import follow_steps, resume_hint
    from napari_fmri_decoder.pipeline.where import WhereDone, run_where
    from napari_fmri_decoder.recipe import load_recipe

    with resume_hint(out):
        done = follow_steps(
            run_where(load_recipe(recipe), recipe.resolve().parent, out, cluster=cluster, resume=resume)
        )
    if not isinstance(done, WhereDone):
        raise InputError("The run was stopped before it was complete. Continue it with --resume.")
    say_notes(done.prepared.notes)
    for finding in done.prepared.findings:
        say(f"{finding.severity.capitalize()}: {finding.message}")
    for sentence in done.result.sentences():
        say(sentence)
    say(f"Maps and table: {done.folder}")
