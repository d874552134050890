"""Which sample each volume of the series became, and which fold held each sample out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.events import FoldResult

Part = Literal["test", "training"]


def sample_rows(table: pd.DataFrame, samples: Samples, config: PrepareConfig) -> NDArray[np.int64]:
    """Find the sample that each volume became part of.

    Parameters
    ----------
    table : DataFrame of n rows
        The label table of the series, one row per volume.
    samples : Samples
        Made from that series.
    config : PrepareConfig
        The options that `samples` were made with; read for averaging.

    Returns
    -------
    (n,) int64 array
        Row of `samples` for each volume of the series; -1 for excluded volumes. If blocks, or classes
        within runs, were averaged, all volumes of an average share its row.
    """
    rows = np.full(len(table), -1, dtype=np.int64)
    volumes = samples.table["volume"].to_numpy()
    rows[volumes] = np.arange(len(volumes))
    if config.average_runs:
        keys = (pd.Series(group_keys(table)) + "\n" + table["label"]).to_numpy()
    elif config.average_blocks:
        keys = table["block"].to_numpy()
    else:
        return rows
    for row, volume in enumerate(volumes):
        rows[keys == keys[volume]] = row
    return rows


def held_out_by(samples: Samples, folds: Sequence[FoldResult]) -> NDArray[np.int64]:
    """Find the fold that held each sample out.

    Parameters
    ----------
    samples : Samples
    folds : sequence of FoldResult

    Returns
    -------
    (n_samples,) int64 array
        Positions in `folds`, the first if there are several; -1 for samples that no fold held out.
    """
    fold_of_sample = np.full(len(samples.X), -1, dtype=np.int64)
    for i, fold in reversed(list(enumerate(folds))):
        fold_of_sample[fold.split.test] = i
    return fold_of_sample


def volumes_in_cell(
    samples: Samples, folds: Sequence[FoldResult], part: Part, true: str, predicted: str
) -> list[tuple[int, str]]:
    """List the samples that are counted in one cell of a confusion matrix.

    Parameters
    ----------
    samples : Samples
    folds : sequence of FoldResult
    part : {"test", "training"}
        Which confusion matrix.
    true, predicted : str
        Classes.

    Returns
    -------
    list of (int, str)
        Volume (the first volume of an average) and name of the fold, in the order of folds.
    """
    volumes, y = samples.table["volume"].to_numpy(), samples.y
    true_class, predicted_class = samples.classes.index(true), samples.classes.index(predicted)
    cell = []
    for fold in folds:
        test = part == "test"
        rows = fold.split.test if test else fold.split.train
        predictions = (fold.probabilities if test else fold.train_probabilities).argmax(axis=1)
        in_cell = rows[(y[rows] == true_class) & (predictions == predicted_class)]
        cell += [(int(volume), fold.split.name) for volume in volumes[in_cell]]
    return cell
