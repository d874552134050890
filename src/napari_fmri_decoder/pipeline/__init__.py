"""The work from end to end: recipe to run folder, image to slab, model and scan to answers."""

from napari_fmri_decoder.pipeline.run import (
    PipelineEvent,
    Prepared,
    RunDone,
    RunResult,
    Stage,
    finish,
    prepare_run,
    run,
)

__all__ = ["PipelineEvent", "Prepared", "RunDone", "RunResult", "Stage", "finish", "prepare_run", "run"]
