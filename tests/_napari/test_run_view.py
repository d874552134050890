"""What the Train dock shows of a run's events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from small_result import small_result

from napari_fmri_decoder._napari.widgets.run_view import ProgressLine, RunView
from napari_fmri_decoder.evaluation.scores import history_table
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldDone, FoldStarted


def test_curves_of_folds_are_drawn_once_whether_they_grew_here_or_came_whole(
    qtbot: Any, tmp_path: Path
) -> None:
    """Workers, and a run that is gone on with, tell no epochs."""
    result = small_result(tmp_path)
    view = RunView(ProgressLine())
    qtbot.addWidget(view)
    view.start()
    view.hear(result.prepared)
    for fold in result.folds:
        view.hear(FoldStarted(fold.fold, len(result.folds), fold.split.name))
        if fold.fold == 1:
            view.hear(FitStarted(2, 1, 10, fold.untrained_train, fold.untrained_test))
            for event in fold.history:
                assert isinstance(event, EpochDone)
                view.hear(event)
        view.hear(FoldDone(fold))
    drawn, history = view.curves.table(), history_table(result.folds)
    for column in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(drawn[column], history[column])
    assert view.curves.why.text() == "", "a network has curves"
