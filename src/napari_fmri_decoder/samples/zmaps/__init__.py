"""Z-maps: how strongly each voxel answers to each condition of a run, or to each trial."""

from napari_fmri_decoder.samples.zmaps.make import ZMaps, make_zmaps, plan_zmaps, zmap_steps
from napari_fmri_decoder.samples.zmaps.runs import Run, find_runs, runs_of_table
from napari_fmri_decoder.samples.zmaps_config import ZMapsConfig

__all__ = [
    "Run",
    "ZMaps",
    "ZMapsConfig",
    "find_runs",
    "make_zmaps",
    "plan_zmaps",
    "runs_of_table",
    "zmap_steps",
]
