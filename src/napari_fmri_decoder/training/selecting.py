"""Options chosen inside the training part: candidates are held against whole runs left out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from napari_fmri_decoder.errors import DivergedError, InputError
from napari_fmri_decoder.samples.options import explain, shown
from napari_fmri_decoder.samples.splits import inner_folds
from napari_fmri_decoder.text import shortened

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.samples.splits import Indices
    from napari_fmri_decoder.training.config import TrainingConfig
    from napari_fmri_decoder.training.events import FitEvent

Candidate = tuple["Decoder", "TrainingConfig", str]

MOST = 1000
"""Combinations that are fitted in each training part."""
NOT_CHOSEN = ("name", "select", "seed", "seeds", "threads", "device")
"""Options that say what is run and where, not how well it learns."""


def candidates(decoder: Decoder, config: TrainingConfig) -> list[Candidate]:
    """Every combination of what ``config.select`` names, in its order.

    Parameters
    ----------
    decoder : Decoder
    config : TrainingConfig

    Returns
    -------
    list of (decoder, config, text)
        With one combination put in; `text` says which: "hidden = 100, weight_decay = 0.01".

    Raises
    ------
    InputError
        If a name is no option of the decoder or of training, or a value is not valid for it.

    Examples
    --------
    >>> from napari_fmri_decoder.decoders import get_decoder
    >>> from napari_fmri_decoder.training.config import TrainingConfig
    >>> config = TrainingConfig(select={"hidden": (10, 30), "weight_decay": (0.0, 0.1)})
    >>> [text for _, _, text in candidates(get_decoder({"name": "mlp"}), config)][1]
    'hidden = 10, weight_decay = 0.1'
    """
    of_decoder = [n for n in type(decoder).model_fields if n not in NOT_CHOSEN]
    of_training = [n for n in type(config).model_fields if n not in NOT_CHOSEN]
    for name in config.select:
        if name not in of_decoder + of_training:
            raise InputError(
                f"What select chooses must be options of {decoder.name} ({', '.join(of_decoder) or 'none'}) "
                f"or of training ({', '.join(of_training)}); got {shown(name)}. Correct the name."
            )
    total = math.prod(len(values) for values in config.select.values())
    if total > MOST:
        counts = " x ".join(f"{len(values)} of {name}" for name, values in config.select.items())
        raise InputError(
            f"What select names must have at most {MOST} combinations, as each is fitted in each fold; got "
            f"{total} ({shortened(counts, 200)}). Give fewer candidates, such as 3 of each option."
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


def trials(
    decoder: Decoder, config: TrainingConfig, y: NDArray[np.int64], groups: NDArray[np.str_]
) -> tuple[list[Candidate], list[tuple[Indices, Indices]]]:
    """All that `choose` fits in a training part: each candidate in each fold.

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
    folds : list of (training, left out) rows
        Those whose training rows are of two classes or more; empty where no run can be left out,
        and then the first candidate is taken.
    """
    folds = [(train, test) for train, test in inner_folds(groups) if len(np.unique(y[train])) > 1]
    return candidates(decoder, config), folds


def choose(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    config: TrainingConfig,
    groups: NDArray[np.str_],
    seed: int,
) -> Generator[FitEvent, None, tuple[Decoder, TrainingConfig]]:
    """Choose options by leaving out runs within a training part.

    Parameters
    ----------
    decoder : Decoder
    X, y, n_classes, space, config, seed
        See `fit`: the training part alone.
    groups : (n,) str array
        The run of each sample.

    Yields
    ------
    Progress
        Again and again, as places to stop.
    Note
        Which candidates diverged; what was chosen, and from how much.

    Returns
    -------
    decoder, config
        With the combination whose predictions of the left-out runs, all together, have the highest
        balanced accuracy; the first of equals. One whose loss does not stay finite is behind all
        others.

    Raises
    ------
    DivergedError
        If the loss of no candidate stays finite.
    """
    from sklearn.metrics import balanced_accuracy_score

    from napari_fmri_decoder.training.events import FitDone, Note, Progress
    from napari_fmri_decoder.training.fit import fit, predict_proba

    options, folds = trials(decoder, config, y, groups)
    if not folds:
        chosen, settings, text = options[0]
        yield Note(f"{text}: no run of the training part could be left out to choose it.")
        return chosen, settings
    scores: list[float] = []
    why = ""
    for i, (candidate, settings, text) in enumerate(options):
        predicted, true = [], []
        try:
            for j, (train, test) in enumerate(folds):
                here = Progress("choosing options", i * len(folds) + j, len(options) * len(folds))
                fitting = fit(
                    candidate, X[train], y[train], n_classes, space, settings, seed=seed, groups=groups[train]
                )
                with closing(fitting) as events:
                    for event in events:
                        if isinstance(event, FitDone):
                            of_test = predict_proba(
                                event.model, X[test], space, device=settings.device, threads=settings.threads
                            )
                            predicted.append(of_test.argmax(axis=1))
                        yield here
                true.append(y[test])
        except DivergedError as error:
            why = str(error)
            scores.append(-np.inf)
        else:
            scores.append(balanced_accuracy_score(np.concatenate(true), np.concatenate(predicted)))
        if scores[-1] == -np.inf:
            yield Note(f"{text}: not to be chosen, because with it the loss does not stay finite.")
    if max(scores) == -np.inf:
        raise DivergedError(f"None of the {len(options)} candidates of select can be learned with. {why}")
    chosen, settings, text = options[int(np.argmax(scores))]
    yield Note(
        f"{text}: chosen from {len(options)} by {len(folds)} folds of runs in the training part "
        f"({max(scores):.3f} there)."
    )
    return chosen, settings


def _with(options: Any, values: Mapping[str, Any]) -> Any:
    """A copy with other values, each of them checked."""
    return type(options).model_validate(options.model_dump() | dict(values))
