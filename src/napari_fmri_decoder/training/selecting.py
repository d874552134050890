"""Options chosen inside the training part: candidates are held against whole runs left out of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.options import explain
from napari_fmri_decoder.samples.splits import inner_folds

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.config import TrainingConfig
    from napari_fmri_decoder.training.events import FitEvent, Progress

NOT_CHOSEN = ("name", "select", "seed", "seeds", "threads", "device")
"""Options that say what is run and where, not how well it learns."""


def candidates(decoder: Decoder, config: TrainingConfig) -> list[tuple[Decoder, TrainingConfig, str]]:
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
                f"or of training ({', '.join(of_training)}); got {name!r}. Correct the name."
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


def choose(
    decoder: Decoder,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    space: Space,
    config: TrainingConfig,
    groups: NDArray[np.str_],
    seed: int,
) -> Generator[FitEvent | Progress, None, tuple[Decoder, TrainingConfig]]:
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
        What was chosen, and from how much.

    Returns
    -------
    decoder, config
        With the combination whose predictions of the left-out runs, all together, have the highest
        balanced accuracy; the first of equals.
    """
    from sklearn.metrics import balanced_accuracy_score

    from napari_fmri_decoder.training.events import FitDone, Note, Progress
    from napari_fmri_decoder.training.fit import fit, predict_proba

    options = candidates(decoder, config)
    folds = [(train, test) for train, test in inner_folds(groups) if len(np.unique(y[train])) > 1]
    if not folds:
        chosen, settings, text = options[0]
        yield Note(f"{text}: no run of the training part could be left out to choose it.")
        return chosen, settings
    scores = []
    for i, (candidate, settings, _) in enumerate(options):
        predicted, true = [], []
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
        scores.append(balanced_accuracy_score(np.concatenate(true), np.concatenate(predicted)))
    chosen, settings, text = options[int(np.argmax(scores))]
    yield Note(
        f"{text}: chosen from {len(options)} by {len(folds)} folds of runs in the training part "
        f"({max(scores):.3f} there)."
    )
    return chosen, settings


def _with(options: Any, values: Mapping[str, Any]) -> Any:
    """A copy with other values, each of them checked."""
    return type(options).model_validate(options.model_dump() | dict(values))
