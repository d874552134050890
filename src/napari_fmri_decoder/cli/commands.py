"""The command `fmri-decoder`: everything that needs no screen.

Bad input exits with 2 and one line on standard error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fmri_decoder import __version__
from napari_fmri_decoder.cli.options import options_of
from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.samples.options import AnyOptions
from napari_fmri_decoder.samples.options import explain as explain_options
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.zmaps_config import ZMapsConfig

app = typer.Typer(
    name="fmri-decoder",
    help="Decode brain activity: scans in their place, honest scores, hidden layers in the brain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Image = Annotated[Path, typer.Argument(help="An image (NIfTI, MGH, Analyze, AFNI), or a folder of maps.")]
Model = Annotated[Path, typer.Argument(help="A model.safetensors of an earlier run.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Runs = Annotated[str, typer.Option(help="Volumes of each run, such as 64,64; each file is a run by default.")]


def main() -> None:
    """Run the command; the entry point."""
    try:
        app()
    except (InputError, TrainingError) as error:
        _stop(str(error))
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        _stop(
            f"A file could not be read or written:{place}: {error.strerror or error}. Check path and rights."
        )
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)


def _stop(message: str) -> None:
    typer.echo(f"fmri-decoder: {' '.join(message.split())}", err=True)
    sys.exit(2)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        typer.echo(f"fmri-decoder {__version__}")
        raise typer.Exit


@app.command(epilog="Example: fmri-decoder info sub-1/func/*_bold.nii.gz --json")
def info(
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of maps.")],
    as_json: Json = False,
) -> None:
    """Say what images are: shape, kind, orientation, obliqueness, voxel size, TR, origin in mm.

    One row per file; a file that cannot be read gets a row with its error, and the exit status 2.
    Of a single file, and with --json, all that its header says: sform and qform, data type and
    scaling, intent, units.
    """
    from napari_fmri_decoder.cli.info import block, table
    from napari_fmri_decoder.volumes.describe import describe

    rows: list[dict[str, Any]] = []
    for path in images:
        try:
            rows.append(describe(path))
        except InputError as error:
            rows.append({"file": str(path), "error": str(error)})
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        typer.echo(block(rows[0]) if len(rows) == 1 else table(rows))
    if any("error" in row for row in rows):
        raise typer.Exit(2)


@app.command(epilog="Example: fmri-decoder bids derivatives/fmriprep --task objectviewing")
def bids(
    folder: Annotated[Path, typer.Argument(help="A BIDS dataset, or the folder of fMRIPrep's output.")],
    subject: Annotated[list[str] | None, typer.Option(help="Only this subject; may be repeated.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Only this session; may be repeated.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="Only this run; may be repeated.")] = None,
    space: Annotated[str | None, typer.Option(help="Only this space, such as T1w.")] = None,
    as_json: Json = False,
) -> None:
    """List the runs of a dataset: subject, session, task, run, space, and what is missing.

    Events, confounds, brain mask and anatomy are found by their names; --json gives their paths.
    """
    from napari_fmri_decoder.cli.info import runs_table
    from napari_fmri_decoder.samples.bids_dataset import bids_runs

    chosen = {"subjects": subject, "sessions": session, "tasks": task, "runs": run}
    found = bids_runs(folder, **{name: value or () for name, value in chosen.items()}, space=space)
    typer.echo(json.dumps([one.to_dict() for one in found], indent=2) if as_json else runs_table(found))


@app.command(
    epilog="Example: fmri-decoder slab bold.nii.gz --rotate-x 20 --start 12 --stop 15 -o slab.nii.gz"
)
@options_of(SlabConfig, leave_out=("resolved_shape", "resolved_affine"), help_panel="Slab")
def slab(
    image: Image,
    output: Output,
    options: dict[str, Any],
    mask: Annotated[Path | None, typer.Option(help="Mask: what lies outside is set to 0 first.")] = None,
    space: Annotated[
        str,
        typer.Option(
            help="scanner: overlays the scan it came from; rotated: straight, in the rotated space."
        ),
    ] = "scanner",
) -> None:
    """Rotate an image and cut planes out of it."""
    from napari_fmri_decoder.pipeline.cutting import cut_file

    where = cut_file(image, output, _model(SlabConfig, options), mask=mask, space=space)
    size = " x ".join(map(str, where.grid.shape))
    typer.echo(f"{output}: {size} voxels, first voxel at {_mm(where.scanner.affine[:3, 3])} in the scanner.")


@app.command(epilog="Example: fmri-decoder mask bold.nii.gz --strategy epi -o mask.nii.gz")
def mask(
    image: Image,
    output: Output,
    strategy: Annotated[str, typer.Option(help="How the mask is made; an unknown name lists all.")] = "epi",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of the strategy, NAME=VALUE; may be repeated."),
    ] = None,
) -> None:
    """Make a mask of the voxels to decode, on the image's own grid."""
    from napari_fmri_decoder.samples.masks import make_mask, parse_mask
    from napari_fmri_decoder.volumes.nifti import read, write

    series = read(image)
    made, notes = make_mask(parse_mask({"strategy": strategy, **_pairs(option)}), series, Path.cwd())
    write(made, output)
    for note in notes:
        typer.echo(f"Note: {note}")
    kept = int(made.at(0).sum())
    typer.echo(f"{output}: {kept} of {made.at(0).size} voxels.")


