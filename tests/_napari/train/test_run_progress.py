"""Curves that the Train dock draws from the events of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from small_result import small_result

from napari_fmri_decoder._napari.qt.progress import Progress, ProgressLine
from napari_fmri_decoder._napari.train.progress import RunView
from napari_fmri_decoder._napari.train.run_history import RunHistory
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldDone, FoldStarted, Quality


def test_curves_of_folds_are_drawn_once_from_epochs_or_from_completed_folds(
    qtbot: Any, tmp_path: Path
) -> None:
    """Workers and resumed runs report no epochs."""
    result = small_result(tmp_path)
    view = RunView(ProgressLine())
    qtbot.addWidget(view)
    view.start()
    view.on_event(result.prepared)
    for fold in result.folds:
        view.on_event(FoldStarted(fold.fold, len(result.folds), fold.split.name))
        if fold.fold == 1:
            view.on_event(FitStarted(2, 1, 10, fold.untrained_train, fold.untrained_test))
            for event in fold.history:
                assert isinstance(event, EpochDone)
                view.on_event(event)
        view.on_event(FoldDone(fold))
    drawn, history = view.curves.table(), history_table(result.folds)
    for column in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(drawn[column], history[column])
    assert view.curves.why.text() == "", "a network has curves"


def test_the_fraction_counts_the_final_fit_on_all_samples() -> None:
    line, fractions = Progress(), list[float]()
    line.set = lambda text, fraction=None: fractions.append(fraction)  # type: ignore[method-assign]
    history, quality = RunHistory(line), Quality(1.0, 0.5)
    for fold in (0, 1, 2):  # two folds, and all samples
        history.on_event(FoldStarted(fold, 2, f"run {fold}"))
        history.on_event(FitStarted(2, 1, 10, None, None))
        history.on_event(EpochDone(1, quality, None))
        history.on_event(EpochDone(2, quality, None))
    np.testing.assert_allclose(fractions, np.array([0, 1, 2, 2, 3, 4, 4, 5, 6]) / 6)
