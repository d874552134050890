"""The linear model with whole runs left out: what stands beside the score of a split that parts runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.null import BASELINES, Progress
from napari_fmri_decoder.evaluation.scores import headline_of, score_folds
from napari_fmri_decoder.samples.splits import Split, SplitConfig, make_splits
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.config import TrainingConfig


def parts_runs(samples: Samples, splits: Sequence[Split]) -> bool:
    """Whether a run stands in both parts of a split, as in a random one."""
    groups = samples.groups
    return any(np.isin(groups[split.test], groups[split.train]).any() for split in splits)


def baseline_by_run(
    samples: Samples, splits: Sequence[Split], config: TrainingConfig
) -> Generator[Progress, None, float | None]:
    """Score the linear baseline with each run left out in turn, where the splits part runs.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
        Of the analysis that it stands beside.
    config : TrainingConfig
        Seed and threads are taken from it.

    Yields
    ------
    Progress

    Returns
    -------
    float or None
        The headline score; None where no run is parted, or runs cannot be left out (there is one, or
        a class lies in one alone).
    """
    if not parts_runs(samples, splits):
        return None
    try:
        whole = make_splits(SplitConfig(), samples.table)
    except InputError:
        return None
    settings = config.model_copy(update={"select": {}})  # names options of the decoder
    results = []
    for event in cross_validate(get_decoder(BASELINES["linear"]), samples, whole, settings):
        if isinstance(event, FoldDone):
            results.append(event.result)
        yield Progress("linear baseline with runs left out", len(results), len(whole))
    return score_folds(results, samples).by_name(headline_of(samples))
