"""A dry run: everything before training, with its results on the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.pipeline import Prepared
    from napari_fmri_decoder.recipe import Recipe


def dry_run(recipe: Recipe, base: Path, *, as_json: bool = False) -> None:
    """Prepare a recipe, and print the files paired with each image, the notes and the audit.

    The exit status is 2 if the audit would block the run.
    """
    from napari_fmri_decoder.cli.progress import follow_to_end
    from napari_fmri_decoder.pipeline import prepare_steps
    from napari_fmri_decoder.samples.audit import blocking

    prepared = follow_to_end(prepare_steps(recipe, base, refuse=False))
    stopping = blocking(prepared.findings, recipe.audit.allow)
    if as_json:
        typer.echo(json.dumps(_plain(prepared, blocked=bool(stopping)), indent=2, ensure_ascii=False))
    else:
        _print(prepared)
    if stopping:
        codes = ", ".join(finding.code for finding in stopping)
        typer.echo(f"The audit blocks this run: {codes}. Nothing was trained or written.", err=True)
        raise typer.Exit(2)


def _plain(prepared: Prepared, *, blocked: bool) -> dict[str, object]:
    return {
        "pairing": [row.to_dict() for row in prepared.pairing],
        "samples": len(prepared.samples.X),
        "voxels": int(prepared.samples.space.n_features),
        "classes": list(prepared.samples.classes),
        "folds": [split.name for split in prepared.splits],
        "prepare": prepared.recipe.prepare.model_dump(mode="json", exclude_none=True),
        "notes": list(prepared.notes),
        "findings": [
            {"code": f.code, "severity": f.severity, "message": f.message, "allowed": f.allowed}
            for f in prepared.findings
        ],
        "blocked": blocked,
    }


def _print(prepared: Prepared) -> None:
    from napari_fmri_decoder.pipeline.pairing import COLUMNS, pairing_cells
    from napari_fmri_decoder.text import printable

    lines = [COLUMNS, *(tuple(map(printable, row)) for row in pairing_cells(prepared.pairing))]
    typer.echo(_aligned(lines))
    samples = prepared.samples
    typer.echo(
        f"{len(samples.X)} samples of {samples.space.n_features} voxels, {len(samples.classes)} classes "
        f"({', '.join(map(printable, samples.classes))}), {len(prepared.splits)} folds."
    )
    for note in prepared.notes:
        typer.echo(f"Note: {note}")
    for finding in prepared.findings:
        typer.echo(f"{finding.severity.capitalize()}: {finding.message} [{finding.code}]")
    typer.echo("Dry run: nothing was trained or written.")


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Align a table, without its empty columns."""
    kept = [i for i in range(len(lines[0])) if any(line[i] for line in lines[1:])]
    widths = {i: max(len(line[i]) for line in lines) for i in kept}
    rows = ("  ".join((line[i] or "-").ljust(widths[i]) for i in kept).rstrip() for line in lines)
    return "\n".join(rows)