@app.command(epilog="Example: fmri-decoder zmaps sub-1/func/*_bold.nii.gz --hrf none -o zmaps")
@options_of(ZMapsConfig, help_panel="Model")
def zmaps(
    bold: Annotated[list[Path], typer.Argument(help="BOLD files; several are runs in their natural order.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; one of its own.")],
    options: dict[str, Any],
    table: Annotated[
        Path | None,
        typer.Option(
            help="Table with label and run of every volume, in place of the _events.tsv beside each BOLD "
            "file; each block of one label is an event."
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(help="Events files or a pattern (*), in the order of the BOLD files; may be repeated."),
    ] = None,
    column: Annotated[str, typer.Option(help="Column of the conditions in the events files.")] = "trial_type",
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="A label that is the baseline, with no map; may be repeated. [default: rest]"),
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="Mask of the voxels to fit; outside maps are 0.")] = None,
) -> None:
    """Make z-maps of BOLD files by a general linear model: per run and condition, or per trial.

    Events are found beside each BOLD file by its BIDS name. The folder gets one image per map, volumes.tsv
    with what each shows, and zmaps.json with settings and events; it opens, and is decoded, as one series.
    """
    from napari_fmri_decoder.cli.progress import follow_steps
    from napari_fmri_decoder.pipeline.zmapping import ZMapsDone, write_zmaps
    from napari_fmri_decoder.samples.labels import parse_labels
    from napari_fmri_decoder.samples.masks import parse_mask
    from napari_fmri_decoder.volumes.nifti import read_series

    if table is not None and events:
        raise InputError("Events must come from --table or from --events, got both. Give one of them.")
    source = {"source": "table", "table": str(table)} if table else {"source": "events", "column": column}
    given = {"exclude": exclude or ["rest"]} | ({"events": events} if events else {})
    steps = write_zmaps(
        read_series(bold),
        parse_labels(source | given),
        _model(ZMapsConfig, options),
        output,
        base=Path.cwd(),
        mask=parse_mask(mask) if mask else None,
    )
    done = follow_steps(steps)
    if isinstance(done, ZMapsDone):
        for note in done.made.notes:
            typer.echo(f"Note: {note}")
        typer.echo(f"{output}: {len(done.made.table)} maps, and volumes.tsv with what each shows.")


