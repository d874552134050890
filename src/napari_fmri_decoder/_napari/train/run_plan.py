"""Carry out a planned run, or only check it: generators that work in a thread."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import (
    PipelineEvent,
    Prepared,
    RunDone,
    RunResult,
    Stage,
    prepare_steps,
    run,
    run_in_subprocess,
)
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.recipe import AuditConfig
from napari_fmri_decoder.samples.audit import checks
from napari_fmri_decoder.training.estimate import RunEstimate, estimate_run
from napari_fmri_decoder.training.tasks.workers import SERIAL
from napari_fmri_decoder.volumes.counted_reading import StoppedReading
from napari_fmri_decoder.volumes.nifti import write

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.reading import Watch
    from napari_fmri_decoder._napari.train.recipe_from_session import Plan
    from napari_fmri_decoder.generators import Steps


@dataclass(frozen=True, slots=True)
class RunLocation:
    """Where a run is computed.

    Attributes
    ----------
    cluster : str
        Workers of folds and permutations; see `pipeline.run`.
    in_subprocess : bool
        Whether to run in a separate process instead of a thread of napari.
    """

    cluster: str = SERIAL
    in_subprocess: bool = False


def run_plan(
    plan: Plan, watch: Watch, location: RunLocation, *, resume: bool = False
) -> Steps[PipelineEvent, RunResult | None]:
    """Write the data that are not on disk, then run the recipe; see `pipeline.run`.

    A new folder is removed again if the run cannot start.

    Parameters
    ----------
    plan : Plan
    watch : Watch
        Counts the volumes that are read, and ends reading after a stop.
    location : RunLocation
    resume : bool
        Whether to continue this run, which was stopped, in its folder.

    Raises
    ------
    InputError
        If the folder contains another run.
    """
    result: RunResult | None = None
    if not resume and (plan.folder / SCORES).exists():
        raise InputError(f"Folder {plan.folder} already contains a run. Choose another output folder.")
    is_new, has_started = not plan.folder.exists(), False
    try:
        if not resume:
            yield from _write_inputs(plan)
        target = plan.recipe, plan.folder, plan.folder
        if location.in_subprocess:
            events = run_in_subprocess(*target, watch.set_done, resume=resume, cluster=location.cluster)
        else:
            events = run(*target, watch.over, resume=resume, cluster=location.cluster)
        with closing(events):
            for event in events:
                has_started |= isinstance(event, Prepared)
                if isinstance(event, RunDone):
                    result = event.result
                yield event
    except StoppedReading:
        yield Stage("Stopped")  # a worker sees a stop only between yields
    finally:
        if is_new and not has_started:
            shutil.rmtree(plan.folder, ignore_errors=True)
    return result


def check_plan(plan: Plan, watch: Watch) -> Generator[PipelineEvent | RunEstimate, None, None]:
    """Do everything that a run does before training; findings of the audit do not stop it.

    The plan's folder is removed at the end.

    Yields
    ------
    Stage, Prepared
    RunEstimate
        Size of the network, memory and time of training.
    """
    try:
        yield from _write_inputs(plan)
        yield Stage("Reading and preparing")
        lenient = plan.recipe.model_copy(update={"audit": AuditConfig(allow=tuple(checks))})
        prepared = yield from prepare_steps(lenient, plan.folder, watch.over)
        yield prepared
        yield Stage("Trying a few batches")
        training = lenient.training.resolved(lenient.decoder)
        yield estimate_run(lenient.decoder, prepared.samples, prepared.splits, training)
    except StoppedReading:
        yield Stage("Stopped")
    finally:
        shutil.rmtree(plan.folder, ignore_errors=True)


def _write_inputs(plan: Plan) -> Generator[PipelineEvent, None, None]:
    for path, volume in plan.volumes:
        yield Stage(f"Writing {path.name}")
        write(volume, path)
    for path, table in plan.tables:
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, sep="\t", index=False)
    plan.folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / "recipe.toml").write_text(plan.recipe.to_toml(), encoding="utf-8")
