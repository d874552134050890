"""Training again, as the folds were trained."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from napari_fmri_decoder.training.events import EpochDone, FitDone, FitStarted, FittedModel, Progress
from napari_fmri_decoder.training.fit_fold import fit_rows

if TYPE_CHECKING:
    from napari_fmri_decoder.explain.proof.maps import Case
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split


def fitted_on(
    case: Case, samples: Samples, split: Split, seed: int
) -> Generator[Progress, None, FittedModel]:
    """Fit the decoder on the training set of a split; each epoch is a place to stop."""
    epochs = 1
    for event in fit_rows(case.decoder, samples, split.train, split.test, case.training, seed):
        if isinstance(event, FitDone):
            return event.model
        if isinstance(event, FitStarted):
            epochs = event.epochs
        elif isinstance(event, EpochDone):
            yield Progress("training", event.epoch, epochs)
    raise RuntimeError("A fit must end with a model.")
