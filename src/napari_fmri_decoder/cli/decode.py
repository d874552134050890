"""Commands that train decoders, and that use the resulting runs and models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import (
    TR,
    Cluster,
    Figures,
    Image,
    Json,
    Kind,
    Model,
    NoFigures,
    Output,
    Resume,
    Runs,
    figures_wanted,
    numbers,
    say_notes,
)
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import nfc

if TYPE_CHECKING:
    from napari_fmri_decoder.evaluation.group import GroupScores
    from napari_fmri_decoder.pipeline import RunResult


@app.command(epilog="Example: fmri-decoder train examples/haxby_mlp.toml --out runs/haxby-mlp")
def train(
    recipe: Annotated[
        Path, typer.Argument(help="Recipe (TOML file); paths in it are relative to its folder.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Output folder of the run: scores, predictions, models, report.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:<number> or mps; overrides the recipe.")
    ] = None,
    cluster: Cluster = "auto",
    resume: Resume = False,
    figures: Figures = None,
    no_figures: NoFigures = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only prepare: print the files paired with each image, notes and the audit; write nothing.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: print JSON.")] = False,
) -> None:
    """Run a recipe: prepare, train fold by fold, compare the score with baselines, write the run folder.

    Completed work is kept in the run folder, so that --resume continues a run that was stopped. The scores
    do not depend on where the run is computed.
    """
    from napari_fmri_decoder.recipe import load_recipe, with_report, with_training

    content = load_recipe(recipe)
    if (wanted := figures_wanted(figures, no_figures)) is not None:
        content = with_report(content, figures=wanted)
    if device is not None:
        content = with_training(content, device=device)
    if dry_run:
        from napari_fmri_decoder.cli.dry_run import dry_run as prepare_only

        prepare_only(content, recipe.resolve().parent, as_json=as_json)
        return
    if out is None or as_json:
        wrong = "--json requires --dry-run" if as_json else "--out, the output folder of the run, is missing"
        raise InputError(f"{wrong}. Add it, or use --dry-run.")
    from napari_fmri_decoder.cli.progress import follow, resume_hint
    from napari_fmri_decoder.pipeline import run

    with resume_hint(out):
        result = follow(run(content, recipe.resolve().parent, out, cluster=cluster, resume=resume))
    say_result(result)


@app.command(epilog="Example: fmri-decoder subjects study.toml --out runs/study --cluster local:4")
def subjects(
    recipes: Annotated[
        list[Path], typer.Argument(help="One recipe for a dataset (data.bids), or one recipe per subject.")
    ],
    out: Annotated[
        Path, typer.Option(help="Output folder: one run folder per subject, group.json and group.tsv.")
    ],
    cluster: Cluster = "auto",
    resume: Resume = False,
    figures: Figures = None,
    no_figures: NoFigures = False,
) -> None:
    """Decode each subject separately, and summarize the scores.

    Failures are reported; other subjects continue.
    """
    from napari_fmri_decoder.recipe import load_recipe, with_report

    loaded = {path.stem: (load_recipe(path), path.resolve().parent) for path in recipes}
    if len({nfc(name).casefold() for name in loaded}) < len(recipes):
        raise InputError(
            "Each recipe must have a different file name, since its run folder gets that name; upper and "
            "lower case count as equal. Rename some."
        )
    from napari_fmri_decoder.cli.progress import follow_to_end, resume_hint
    from napari_fmri_decoder.pipeline.subjects import one_per_subject, run_subjects

    if len(loaded) == 1:
        ((recipe, base),) = loaded.values()
        loaded = {name: (one, base) for name, one in one_per_subject(recipe, base).items()}
    if (wanted := figures_wanted(figures, no_figures)) is not None:
        loaded = {name: (with_report(one, figures=wanted), base) for name, (one, base) in loaded.items()}
    with resume_hint(out):
        done = follow_to_end(run_subjects(loaded, out, cluster=cluster, resume=resume))
    say_group(done)
    say(f"Run folders, group.json and group.tsv: {out}")


@app.command(epilog="Example: fmri-decoder group runs/sub-1 runs/sub-2 runs/sub-3 --out group")
def group(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, one per subject.")],
    out: Annotated[Path | None, typer.Option(help="Output folder for group.json and group.tsv.")] = None,
    as_json: Json = False,
) -> None:
    """Summarize the runs of several subjects: mean, spread, and a permutation test of each subject."""
    from napari_fmri_decoder.evaluation.group import summarize_group, write_group

    found = summarize_group(runs)
    if out is not None:
        write_group(found, out)
    if as_json:
        say(json.dumps(found.to_dict(), indent=2))
    else:
        say_group(found)


def say_group(found: GroupScores) -> None:
    """Print a row per subject, and the summary of all subjects."""
    from napari_fmri_decoder.evaluation.group import group_sentences

    shown = found.table()[["subject", "score", "linear", "null_mean", "p", "permutations"]]
    say(shown.astype({"permutations": "Int64"}).to_string(index=False, na_rep="-", float_format="%.3f"))
    for sentence in group_sentences(found):
        say(sentence)


@app.command(epilog="Example: fmri-decoder predict run/model.safetensors bold.nii.gz -o predictions.tsv")
def predict(
    model: Model, image: Image, output: Output, runs: Runs = "", kind: Kind = "auto", tr: TR = None
) -> None:
    """Predict every volume of a scan with a trained model."""
    from napari_fmri_decoder.pipeline.predicting import predict as predict_series
    from napari_fmri_decoder.samples.opening import open_images
    from napari_fmri_decoder.training.bundle.bundle import load_bundle

    series = open_images(image, kind=kind, tr=tr, strict=False)
    table, notes = predict_series(load_bundle(model), series, numbers(runs), model.parent)
    output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(output, sep="\t", index=False, float_format="%.6g")
    say_notes(notes)
    counts = table["predicted"].value_counts()
    say(f"{output}: {len(table)} volumes; " + ", ".join(f"{n} {c}" for c, n in counts.items()) + ".")


@app.command(epilog="Example: fmri-decoder export run/model.safetensors -o model.onnx")
def export(model: Model, output: Output) -> None:
    """Write a trained model as an ONNX file, for programs without torch and this package.

    The ONNX model takes the voxels of the mask, cleaned as in training but not scaled, and returns the
    probability of each class. Its results are checked with onnxruntime before the file is written.
    """
    from napari_fmri_decoder.training.bundle.bundle import load_bundle
    from napari_fmri_decoder.training.bundle.onnx import export_onnx

    bundle = load_bundle(model)
    done = export_onnx(bundle, output)
    say(
        f"{done.path}: {bundle.space.n_features} voxels in, {len(bundle.classes)} probabilities out "
        f"({', '.join(bundle.classes)}); onnxruntime agrees with the model to {done.difference:.1g}."
    )


@app.command(epilog="Example: fmri-decoder script runs/haxby-lda -o haxby_lda.py")
def script(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    output: Output,
) -> None:
    """Write a finished run as a plain script of nilearn and scikit-learn, or torch for networks.

    The script does not need this program, and gives the same predictions. An option that it cannot express
    is refused by its name.
    """
    from napari_fmri_decoder.pipeline.script import write_script

    write_script(run, output)
    say(f"{output}: run it with python {output} PREDICTIONS.tsv")


def say_result(result: RunResult) -> None:
    """Print notes, audit findings and scores of a run, and the path of its report."""
    from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS, run_headline
    from napari_fmri_decoder.evaluation.palette import rgb

    say_notes(result.prepared.notes)
    for finding in result.scores.audit:
        say(f"{finding.severity.capitalize()}: {finding.message}")
    headline = run_headline(result.scores)
    say(headline.sentence)
    if result.scores.nuisance and (sentence := result.scores.nuisance.sentence):
        say(sentence)
    if headline.severity is not None:
        mark = SEVERITY_MARKS[headline.severity]
        typer.secho(headline.warning, fg=rgb(mark.text), bg=rgb(mark.background), bold=True)
    say(f"Report:  {result.folder / 'report.html'}")
