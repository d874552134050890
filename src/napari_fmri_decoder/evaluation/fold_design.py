"""How each fold uses each sample: for training, for validation, or as its test set."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.validation import split_validation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders import Decoder
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.training.config import TrainingConfig

USES = {"not used": "#ffffff", "trained on": "#9ecae1", "held out": "#d55e00", "validation": "#009e73"}
"""Uses of a sample, by their codes 0, 1, ... in `FoldDesign.use`, and their colors."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldDesign:
    """How each fold uses each sample; samples are sorted by run, and by time within runs.

    Attributes
    ----------
    use : (folds, n) int8 array
        0 not used, 1 trained on, 2 held out for testing, 3 held out of the training set for validation,
        as in `USES`.
    names : tuple of str
        Of the folds.
    runs : tuple of str
        Run of each sample.
    labels : tuple of str
        Label of each sample.
    volumes : tuple of int
        Volume of each sample; the first volume of an average.
    """

    use: NDArray[np.int8]
    names: tuple[str, ...]
    runs: tuple[str, ...]
    labels: tuple[str, ...]
    volumes: tuple[int, ...]

    @property
    def spans(self) -> list[tuple[str, int, int]]:
        """Name, first sample, and one past the last sample of each run."""
        starts = [i for i, run in enumerate(self.runs) if i == 0 or run != self.runs[i - 1]]
        stops = [*starts[1:], len(self.runs)]
        return [(self.runs[start], start, stop) for start, stop in zip(starts, stops, strict=True)]

    @property
    def rows(self) -> list[str]:
        """Number and name of each fold."""
        numbered = enumerate(self.names)
        return [str(i) if name in ("", f"fold {i}") else f"{i}: {name}" for i, name in numbered]


def fold_design(
    splits: Sequence[Split],
    samples: Samples,
    decoder: Decoder | None = None,
    training: TrainingConfig | None = None,
) -> FoldDesign:
    """Find how each fold uses each sample.

    Parameters
    ----------
    splits : sequence of Split
    samples : Samples
    decoder : Decoder, optional
    training : TrainingConfig, optional
        With both, validation sets are marked, too.
    """
    runs = samples.groups
    _, first, run = np.unique(runs, return_index=True, return_inverse=True)
    order = np.lexsort((samples.table["volume"].to_numpy(), first[run]))
    use = np.zeros((len(splits), len(runs)), dtype=np.int8)
    for row, split in zip(use, splits, strict=True):
        row[split.train] = 1
        row[split.test] = 2
        if training is not None and isinstance(decoder, NetworkDecoder) and training.validation != "none":
            with suppress(InputError):  # too few samples remain: the fit reports that
                held_out = split_validation(samples.y[split.train], runs[split.train], training)
                row[split.train[held_out.validated]] = 3
    return FoldDesign(
        use[:, order],
        tuple(split.name for split in splits),
        tuple(runs[order].tolist()),
        tuple(samples.table["label"].iloc[order]),
        tuple(samples.table["volume"].iloc[order].tolist()),
    )
