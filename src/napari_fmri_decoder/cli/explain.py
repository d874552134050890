"""The command that writes maps of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_fmri_decoder.cli.app import app
from napari_fmri_decoder.cli.arguments import TR, Kind, Runs, numbers, pairs, say_notes, validated
from napari_fmri_decoder.cli.printing import say
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline.events import RunResult
    from napari_fmri_decoder.pipeline.explaining import Explained, Models


Layer = Annotated[str | None, typer.Option(help="A hidden convolution, such as conv1: --set layer=conv1.")]
Method = Annotated[str, typer.Option(help="How the maps are computed; an unknown name lists all methods.")]
Option = Annotated[
    list[str] | None, typer.Option("--set", help="An option of the method, NAME=VALUE; may be repeated.")
]
ModelsOption = Annotated[
    Literal["folds", "all"] | None,
    typer.Option(
        help="Without a scan: the mean over the models of the folds, or the model of all samples. "
        "[default: folds, if maps of different models correspond]"
    ),
]
OneVolume = Annotated[
    int | None, typer.Option(help="One volume, counted from 0. [default: the mean over all volumes]")
]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        help="Without a scan: the mean over held-out volumes that meet a condition, NAME=VALUE; may be "
        "repeated: label, predicted, run, outcome (right or wrong), at_least, at_most (probability).",
    ),
]
Minus = Annotated[
    list[str] | None, typer.Option("--minus", help="With --group: conditions of a group to subtract.")
]
WithProof = Annotated[
    bool,
    typer.Option(
        "--proof",
        help="Test whether the maps show what the models of the folds have learned; trains again. The "
        "results are printed and written next to the maps.",
    ),
]
LeaveOut = Annotated[
    str,
    typer.Option(
        help="With --proof: tests that are not made, separated by commas; an unknown one lists all."
    ),
]


@app.command(epilog="Example: fmri-decoder explain run --method pattern --models folds")
def explain(
    model: Annotated[
        Path, typer.Argument(help="Run folder, or a model file (model.safetensors) from a run folder.")
    ],
    image: Annotated[
        Path | None,
        typer.Argument(help="A scan to explain the model by. [default: the samples of the run]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Output file. [default: in the folder layers of the run]"),
    ] = None,
    layer: Layer = None,
    method: Method = "activation",
    option: Option = None,
    models: ModelsOption = None,
    volume: OneVolume = None,
    group: Conditions = None,
    minus: Minus = None,
    runs: Runs = "",
    kind: Kind = "auto",
    tr: TR = None,
    proof: WithProof = False,
    leave_out: LeaveOut = "",
) -> None:
    """Write maps that explain a model, in scanner space, and a JSON file that says what they are.

    Without a scan, the samples of the run are used: each sample is explained by the model that held it out,
    and methods that need training samples get those of each fold. With a scan, the model of the file
    explains its volumes. The default method gives the activation of each filter of a hidden layer.
    """
    from napari_fmri_decoder.explain import explainers
    from napari_fmri_decoder.pipeline.map_files import map_file_name, write_maps
    from napari_fmri_decoder.pipeline.run_files import LAYERS, is_run_folder

    _check(proof=proof, leave_out=leave_out, group=group, minus=minus, volume=volume, output=output)
    given = [*(option or []), *([] if layer is None else [f"layer={layer}"])]
    options = {"name": method, **pairs(given, explainers, method)}
    folder = model if model.is_dir() else model.parent
    of_run = image is None and (
        model.is_dir() or (is_run_folder(folder) and model.name == "model.safetensors")
    )
    result = None
    if of_run:
        result, explained = _explain_run(folder, options, volume, models, group, minus)
    else:
        given_for_run = {"--proof": proof, "--group": group, "--models": models}
        if wrong := [name for name, value in given_for_run.items() if value]:
            raise InputError(
                f"{wrong[0]} is for a run folder without a scan. Leave out the scan, or {wrong[0]}."
            )
        explained = _explain_file(model, image, options, volume, numbers(runs), kind, tr)
    if output is None:
        if not of_run:
            raise InputError(
                "-o, the output file, is missing. Add it, or explain a run folder without a scan."
            )
        output = folder / LAYERS / map_file_name(explained)
    written = write_maps(explained, output)[0]
    say_notes(explained.notes)
    names, shape = explained.maps.names, " x ".join(map(str, explained.maps.grid.shape))
    say(f"{written}: {len(names)} maps of {shape} voxels, {explained.source}.")
    if proof and result is not None:
        _prove(result, options, leave_out, written)


def _check(
    *,
    proof: bool,
    leave_out: str,
    group: list[str] | None,
    minus: list[str] | None,
    volume: int | None,
    output: Path | None,
) -> None:
    """Refuse options that do not fit together."""
    if leave_out and not proof:
        raise InputError("--leave-out requires --proof. Add --proof, or leave it out.")
    if minus and not group:
        raise InputError("--minus requires --group. Add the group that it is subtracted from.")
    if group and volume is not None:
        raise InputError("--group and --volume contradict each other. Use only one of them.")
    if group and output is None:
        raise InputError("-o, the output file, is missing; it is required with --group. Add it.")


def _explain_run(
    folder: Path,
    options: dict[str, Any],
    volume: int | None,
    models: Models | None,
    group: list[str] | None,
    minus: list[str] | None,
) -> tuple[RunResult, Explained]:
    """Explain the models of a run by its own samples."""
    from napari_fmri_decoder.explain import get_explainer
    from napari_fmri_decoder.explain.groups import Group
    from napari_fmri_decoder.pipeline.explaining import explain_run
    from napari_fmri_decoder.pipeline.grouping import explain_group
    from napari_fmri_decoder.pipeline.reopening import reopen

    if models is None:
        models = "folds" if get_explainer(options).over_folds else "all"
    result = reopen(folder)
    if group:
        first, other = (
            validated(Group, pairs(conditions, {"group": Group}, "group")) if conditions else None
            for conditions in (group, minus)
        )
        return result, explain_group(result, options, first or Group(), other, models)
    return result, explain_run(result, options, volume, models)


def _prove(result: RunResult, options: dict[str, Any], leave_out: str, image: Path) -> None:
    """Test the maps of a method by the models of the folds, and write the results next to the image."""
    from napari_fmri_decoder.cli.progress import follow_to_end
    from napari_fmri_decoder.explain.proof.config import ProofConfig
    from napari_fmri_decoder.pipeline.proving import prove_run, write_proof

    tests = [name.strip() for name in leave_out.split(",") if name.strip()]
    found = follow_to_end(prove_run(result, options, validated(ProofConfig, {"leave_out": tests})))
    path = write_proof(found, image)
    say(found.table())
    say(f"{path}: {found.line}")


def _explain_file(
    model: Path,
    image: Path | None,
    options: dict[str, Any],
    volume: int | None,
    runs: tuple[int, ...],
    kind: Any,
    tr: float | None,
) -> Explained:
    """Explain the model of a file by a scan; some methods need none."""
    from napari_fmri_decoder.pipeline.explaining import explain_bundle
    from napari_fmri_decoder.samples.opening import open_images
    from napari_fmri_decoder.training.bundle.bundle import load_bundle

    series = None if image is None else open_images(image, kind=kind, tr=tr, strict=False)
    return explain_bundle(load_bundle(model), series, options, volume=volume, runs=runs, home=model.parent)