@app.command(epilog="Example: fmri-decoder models cnn2d --shape 40 56 3 --classes 2")
def models(
    name: Annotated[str | None, typer.Argument(help="A decoder; all are listed without one.")] = None,
    shape: Annotated[
        tuple[int, int, int], typer.Option(help="Voxels in plane (two numbers), and planes.")
    ] = (40, 56, 3),
    classes: Annotated[int, typer.Option(min=2, help="Number of classes.")] = 2,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the decoder, NAME=VALUE; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the decoders, or the layers and parameters of one."""
    from dataclasses import asdict

    from napari_fmri_decoder.decoders import get_decoder, registry
    from napari_fmri_decoder.decoders.summary import input_shape_of, summarize

    if name is None:
        rows = {known: kind.summary for known, kind in sorted(registry.items())}
        wide = max(map(len, rows))
        table = "\n".join(f"{known:<{wide}}  {text}" for known, text in rows.items())
        typer.echo(json.dumps(rows, indent=2) if as_json else table)
        return
    decoder = get_decoder({"name": name, **_pairs(option)})
    summary = summarize(decoder, input_shape_of(shape, decoder.layout), classes)
    if as_json:
        totals = {k: getattr(summary, k) for k in ("total", "trainable", "statistics")}
        typer.echo(json.dumps({"name": name, **totals, **asdict(summary)}, indent=2))
    else:
        typer.echo(str(summary))


@app.command(epilog="Example: fmri-decoder train examples/haxby_mlp.toml --out runs/haxby-mlp")
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe (TOML); its paths are relative to it.")],
    out: Annotated[Path, typer.Option(help="Folder of the run: scores, predictions, models, report.")],
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:<number> or mps; over the recipe's.")
    ] = None,
    cluster: Annotated[
        str,
        typer.Option(
            help="Where folds and permutations are done: serial (this process), local:N (N processes), "
            "tcp://ADDRESS:PORT (a Dask scheduler); auto: local for many permutations."
        ),
    ] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")
    ] = False,
) -> None:
    """Run a recipe: prepare, train fold by fold, score beside baselines, write the run folder.

    What is done is kept in the run folder as it comes, so that a run that was stopped goes on with
    --resume. The scores are the same wherever it runs.
    """
    from napari_fmri_decoder.cli.progress import follow
    from napari_fmri_decoder.pipeline import run
    from napari_fmri_decoder.recipe import load_recipe, with_training

    content = load_recipe(recipe)
    if device is not None:
        content = with_training(content, device=device)
    result = follow(run(content, recipe.resolve().parent, out, cluster=cluster, resume=resume))
    _say_result(result)


@app.command(epilog="Example: fmri-decoder group runs/sub-1 runs/sub-2 runs/sub-3 --out group")
def group(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, one per subject.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write group.json and group.tsv into.")] = None,
    as_json: Json = False,
) -> None:
    """Summarise the runs of several subjects: mean, spread, and each subject against its own null."""
    from napari_fmri_decoder.evaluation.group import group_sentences, summarise_group, write_group

    found = summarise_group(runs)
    if out is not None:
        write_group(found, out)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    shown = found.table()[["subject", "score", "linear", "null_mean", "p", "permutations"]]
    typer.echo(
        shown.astype({"permutations": "Int64"}).to_string(index=False, na_rep="-", float_format="%.3f")
    )
    for sentence in group_sentences(found):
        typer.echo(sentence)


@app.command(epilog="Example: fmri-decoder predict run/model.safetensors bold.nii.gz -o predictions.tsv")
def predict(model: Model, image: Image, output: Output, runs: Runs = "") -> None:
    """Predict every volume of a scan with a trained model."""
    from napari_fmri_decoder.pipeline.predicting import predict as predict_series
    from napari_fmri_decoder.training.bundle import load_bundle
    from napari_fmri_decoder.volumes.nifti import read

    table, notes = predict_series(load_bundle(model), read(image), _numbers(runs))
    output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(output, sep="\t", index=False, float_format="%.6g")
    for note in notes:
        typer.echo(f"Note: {note}")
    counts = table["predicted"].value_counts()
    typer.echo(f"{output}: {len(table)} volumes; " + ", ".join(f"{n} {c}" for c, n in counts.items()) + ".")


@app.command(
    epilog="Example: fmri-decoder explain run/model.safetensors bold.nii.gz --layer conv1 -o conv1.nii.gz"
)
def explain(
    model: Model,
    image: Image,
    output: Output,
    layer: Annotated[str, typer.Option(help="A hidden convolution, such as conv1.")] = "conv1",
    method: Annotated[
        str, typer.Option(help="How the maps are made; an unknown name lists all.")
    ] = "activation",
    volume: Annotated[
        int | None, typer.Option(help="One volume, from 0; the mean over all volumes without it.")
    ] = None,
    runs: Runs = "",
) -> None:
    """Write what a hidden layer answers to a scan, one image per filter, in scanner space.

    The model has been fitted on all samples of its run: for those its maps are seen in training.
    """
    from napari_fmri_decoder.pipeline.explaining import explain_series
    from napari_fmri_decoder.training.bundle import load_bundle
    from napari_fmri_decoder.volumes.nifti import read, write

    options = {"name": method, "layer": layer}
    maps, notes = explain_series(load_bundle(model), read(image), options, volume=volume, runs=_numbers(runs))
    write(maps, output)
    for note in notes:
        typer.echo(f"Note: {note}")
    typer.echo(f"{output}: {maps.n_volumes} maps of {' x '.join(map(str, maps.shape[:3]))} voxels.")


@app.command(epilog="Example: fmri-decoder demo --out demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the phantom and its run.")] = Path("demo"),
    gui: Annotated[bool, typer.Option("--gui", help="Open the phantom in napari instead.")] = False,
) -> None:
    """Run the whole job on a phantom laid into the MNI template; needs no screen without --gui."""
    if gui:
        _open_window()
        return
    from napari_fmri_decoder.cli.progress import follow
    from napari_fmri_decoder.pipeline.demo import run_demo

    result = follow(run_demo(out))
    _say_result(result)
    typer.echo(f"Layers:  {result.folder / 'layers'}")
    typer.echo(f"Anatomy: {out / 'data' / 'anatomy.nii.gz'}")


@app.command(epilog="Example: fmri-decoder selftest --json")
def selftest(as_json: Json = False) -> None:
    """Send a lateralised, oblique phantom through writing, reading, rotating, cutting and saving.

    One line per check; the exit status is 1 if one fails. Takes seconds, and needs no screen.
    """
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from napari_fmri_decoder.pipeline.selftest import selftest as run_selftest

    with TemporaryDirectory() as folder:
        checks = list(run_selftest(Path(folder)))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        for check in checks:
            typer.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.found}")
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


def _say_result(result: Any) -> None:
    from napari_fmri_decoder.evaluation.report import headline_sentence

    for note in result.prepared.notes:
        typer.echo(f"Note: {note}")
    for finding in result.scores.audit:
        typer.echo(f"{finding.severity.capitalize()}: {finding.message}")
    typer.echo(headline_sentence(result.scores))
    typer.echo(f"Report:  {result.folder / 'report.html'}")


def _model(kind: type[AnyOptions], options: dict[str, Any]) -> AnyOptions:
    from pydantic import ValidationError

    try:
        return kind.model_validate(options)
    except ValidationError as error:
        raise InputError(f"The options must be valid: {explain_options(error)}. See --help.") from error


def _pairs(options: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE pairs; a value is TOML where it can be, else text."""
    import tomllib

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


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(n) for n in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise InputError(
            f"Runs must be numbers of volumes with commas, such as 64,64; got {text!r}."
        ) from error


def _mm(point: Any) -> str:
    return "(" + ", ".join(f"{v:.1f}" for v in point) + ") mm"
