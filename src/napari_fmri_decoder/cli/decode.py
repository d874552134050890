"""Commands that decode: train, and what is done with runs and models after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import Cluster, Image, Json, Model, Output, Resume, Runs, numbers

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.group import GroupScores
    from napari_fmri_decoder.pipeline import RunResult


@app.command(epilog="Example: fmri-decoder train examples/haxby_mlp.toml --out runs/haxby-mlp")
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe (TOML); its paths are relative to it.")],
    out: Annotated[Path, typer.Option(help="Folder of the run: scores, predictions, models, report.")],
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:<number> or mps; over the recipe's.")
    ] = None,
    cluster: Cluster = "auto",
    resume: Resume = False,
) -> None:
    """Run a recipe: prepare, train fold by fold, score beside baselines, write the run folder.

    What is done is kept in the run folder as it comes, so that a run that was stopped goes on with
    --resume. The scores are the same wherever it runs.
    """
    from napari_fmri_decoder.cli.progress import follow, going_on
    from napari_fmri_decoder.pipeline import run
    from napari_fmri_decoder.recipe import load_recipe, with_training

    content = load_recipe(recipe)
    if device is not None:
        content = with_training(content, device=device)
    with going_on(out):
        result = follow(run(content, recipe.resolve().parent, out, cluster=cluster, resume=resume))
    say_result(result)


@app.command(epilog="Example: fmri-decoder subjects study.toml --out runs/study --cluster local:4")
def subjects(
    recipes: Annotated[
        list[Path], typer.Argument(help="One recipe of a dataset (data.bids), or one recipe per subject.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run folders and of group.json and group.tsv.")],
    cluster: Cluster = "auto",
    resume: Resume = False,
) -> None:
    """Run each subject alone, as a task that reads its own data, and summarise them.

    A subject that fails is said, and the others go on.
    """
    from napari_fmri_decoder.cli.progress import follow_to_end, going_on
    from napari_fmri_decoder.errors import InputError
    from napari_fmri_decoder.pipeline.subjects import one_per_subject, run_subjects
    from napari_fmri_decoder.recipe import load_recipe

    loaded = {path.stem: (load_recipe(path), path.resolve().parent) for path in recipes}
    if len(loaded) < len(recipes):
        raise InputError("Each recipe must have a name of its own, which its run folder gets. Rename some.")
    if len(loaded) == 1:
        ((recipe, base),) = loaded.values()
        loaded = {name: (one, base) for name, one in one_per_subject(recipe, base).items()}
    with going_on(out):
        done = follow_to_end(run_subjects(loaded, out, cluster=cluster, resume=resume))
    say_group(done)
    typer.echo(f"Run folders, group.json and group.tsv: {out}")


@app.command(epilog="Example: fmri-decoder group runs/sub-1 runs/sub-2 runs/sub-3 --out group")
def group(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, one per subject.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write group.json and group.tsv into.")] = None,
    as_json: Json = False,
) -> None:
    """Summarise the runs of several subjects: mean, spread, and each subject against its own null."""
    from napari_fmri_decoder.evaluation.group import summarise_group, write_group

    found = summarise_group(runs)
    if out is not None:
        write_group(found, out)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        say_group(found)


def say_group(found: GroupScores) -> None:
    """Print a row per subject, and what can be said of all."""
    from napari_fmri_decoder.evaluation.group import group_sentences

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

    table, notes = predict_series(load_bundle(model), read(image), numbers(runs))
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
    maps, notes = explain_series(load_bundle(model), read(image), options, volume=volume, runs=numbers(runs))
    write(maps, output)
    for note in notes:
        typer.echo(f"Note: {note}")
    typer.echo(f"{output}: {maps.n_volumes} maps of {' x '.join(map(str, maps.shape[:3]))} voxels.")


@app.command(epilog="Example: fmri-decoder export run/model.safetensors -o model.onnx")
def export(model: Model, output: Output) -> None:
    """Write a trained model as an ONNX file, for programs that know neither torch nor this one.

    It takes the voxels of the mask, cleaned as in the training but not scaled, and gives the
    probability of each class. onnxruntime is asked before the file is written.
    """
    from napari_fmri_decoder.training.bundle import load_bundle
    from napari_fmri_decoder.training.onnx_export import export_onnx

    bundle = load_bundle(model)
    done = export_onnx(bundle, output)
    typer.echo(
        f"{done.path}: {bundle.space.n_features} voxels in, {len(bundle.classes)} probabilities out "
        f"({', '.join(bundle.classes)}); onnxruntime agrees with the model to {done.difference:.1g}."
    )


def say_result(result: RunResult) -> None:
    """Print notes, findings and scores of a run, and where its report is."""
    from napari_fmri_decoder.evaluation.report import headline_sentence, override_sentence

    for note in result.prepared.notes:
        typer.echo(f"Note: {note}")
    for finding in result.scores.audit:
        typer.echo(f"{finding.severity.capitalize()}: {finding.message}")
    typer.echo(headline_sentence(result.scores))
    if overridden := override_sentence(result.scores):
        typer.secho(overridden, fg=typer.colors.RED, bold=True)
    typer.echo(f"Report:  {result.folder / 'report.html'}")
