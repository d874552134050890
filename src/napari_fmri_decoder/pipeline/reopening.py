"""From a run folder and its images back to the result of the run, as it was after training."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.pipeline.events import RunResult
from napari_fmri_decoder.pipeline.inputs import MODEL
from napari_fmri_decoder.pipeline.preparing import prepare_steps
from napari_fmri_decoder.pipeline.resume import TASKS
from napari_fmri_decoder.pipeline.run_files import FOLDS
from napari_fmri_decoder.pipeline.saved_run import read_saved_run
from napari_fmri_decoder.recipe import rebased
from napari_fmri_decoder.training.averaging import averaged_folds, voting_seeds
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.events import EpochDone, FoldResult, Quality
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.training.tasks.tasks import task_name, unpack_fold

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.evaluation.scores import FoldScore
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.pipeline.events import Prepared
    from napari_fmri_decoder.pipeline.preparing import Watch
    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.events import FittedModel, Progress


def reopen(folder: str | Path) -> RunResult:
    """Open a finished run for a notebook; see `reopen_steps`.

    Parameters
    ----------
    folder : str or Path
        The run folder.

    Raises
    ------
    InputError
        If it contains no finished run, or its images are missing or are not those of the run.
    """
    return run_to_end(reopen_steps(read_saved_run(Path(folder))))


def reopen_steps(
    saved: SavedRun, recipe: Recipe | None = None, watch: Watch | None = None
) -> Steps[Progress | None, RunResult]:
    """Prepare the samples of a saved run again, and add its models, scores and predictions.

    Nothing is trained.

    Parameters
    ----------
    saved : SavedRun
    recipe : Recipe, optional
        Its recipe with the paths at which the images are now, absolute.
    watch : callable, optional
        See `prepare_steps`.

    Yields
    ------
    Progress or None
        Where the work can stop.

    Returns
    -------
    RunResult
        As after training. Predictions come from the stored folds, or else from predictions.tsv.

    Raises
    ------
    InputError
        If images, labels or mask are missing, or are not those of the run.
    """
    prepared = yield from prepare_steps(recipe or saved.recipe, saved.folder, watch, refuse=False)
    return (yield from _complete(saved, prepared))


def _complete(saved: SavedRun, prepared: Prepared) -> Steps[None, RunResult]:
    bundle = load_bundle(saved.folder / MODEL)
    space = prepared.samples.space
    same = bundle.space.grid.same_as(space.grid) and np.array_equal(bundle.space.mask, space.mask)
    if not same or bundle.classes != prepared.samples.classes:
        raise _differs("the voxels" if not same else "the classes")
    folds = []
    if len(prepared.splits) != len(saved.scores.folds):
        raise _differs("the number of folds")
    for score, split in zip(saved.scores.folds, prepared.splits, strict=True):
        folds.append(_fold(saved, prepared, score, split))
        yield
    as_run = replace(
        prepared,
        recipe=rebased(prepared.recipe, saved.folder, saved.folder),
        findings=saved.scores.audit,
        notes=saved.scores.notes or prepared.notes,
    )
    return RunResult(saved.folder, as_run, tuple(folds), saved.scores, bundle.model, saved.permutations)


def _fold(saved: SavedRun, prepared: Prepared, score: FoldScore, split: Split) -> FoldResult:
    """Read a fold: exactly, if its task is still in the folder; otherwise from tables and its model."""
    rows = saved.predictions[saved.predictions["fold"] == score.fold]
    held_out = prepared.samples.table.iloc[split.test]
    if rows["volume"].tolist() != held_out["volume"].tolist():
        raise _differs(f"the volumes of fold {score.fold}")
    if rows["true"].tolist() != held_out["label"].tolist():
        raise _differs(f"the labels of fold {score.fold}")
    recipe = saved.recipe
    config = recipe.training.resolved(recipe.decoder)
    networks = []
    for seed in voting_seeds(recipe.decoder, config):
        of_seed = config.model_copy(update={"seed": seed})
        name = task_name("fold", recipe.decoder, of_seed, fold=score.fold)
        arrays = TaskStore(saved.folder / TASKS).read(name)
        if arrays is None:
            break
        networks.append([unpack_fold(arrays, score.fold, split, recipe.decoder)[0]])
    else:
        (fold,) = networks[0] if len(networks) == 1 else averaged_folds(networks, prepared.samples.y)
        if len(fold.probabilities) == len(split.test) and len(fold.train_probabilities) == len(split.train):
            return fold
    model = load_bundle(saved.folder / FOLDS / f"{score.fold:02d}.safetensors").model
    return _fold_of_tables(saved, prepared, score, split, model, rows)


def _fold_of_tables(
    saved: SavedRun,
    prepared: Prepared,
    score: FoldScore,
    split: Split,
    model: FittedModel,
    rows: pd.DataFrame,
) -> FoldResult:
    samples = prepared.samples
    validated = saved.recipe.training.resolved(saved.recipe.decoder).validation != "none"
    untrained, history = _history(saved.history[saved.history["fold"] == score.fold], validated=validated)
    return FoldResult(
        fold=score.fold,
        split=split,
        probabilities=rows[[f"p_{name}" for name in samples.classes]].to_numpy(np.float32),
        train_probabilities=predict_proba(model, samples.X[split.train], samples.space),
        train=Quality(score.train_loss, score.train_accuracy),
        test=Quality(score.loss, score.accuracy),
        untrained_train=untrained.train if untrained else None,
        untrained_test=untrained.test if untrained else None,
        model=model,
        history=history,
        untrained_validation=untrained.validation if untrained else None,
    )


def _history(rows: pd.DataFrame, *, validated: bool) -> tuple[EpochDone | None, tuple[EpochDone, ...]]:
    """Return epoch 0, if there is one, and the other epochs of a fold."""
    epochs = []
    numbers = rows[["loss", "accuracy", "val_loss", "val_accuracy"]].to_numpy(float)
    for epoch, row in zip(rows["epoch"].tolist(), numbers.tolist(), strict=True):
        watched = None if math.isnan(row[2]) else Quality(row[2], row[3])
        test, validation = (None, watched) if validated else (watched, None)
        epochs.append(EpochDone(epoch, Quality(row[0], row[1]), test, validation))
    untrained = epochs[0] if epochs and epochs[0].epoch == 0 else None
    return untrained, tuple(epochs[1:] if untrained else epochs)


def _differs(what: str) -> InputError:
    return InputError(
        f"The images, labels and mask must be those of the run, but {what} differ. Choose the folder of the "
        "original files, or train again."
    )
