"""What the bars of the command line say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_fmri_decoder.cli import progress
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldStarted, Quality

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_bar_says_accuracies_and_the_time_left_for_all_folds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten seconds an epoch: after epoch 2 of 4, 2 and the 4 of the last fold are left, a minute."""
    clock = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])

    def events() -> Iterator[Any]:
        train, test, validation = Quality(0.5, 0.75), Quality(0.9, 0.5), Quality(0.7, 0.625)
        for fold in (0, 1):
            yield FoldStarted(fold, 2, f"run {fold + 1}")
            yield FitStarted(4, 1, 10, train, test, validation)
            for epoch in (1, 2):
                clock[0] += 10
                yield EpochDone(epoch, train, test, validation if fold == 0 else None)

    with pytest.raises(InputError, match="was stopped"):
        progress.follow(events())
    first, second = _last_lines(capsys.readouterr().err)
    assert "fold 0 (1 of 2), run 1" in first
    assert "(01:00 for all)" in first
    assert "train=0.750, validation=0.625, left out=0.500" in first
    assert "for all" not in second
    assert "train=0.750, left out=0.500" in second
    assert "2/4" in second


def _last_lines(text: str) -> tuple[str, str]:
    """What the bars of both folds said last."""
    lines = text.replace("\r", "\n").split("\n")
    first, second = ([line for line in lines if name in line][-1] for name in ("run 1", "run 2"))
    return first, second
