"""Options selected inside the training set: candidates are compared on whole runs held out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import ValidationError

from napari_fmri_decoder.errors import DivergedError, InputError
from napari_fmri_decoder.options import Options, explain, shown
from napari_fmri_decoder.text import shortened
from napari_fmri_decoder.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.samples.splits import Indices
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.events import FitEvent

AnyOptions = TypeVar("AnyOptions", bound=Options)
Training = TypeVar("Training", bound=TrainingConfig)

MOST = 1000
"""Most combinations that are fitted in each training set."""
NOT_SELECTABLE = ("name", "select", "augment", "calibrate", "seed", "seeds", "average", "threads", "device")
"""Options that decide what is run and where, not how well it is trained."""


def candidates(decoder: Decoder, config: Training) -> list[tuple[Decoder, Training, str]]:
    """Every combination of the candidates in ``config.select``, in its order.

    Parameters
    ----------
    decoder : Decoder
    config : TrainingConfig

    Returns
    -------
    list of (decoder, config, text)
        With one combination set; `text` names it: "hidden = 100, weight_decay = 0.01".

    Raises
    ------
    InputError
        If a name is not an option of the decoder or of training, or a value is not valid for it.

    Examples
    --------
    >>> from napari_fmri_decoder.decoders import get_decoder
    >>> from napari_fmri_decoder.training.config import TrainingConfig
    >>> config = TrainingConfig(select={"hidden": (10, 30), "weight_decay": (0.0, 0.1)})
    >>> [text for _, _, text in candidates(get_decoder({"name": "mlp"}), config)][1]
    'hidden = 10, weight_decay = 0.1'
    """
    of_decoder = [n for n in type(decoder).model_fields if n not in NOT_SELECTABLE]
    of_training = [n for n in type(config).model_fields if n not in NOT_SELECTABLE]
    for name in config.select:
        if name not in of_decoder + of_training:
            raise InputError(
                f"The names in select must be options of {decoder.name} ({', '.join(of_decoder) or 'none'}) "
                f"or of training ({', '.join(of_training)}), got {shown(name)}. Correct the name."
            )
    total = math.prod(len(values) for values in config.select.values())
    if total > MOST:
        counts = " x ".join(f"{len(values)} of {name}" for name, values in config.select.items())
        raise InputError(
            f"The candidates of select must have at most {MOST} combinations, because each is fitted in each "
            f"fold; got {total} ({shortened(counts, 200)}). Give fewer candidates, such as 3 of each option."
        )
    found = []
    for values in product(*config.select.values()):
        given = dict(zip(config.select, values, strict=True))
        text = ", ".join(f"{name} = {value}" for name, value in given.items())
        try:
            found.append(
                (
                    _with(decoder, {n: v for n, v in given.items() if n in of_decoder}),
                    _with(config, {n: v for n, v in given.items() if n not in of_decoder} | {"select": {}}),
                    text,
                )
            )
        except ValidationError as error:
            raise InputError(
                f"Values of select must be valid for their options; {text}: {explain(error)}. Correct it."
            ) from error
    return found


def selecting(decoder: Decoder, config: ResolvedTraining, groups: NDArray[np.str_]) -> ResolvedTraining:
    """Have the options that a decoder would select itself selected by `select_options`, where that matters.

    A decoder selects among samples that are already screened and whitened by the labels of the whole training
    set. Where the settings screen or whiten, each inner fold must do so without the runs that it holds out.

    Parameters
    ----------
    decoder : Decoder
    config : ResolvedTraining
    groups : (n,) str array
        The run of each sample of the training set.

    Returns
    -------
    ResolvedTraining
        With the candidates of the decoder in `select`, if it selects options and runs can be held out.
    """
    from napari_fmri_decoder.decoders.base import EstimatorDecoder

    uses_labels = bool(config.screening) or config.whiten or bool(config.select)
    if not isinstance(decoder, EstimatorDecoder) or not uses_labels or len(np.unique(groups)) < 2:
        return config
    return config.model_copy(update={"select": decoder.nested_options() | config.select})


def trials(
    decoder: Decoder, config: ResolvedTraining, y: NDArray[np.int64], groups: NDArray[np.str_]
) -> tuple[list[tuple[Decoder, ResolvedTraining, str]], list[tuple[Indices, Indices]]]:
    """All fits of `select_options` in a training set: each candidate in each fold.

    Parameters
    ----------
    decoder, config
        See `candidates`.
    y : (n,) int64 array
    groups : (n,) str array
        The run of each sample.

    Returns
    -------
    options : list of (decoder, config, text)
    folds : list of (training, held out) rows
        Those whose training rows have two or more classes; empty if no run can be held out, and then the
        first candidate is used.
    """
    from napari_fmri_decoder.samples.splits import inner_folds

    folds = [(train, test) for train, test in inner_folds(groups) if len(np.unique(y[train])) > 1]
    return candidates(decoder, config), folds


def select_options(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    config: ResolvedTraining,
    groups: NDArray[np.str_],
    seed: int,
) -> Steps[FitEvent, tuple[Decoder, ResolvedTraining]]:
    """Select options by holding out runs within a training set.

    Parameters
    ----------
    decoder : Decoder
    X, y, n_classes, space, config, seed
        See `fit`: the training set alone.
    groups : (n,) str array
        The run of each sample.

    Yields
    ------
    Progress
        At each step, as a place to stop.
    Note
        Which candidates diverged; which was selected, and from how many.

    Returns
    -------
    decoder, config
        With the combination whose predictions of the held-out runs, all together, have the highest
        balanced accuracy; the first of equals. One whose loss does not stay finite ranks last.

    Raises
    ------
    DivergedError
        If the loss of no candidate stays finite.
    """
    from napari_fmri_decoder.training.events import Note, Progress

    options, folds = trials(decoder, config, y, groups)
    if not folds:
        selected, settings, text = options[0]
        yield Note(f"{text}: no run of the training set could be held out to select it.")
        return selected, settings
    scores: list[float] = []
    reason = ""
    for i, (candidate, settings, text) in enumerate(options):
        fits = _score(candidate, X, y, n_classes, space, settings, groups, seed, folds)
        try:
            with closing(fits):
                while True:
                    done = i * len(folds) + next(fits)
                    yield Progress("selecting options", done, len(options) * len(folds))
        except StopIteration as end:
            scores.append(end.value)
        except DivergedError as error:
            reason = str(error)
            scores.append(-np.inf)
            yield Note(f"{text}: not selected, because its loss does not stay finite.")
    if max(scores) == -np.inf:
        raise DivergedError(f"The loss stays finite for none of the {len(options)} candidates. {reason}")
    selected, settings, text = options[int(np.argmax(scores))]
    yield Note(
        f"{text}: selected from {len(options)} candidates by {len(folds)} folds of runs in the training set "
        f"({max(scores):.3f} there)."
    )
    return selected, settings


def _score(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    settings: ResolvedTraining,
    groups: NDArray[np.str_],
    seed: int,
    folds: Sequence[tuple[Indices, Indices]],
) -> Steps[int, float]:
    """Balanced accuracy of one candidate on the held-out runs; yields the fold at each step."""
    from sklearn.metrics import balanced_accuracy_score

    from napari_fmri_decoder.training.events import FitDone
    from napari_fmri_decoder.training.fit import fit
    from napari_fmri_decoder.training.predict import predict_proba

    predicted, true = [], []
    for fold, (train, test) in enumerate(folds):
        part, runs = (X[train], y[train]), groups[train]
        fitting = fit(decoder, *part, n_classes, space, settings, seed=seed, groups=runs)
        with closing(fitting) as events:
            for event in events:
                if isinstance(event, FitDone):
                    of_test = predict_proba(
                        event.model, X[test], space, device=settings.device, threads=settings.threads
                    )
                    predicted.append(of_test.argmax(axis=1))
                yield fold
        true.append(y[test])
    return float(balanced_accuracy_score(np.concatenate(true), np.concatenate(predicted)))


def _with(options: AnyOptions, values: Mapping[str, object]) -> AnyOptions:
    """Copy options with other values, each of them checked."""
    return type(options).model_validate(options.model_dump() | dict(values))
