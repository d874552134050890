"""Progress of a run on the command line: one bar per part of the work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Never

from tqdm import tqdm

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import PipelineEvent, RunDone, RunResult, Stage
from napari_fmri_decoder.training.events import EpochDone, FitStarted, FoldStarted, Note, Progress

if TYPE_CHECKING:
    Bar = tqdm[Never]


def follow(events: Iterator[PipelineEvent]) -> RunResult:
    """Show a run's events as they come, on standard error.

    Returns
    -------
    RunResult
    """
    result: RunResult | None = None
    with ExitStack() as bars:
        bar: Bar | None = None

        def start(text: str, total: int, done: int = 0) -> Bar:
            bars.close()  # what was done before this bar tells nothing of the time that is left
            shown = tqdm(total=total, initial=done, desc=text, leave=True, dynamic_ncols=True)
            return bars.enter_context(shown)

        fold, after = "", 0
        for event in events:
            match event:
                case Stage(text):
                    bars.close()
                    bar = None
                    tqdm.write(text, file=sys.stderr)
                case Note(message):
                    tqdm.write(f"Note: {message}", file=sys.stderr)
                case FoldStarted(number, n_folds, name):
                    fold = name if number >= n_folds else f"fold {number + 1}/{n_folds}, {name}"
                    after = max(n_folds - number - 1, 0)
                case FitStarted(epochs=epochs):
                    bar = start(fold, epochs)
                case EpochDone() if bar is not None:
                    bar.set_postfix(_qualities(event), refresh=False)
                    if after:
                        each = bar.format_dict["elapsed"] / (bar.n + 1)
                        left = each * (epochs - bar.n - 1 + after * epochs)
                        bar.set_description(f"{fold} ({tqdm.format_interval(left)} for all)", refresh=False)
                    bar.update(1)
                case Progress(what, done, total):
                    if bar is None or bar.desc != what:
                        bar = start(what, total, done)
                    bar.update(done - bar.n)
                case RunDone(done_result):
                    result = done_result
    if result is None:
        raise InputError("The run was stopped before its end. Start it again in a new folder.")
    return result


def _qualities(event: EpochDone) -> dict[str, str]:
    """Accuracies after an epoch, for the end of its bar."""
    parts = {"train": event.train, "validation": event.validation, "left out": event.test}
    return {name: f"{part.accuracy:.3f}" for name, part in parts.items() if part is not None}


def follow_steps(events: Iterator[object]) -> object:
    """Show stages and progress of shorter work on standard error.

    Returns
    -------
    object
        Its last event.
    """
    last: object = None
    with ExitStack() as bars:
        bar: Bar | None = None
        for last in events:
            match last:
                case Stage(text):
                    bars.close()
                    bar = None
                    tqdm.write(text, file=sys.stderr)
                case Progress(what, done, total):
                    if bar is None or bar.desc != what:
                        bars.close()
                        bar = bars.enter_context(tqdm(total=total, desc=what, dynamic_ncols=True))
                    bar.update(done - bar.n)
    return last
