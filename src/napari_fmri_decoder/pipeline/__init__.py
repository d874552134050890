"""The work from end to end: recipe to run folder, image to slab, model and scan to answers."""

from napari_fmri_decoder.pipeline.apart import run_apart
from napari_fmri_decoder.pipeline.events import (
    Alive,
    AuditError,
    PipelineEvent,
    Prepared,
    RunDone,
    RunResult,
    Stage,
)
from napari_fmri_decoder.pipeline.preparing import prepare_run, prepare_steps
from napari_fmri_decoder.pipeline.run import finish, run

__all__ = [
    "Alive",
    "AuditError",
    "PipelineEvent",
    "Prepared",
    "RunDone",
    "RunResult",
    "Stage",
    "finish",
    "prepare_run",
    "prepare_steps",
    "run",
    "run_apart",
]
