"""Commands for a demonstration and for a test of this installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import Json
from napari_fmri_decoder.cli.decode import say_result
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError


@app.command(epilog="Example: fmri-decoder demo --out demo")
def demo(
    out: Annotated[Path, typer.Option(help="Output folder for the phantom and its run.")] = Path("demo"),
    gui: Annotated[
        bool, typer.Option("--gui", help="Open the phantom in napari instead of training.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Half of the phantom, decoders linear and mlp only; takes seconds."),
    ] = False,
) -> None:
    """Run a complete analysis of a phantom in MNI space; only --gui needs a display."""
    if gui and quick:
        raise InputError(
            "--gui opens the phantom without training, so --quick has no effect. Use only one of them."
        )
    if gui:
        _open_window()
        return
    from napari_fmri_decoder.cli.progress import follow
    from napari_fmri_decoder.pipeline.demo import QUICK_RUNS, run_demo
    from napari_fmri_decoder.samples.example_data.phantom_design import N_RUNS

    result = follow(run_demo(out, quick=quick))
    say_result(result)
    if quick:
        compared = ", ".join(f"{o.decoder['name']} {o.accuracy:.3f}" for o in result.scores.compared)
        say(
            f"Quick demo: {QUICK_RUNS} of {N_RUNS} runs of the phantom, decoders linear and mlp only "
            f"(on the same folds: {compared}). The full demo trains cnn2d on all runs: fmri-decoder demo."
        )
    say(f"Layers:  {result.folder / 'layers'}")
    say(f"Anatomy: {out / 'data' / 'anatomy.nii.gz'}")


@app.command(epilog="Example: fmri-decoder selftest --json")
def selftest(as_json: Json = False) -> None:
    """Check left and right: write, read, rotate, cut and save a lateralized, oblique phantom.

    Prints one line per check; the exit status is 1 if a check fails. Takes seconds, and needs no display.
    """
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from napari_fmri_decoder.pipeline.selftest import selftest as run_selftest

    with TemporaryDirectory() as folder:
        checks = list(run_selftest(Path(folder)))
    if as_json:
        say(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        for check in checks:
            say(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.found}")
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _open_window() -> None:
    try:
        from napari_fmri_decoder._napari.demo import open_demo
    except ImportError as error:
        raise InputError(
            f"The window needs napari and Qt, but {error.name} is not installed. "
            'Run: python -m pip install "napari-fmri-decoder[all]"'
        ) from error
    open_demo()
