"""The run folder: recipe, scores, predictions, models, layers and report of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.atomic_files import flush_to_disk, make_folder
from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.all_figures import decoded_voxels, run_figures
from napari_fmri_decoder.evaluation.finished_run import NULL, null_table
from napari_fmri_decoder.evaluation.fold_design import fold_design
from napari_fmri_decoder.evaluation.histograms import histogram
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.evaluation.report import NO_FIGURES, Methods, interactive_map, write_report
from napari_fmri_decoder.pipeline.explaining import linear_maps
from napari_fmri_decoder.pipeline.map_files import map_file_name, write_maps
from napari_fmri_decoder.pipeline.methods import bibtex, methods_table, methods_text, statements
from napari_fmri_decoder.pipeline.pairing import COLUMNS, pairing_cells
from napari_fmri_decoder.pipeline.resume import ENDED, has_begun
from napari_fmri_decoder.pipeline.run_files import VOLUMES
from napari_fmri_decoder.recipe import Recipe, input_files
from napari_fmri_decoder.samples.masks.intensity import FloorsMask
from napari_fmri_decoder.training.bundle.bundle import Bundle, file_hash, save_bundle, versions
from napari_fmri_decoder.training.tasks.store import write_text
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.histograms import Histogram
    from napari_fmri_decoder.evaluation.permutations import PermutationsDone
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.pipeline.explaining import Explained
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.pairing import PairingRow
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.events import FittedModel, FoldResult
    from napari_fmri_decoder.volumes.moments import Moments

SCORES = ENDED


def claim_run_folder(folder: Path, *, resume: bool = False) -> None:
    """Create a run folder, or check that an existing one can be used.

    Parameters
    ----------
    folder : Path
    resume : bool
        Whether the folder may contain tasks and scores; see `open_store`.

    Raises
    ------
    InputError
        If the folder contains another run, or is not writable.
    """
    if not resume and has_begun(folder) and not (folder / SCORES).exists():
        raise InputError(
            f"Folder {folder} already contains a run, which is not complete. Resume that run (--resume), "
            "choose another folder, or move it away."
        )
    if not resume and (folder / SCORES).exists():
        raise InputError(
            f"Folder {folder} already contains a run. Choose another folder, or move that run away."
        )
    try:
        make_folder(folder)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"Folder {folder} must be writable, but it is not: {error.strerror}. Choose another folder."
        ) from error


def write_recipe(folder: Path, recipe: Recipe) -> str:
    """Write the resolved recipe, by which a run can be resumed or repeated; return its text."""
    text = recipe.to_toml()
    write_text(folder / "recipe.toml", text)
    return text


def hashes_of_inputs(folder: Path, recipe: Recipe) -> dict[str, str]:
    """SHA-256 of the files that a run of `recipe` reads; its paths are relative to `folder`."""
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
    moments: Moments | None,
    below: Volume | None = None,
    hashes: dict[str, str],
    step: float | None = None,
    treatment: str = "",
    table: pd.DataFrame | None = None,
) -> None:
    """Write all files; `scores.json` is last, so that a folder that contains it is complete.

    The recipe's paths are relative to `folder`. For `hashes` and `step` see `Bundle`;
    `below` is drawn below the decoded voxels; `treatment` says what was done to the data;
    `table` has label and run of each volume.
    """
    text = write_recipe(folder, recipe)
    tables: tuple[Path, ...] = folder / "predictions.tsv", folder / "history.tsv"
    _write_table(predictions_table(folds, samples), tables[0])
    _write_table(history_table(folds), tables[1])
    if table is not None:
        tables = (*tables, folder / VOLUMES)
        _write_table(table, folder / VOLUMES)
    if permutations is not None:
        tables = (*tables, folder / NULL)
        _write_table(null_table(permutations.scores), folder / NULL)
    known = versions()

    def save_model(fitted: FittedModel, path: Path) -> None:
        save_bundle(Bundle(fitted, samples.space, samples.classes, text, known, hashes, step), path)

    save_model(model, folder / "model.safetensors")
    for result in folds:
        save_model(result.model, folder / "folds" / f"{result.fold:02d}.safetensors")
    linear = linear_maps(model, samples)
    layers = write_layers(folder / "layers", model, samples, linear)
    figures = _figures(
        recipe,
        samples,
        splits,
        folds,
        scores,
        permutations=permutations,
        moments=moments,
        below=below,
        pattern=next((one.volume for one in linear if one.method.name == "pattern"), None),
    )
    written = statements(recipe, scores)
    texts = folder / "methods.txt", folder / "methods.bib"
    write_text(texts[0], methods_text(written) + "\n")
    write_text(texts[1], bibtex(written))
    missing = recipe.decoder.no_curves if recipe.report.formats else NO_FIGURES
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
        missing_figures=[missing] if missing else [],
        formats=recipe.report.formats,
        maps=_maps([decoded_voxels(samples.space)], below) if figures else {},
        treatment=treatment,
        methods=Methods(methods_text(written), methods_table(written)),
    )
    flush_to_disk([*tables, *layers, *(folder / "figures").glob("*.*"), report])
    content = json.dumps(scores.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / SCORES, content + "\n")


def _maps(images: Sequence[Volume], below: Volume | None) -> dict[str, str]:
    """Interactive maps of the report over the anatomy or the mean, by their names."""
    if below is None:
        return {}
    pages = {image.name: interactive_map(image, below) for image in images}
    return {name: page for name, page in pages.items() if page}


def _figures(
    recipe: Recipe,
    samples: Samples,
    splits: Sequence[Split],
    folds: Sequence[FoldResult],
    scores: Scores,
    *,
    permutations: PermutationsDone | None,
    moments: Moments | None,
    below: Volume | None,
    pattern: Volume | None,
) -> dict[str, Figure]:
    """Draw the figures of the report; none, without loading matplotlib, if no figures are requested."""
    if not recipe.report.formats:
        return {}
    return run_figures(
        samples,
        splits,
        folds,
        scores,
        permutations=permutations,
        voxels=_voxel_histograms(moments, recipe.data.mask) if moments is not None else None,
        seed=recipe.training.seed,
        design=fold_design(splits, samples, recipe.decoder, recipe.training),
        below=below,
        pattern=pattern,
    )


def _voxel_histograms(moments: Moments, mask: MaskConfig | None) -> tuple[Histogram, Histogram]:
    """Count the voxels that are not empty by their mean and by their standard deviation."""
    mean, std = moments
    floors = mask.floors(mean, std) if isinstance(mask, FloorsMask) else (None, None)
    filled = mean != 0
    return (
        histogram(mean[filled], floor=floors[0] or None),
        histogram(std[filled], floor=floors[1] or None),
    )


def write_layers(
    folder: Path, model: FittedModel, samples: Samples, linear: Sequence[Explained]
) -> list[Path]:
    """Write the layers that a viewer shows over the anatomy, in scanner space.

    These are the mask of the decoded voxels, and of the model that was fitted on all samples: for each
    hidden convolution one image per filter, its activation averaged over samples; or weights and pattern of
    a linear decoder, one image per class.

    Returns
    -------
    list of Path
    """
    paths = [write(decoded_voxels(samples.space), folder / "mask.nii.gz")]
    for explained in linear:
        paths += write_maps(explained, folder / map_file_name(explained))
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
