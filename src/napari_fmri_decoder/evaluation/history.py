"""The training history (history.tsv), and learning curves averaged over folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_fmri_decoder.training.events import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.training.events import FoldResult


def history_table(results: Sequence[FoldResult]) -> pd.DataFrame:
    """List loss and accuracy of each fold by epoch.

    Parameters
    ----------
    results : sequence of FoldResult

    Returns
    -------
    DataFrame
        Columns fold, epoch, loss, accuracy, val_loss, val_accuracy. `val` is the validation set if
        training used one, otherwise the test set of the fold, which is evaluated but never used to choose
        an epoch; NaN if neither was evaluated. Epoch 0 is the untrained network.
    """
    columns = ["fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    missing = Quality(float("nan"), float("nan"))
    rows = []
    for result in results:
        epochs = [(event.epoch, event.train, event.watched or missing) for event in result.history]
        if result.untrained_train and not any(epoch == 0 for epoch, _, _ in epochs):
            untrained = result.untrained_validation or result.untrained_test or missing
            epochs.insert(0, (0, result.untrained_train, untrained))
        for epoch, train, evaluated in epochs:
            rows.append((result.fold, epoch, train.loss, train.accuracy, evaluated.loss, evaluated.accuracy))
    return pd.DataFrame(rows, columns=columns).astype({"fold": np.int64, "epoch": np.int64})


def mean_curves(folds: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Average learning curves over folds, epoch by epoch.

    A fold that stopped early counts only up to its last epoch. From there on the mean is that of the
    remaining folds, so it can jump. NaN and infinite values (of a fold without a validation or test
    curve) are ignored.

    Parameters
    ----------
    folds : sequence of (epochs, 1 + k) array
        Of each fold the epochs, in any order and with gaps, and k values at each.

    Returns
    -------
    (epochs, 1 + k) array
        Every epoch that any fold has, ascending; NaN where no fold has a value.

    Examples
    --------
    >>> long, short = np.array([[0, 3.0], [1, 2.0], [2, 1.0]]), np.array([[0, 1.0], [1, 1.0]])
    >>> mean_curves([long, short]).tolist()
    [[0.0, 2.0], [1.0, 1.5], [2.0, 1.0]]
    """
    rows = np.concatenate([np.asarray(fold, dtype=float) for fold in folds])
    epochs, epoch_index = np.unique(rows[:, 0], return_inverse=True)
    known = np.isfinite(rows[:, 1:])
    total = np.zeros((len(epochs), rows.shape[1] - 1))
    count = np.zeros_like(total)
    np.add.at(total, epoch_index, np.where(known, rows[:, 1:], 0.0))
    np.add.at(count, epoch_index, known)
    return np.column_stack(
        [epochs, np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)]
    )
