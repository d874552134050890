"""Fits as tasks: their names, and how completed folds are stored and read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import parse_json
from napari_fmri_decoder.samples.scaling import Scaler
from napari_fmri_decoder.training.augment_config import NO_AUGMENT
from napari_fmri_decoder.training.events import EpochDone, FittedModel, FoldResult, Quality
from napari_fmri_decoder.training.whitening import whitening_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.tasks.pool import Pool
    from napari_fmri_decoder.training.tasks.store import Arrays, TaskStore

_STATE = "state."
_LATER: dict[str, Any] = {
    "start": "random",
    "whiten": False,
    "calibrate": "none",
    "augment": NO_AUGMENT.model_dump(mode="json"),
}
"""Options that versions before the first release lack: at these values a task has the name that it had."""


@dataclass(frozen=True, slots=True, eq=False)
class Tasks:
    """Where tasks are stored, and the workers that run them; without workers, this process does.

    Attributes
    ----------
    store : TaskStore
        Also contains the samples if there are workers; see `TaskStore.write_samples`.
    pool : Pool or None
    """

    store: TaskStore
    pool: Pool | None = None


def task_name(
    kind: str, decoder: Decoder, config: ResolvedTraining, *, fold: int | None = None, permutation: str = "0"
) -> str:
    """Name of a task: its kind, decoder with options, seed, fold and permutation.

    Examples
    --------
    >>> from napari_fmri_decoder.decoders import get_decoder
    >>> from napari_fmri_decoder.training.config import TrainingConfig
    >>> dummy = get_decoder({"name": "dummy"})
    >>> task_name("fold", dummy, TrainingConfig().resolved(dummy), fold=3)[-27:]
    '-seed0-fold003-permutation0'
    """
    training = config.model_dump(mode="json", exclude={"seed", "seeds", "average"})
    parts = decoder.model_dump(mode="json"), training
    options = [{n: v for n, v in part.items() if n not in _LATER or v != _LATER[n]} for part in parts]
    marked = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]
    part = "" if fold is None else f"-fold{fold:03d}"
    return f"{kind}-{decoder.name}-{marked}-seed{config.seed}{part}-permutation{permutation}"


def pack_fold(result: FoldResult, notes: Sequence[str]) -> Arrays:
    """Convert a fold to arrays; see `unpack_fold`."""
    qualities = (
        result.train,
        result.test,
        result.untrained_train,
        result.untrained_test,
        result.untrained_validation,
    )
    return {
        "probabilities": result.probabilities,
        "train_probabilities": result.train_probabilities,
        "qualities": np.array([_numbers(q) for q in qualities]),
        **pack_history(result.history),
        **pack_model(result.model, notes),
    }


def unpack_fold(arrays: Arrays, fold: int, split: Split, decoder: Decoder) -> tuple[FoldResult, list[str]]:
    """Convert the arrays of `pack_fold` back to the fold and its notes."""
    model, notes = unpack_model(arrays, decoder)
    train, test, *before = (_quality(row) for row in arrays["qualities"])
    if train is None or test is None:
        raise KeyError("a fold without scores")
    result = FoldResult(
        fold=fold,
        split=split,
        probabilities=arrays["probabilities"],
        train_probabilities=arrays["train_probabilities"],
        train=train,
        test=test,
        untrained_train=before[0],
        untrained_test=before[1],
        model=model,
        history=tuple(unpack_history(arrays)),
        untrained_validation=before[2],
    )
    return result, notes


def pack_history(history: Sequence[EpochDone]) -> Arrays:
    """Convert the reported epochs to arrays; see `unpack_history`."""
    rows = [_numbers(e.train) + _numbers(e.test) + _numbers(e.validation) for e in history]
    return {
        "epochs": np.array([event.epoch for event in history], dtype=np.int64),
        "history": np.array(rows).reshape(-1, 6),
    }


def unpack_history(arrays: Arrays) -> list[EpochDone]:
    """Convert the arrays of `pack_history` back to epochs."""
    history = []
    for epoch, row in zip(arrays["epochs"].tolist(), arrays["history"], strict=True):
        learned = _quality(row[:2])
        if learned is not None:
            history.append(EpochDone(epoch, learned, _quality(row[2:4]), _quality(row[4:])))
    return history


def pack_model(model: FittedModel, notes: Sequence[str]) -> Arrays:
    """Convert a model to arrays; see `unpack_model`."""
    about: dict[str, Any] = {
        "notes": list(notes),
        "decoder": model.decoder.written(),  # with options that were selected in the fit
        "input_shape": model.input_shape,
        "n_classes": model.n_classes,
    }
    return {
        "about": np.array(json.dumps(about)),
        "scaler.mean": model.scaler.mean,
        "scaler.std": model.scaler.std,
        **({} if model.screened is None else {"chosen": model.screened}),
        **({} if model.whitening is None else model.whitening.arrays()),
        **{f"{_STATE}{name}": value for name, value in model.state.items()},
    }


def unpack_model(arrays: Arrays, decoder: Decoder) -> tuple[FittedModel, list[str]]:
    """Convert the arrays of `pack_model` back to the model and its notes."""
    try:
        about = parse_json(str(arrays["about"]), "The description of a task")
        return _unpacked(arrays, about, decoder)
    except (KeyError, TypeError, ValueError) as error:  # an InputError is a ValueError
        raise InputError(
            "A task in the folder of a run was changed after it was written; found: "
            f"{str(error)[:200].rstrip('.')}. Delete the folder `tasks`, or use a new folder."
        ) from error


def _unpacked(arrays: Arrays, about: dict[str, Any], decoder: Decoder) -> tuple[FittedModel, list[str]]:
    state = {n.removeprefix(_STATE): value for n, value in arrays.items() if n.startswith(_STATE)}
    scaler = Scaler(arrays["scaler.mean"], arrays["scaler.std"])
    shape, n_classes = tuple(about["input_shape"]), int(about["n_classes"])
    decoder = get_decoder(about["decoder"]) if "decoder" in about else decoder
    model = FittedModel(decoder, shape, n_classes, state, scaler, arrays.get("chosen"), whitening_of(arrays))
    return model, [str(note) for note in about["notes"]]


def _numbers(quality: Quality | None) -> tuple[float, float]:
    return (quality.loss, quality.accuracy) if quality else (np.nan, np.nan)


def _quality(row: NDArray[np.float64]) -> Quality | None:
    loss, accuracy = (float(value) for value in row)
    return None if np.isnan(accuracy) else Quality(loss, accuracy)
