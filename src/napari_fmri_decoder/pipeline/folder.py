"""The run folder: where a run keeps its recipe, scores, predictions, models, layers and report."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.diagnostics import fold_design, histogram
from napari_fmri_decoder.evaluation.gallery import run_figures
from napari_fmri_decoder.evaluation.report import NO_FIGURES, write_report
from napari_fmri_decoder.evaluation.scores import Scores, history_table, predictions_table
from napari_fmri_decoder.pipeline.pairing import COLUMNS, pairing_cells
from napari_fmri_decoder.pipeline.resume import ENDED, has_begun
from napari_fmri_decoder.recipe import Recipe, input_files
from napari_fmri_decoder.samples.masks.intensity import FloorsMask, moments
from napari_fmri_decoder.training.bundle import Bundle, file_hash, save_bundle, versions
from napari_fmri_decoder.training.durable import bring_to_disk, make_folder
from napari_fmri_decoder.training.store import write_text
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.null import PermutationsDone
    from napari_fmri_decoder.samples.pairing import PairingRow
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.events import FittedModel, FoldResult

SCORES = ENDED


def claim(folder: Path, *, resume: bool = False) -> None:
    """Make a run folder, or take an empty one, or one to go on with.

    Parameters
    ----------
    folder : Path
    resume : bool
        Whether tasks and scores may lie there; see `open_store`.

    Raises
    ------
    InputError
        If another run lies there, or nothing can be written.
    """
    if not resume and has_begun(folder) and not (folder / SCORES).exists():
        raise InputError(
            f"A run needs a folder of its own, but {folder} holds one that has not ended. "
            "Go on with it (--resume), choose another folder, or move that one away."
        )
    if not resume and (folder / SCORES).exists():
        raise InputError(
            f"A run needs a folder of its own, but {folder} holds the scores of another. "
            "Choose another folder, or move that one away."
        )
    try:
        make_folder(folder)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"A run folder must be writable, but {folder} is not: {error.strerror}. Choose another folder."
        ) from error


def write_recipe(folder: Path, recipe: Recipe) -> str:
    """Write the resolved recipe, with which a run can be gone on with, or repeated; return its text."""
    text = recipe.to_toml()
    write_text(folder / "recipe.toml", text)
    return text


def hashes_of_inputs(folder: Path, recipe: Recipe) -> dict[str, str]:
    """SHA-256 of the files that a run of `recipe` reads, whose paths start from `folder`."""
    return {str(path): file_hash(path) for path in input_files(recipe, folder)}


def write_results(
    folder: Path,
    *,
    recipe: Recipe,
    samples: Samples,
    splits: Sequence[Split],
    folds: Sequence[FoldResult],
    scores: Scores,
    model: FittedModel,
    notes: Sequence[str],
    pairing: Sequence[PairingRow] = (),
    permutations: PermutationsDone | None,
    series: Volume,
    hashes: dict[str, str],
    step: float | None = None,
) -> None:
    """Write everything; `scores.json` comes last, so that a folder that has it is whole, on the disk too.

    The recipe's paths start from `folder`. `hashes` and `step` are those of `Bundle`.
    """
    text = write_recipe(folder, recipe)
    tables = folder / "predictions.tsv", folder / "history.tsv"
    _write_table(predictions_table(folds, samples), tables[0])
    _write_table(history_table(folds), tables[1])
    known = versions()

    def keep(fitted: FittedModel, path: Path) -> None:
        save_bundle(Bundle(fitted, samples.space, samples.classes, text, known, hashes, step), path)

    keep(model, folder / "model.safetensors")
    for result in folds:
        keep(result.model, folder / "folds" / f"{result.fold:02d}.safetensors")
    layers = write_layers(folder / "layers", model, samples)
    figures = _figures(recipe, samples, splits, folds, scores, permutations=permutations, series=series)
    report = write_report(
        folder,
        scores=scores,
        figures=figures,
        title=f"{recipe.decoder.name}: {', '.join(samples.classes[:4])}"
        + (f" and {len(samples.classes) - 4} more" if len(samples.classes) > 4 else ""),
        recipe=text,
        notes=notes,
        pairing=(COLUMNS, pairing_cells(pairing)) if pairing else None,
        versions=known,
        absent=list(filter(None, [recipe.decoder.no_curves if recipe.report.formats else NO_FIGURES])),
        formats=recipe.report.formats,
    )
    bring_to_disk([*tables, *layers, *(folder / "figures").glob("*.*"), report])
    content = json.dumps(scores.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / SCORES, content + "\n")


def _figures(
    recipe: Recipe,
    samples: Samples,
    splits: Sequence[Split],
    folds: Sequence[FoldResult],
    scores: Scores,
    *,
    permutations: PermutationsDone | None,
    series: Volume,
) -> dict[str, Figure]:
    """Draw what the report shows; nothing, without loading matplotlib, where no figures are asked for."""
    if not recipe.report.formats:
        return {}
    mean, std = moments(series)
    mask = recipe.data.mask
    floors = mask.floors(mean, std) if isinstance(mask, FloorsMask) else (None, None)
    return run_figures(
        samples,
        splits,
        folds,
        scores,
        permutations=permutations,
        voxels=(
            histogram(mean[mean != 0], floor=floors[0] or None),
            histogram(std[mean != 0], floor=floors[1] or None),
        ),
        seed=recipe.training.seed,
        design=fold_design(splits, samples, recipe.decoder, recipe.training),
    )


def write_layers(folder: Path, model: FittedModel, samples: Samples) -> list[Path]:
    """Write what a viewer lays over the anatomy, in scanner space.

    Written are the mask of the voxels that were decoded, and for each hidden convolution of the
    model that was fitted on all samples one image per filter: its answer, averaged over samples.

    Returns
    -------
    list of Path
    """
    mask = Volume(
        samples.space.mask.astype(np.uint8), samples.space.grid.affine, "mask", name="decoded voxels"
    )
    paths = [write(mask, folder / "mask.nii.gz")]
    if not isinstance(model.decoder, NetworkDecoder):
        return paths
    from napari_fmri_decoder.explain.activations import activations, hidden_layers, layer_grid

    for name in hidden_layers(model):
        grid = layer_grid(model, name, samples.space)
        total = np.zeros(0)
        for rows in np.array_split(np.arange(len(samples.X)), max(1, len(samples.X) // 64)):
            part = activations(model, samples.X[rows], samples.space, name).sum(axis=0, dtype=np.float64)
            total = part if not total.size else total + part
        maps = np.moveaxis(total / len(samples.X), 0, -1).astype(np.float32)
        filters = tuple(f"{name} filter {i}" for i in range(maps.shape[-1]))
        layer = Volume(maps, grid.affine, "stat", None, filters, f"{model.decoder.name} {name}")
        paths.append(write(layer, folder / f"{model.decoder.name}_{name}.nii.gz"))
    return paths


def _write_table(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", index=False, na_rep="n/a", float_format="%.6g")
