"""Options of the steps from volumes to samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from napari_fmri_decoder.options import Options

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


class PrepareConfig(Options):
    """How volumes are processed before they are decoded."""

    smooth_mm: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Full width at half maximum of the Gaussian smoothing in mm; 0 is off.",
        json_schema_extra={"unit": "mm"},
    )
    detrend: bool | None = Field(
        None,
        description="Remove the linear trend of each voxel within each run; default: on for time series, "
        "off for maps.",
    )
    confounds: tuple[str, ...] = Field(
        (),
        description="Confounds to regress out within each run: names of columns, patterns (*), or groups of "
        "fMRIPrep's columns: motion, motion12, motion24, wm_csf, global_signal, cosine, acompcor, acompcor:5 "
        "(the first five), tcompcor, outliers. Empty: none. Volumes that outliers mark (motion_outlier*, "
        "non_steady_state_outlier*) are scrubbed: they are not used as samples, nor to estimate anything.",
    )
    confounds_files: tuple[str, ...] = Field(
        (),
        description="Paths or patterns (*) of the confounds tables, relative to the recipe; matched to the "
        "images by name if the names allow it, otherwise by order. Empty: the tables that fMRIPrep wrote "
        "next to the images.",
        json_schema_extra={"mode": "files"},
    )
    scrub_mm: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Scrub volumes whose framewise displacement (Power et al. 2012) exceeds this. It is the "
        "column framewise_displacement of the confounds tables, or computed from their six motion columns; 0 "
        "is off.",
        json_schema_extra={"unit": "mm", "step": 0.1},
    )
    scrub_before: int = Field(
        0,
        ge=0,
        le=100,
        description="Volumes to scrub before each volume with motion (by scrub_mm or a motion outlier).",
        json_schema_extra={"unit": "volumes"},
    )
    scrub_after: int = Field(
        0,
        ge=0,
        le=100,
        description="Volumes to scrub after each volume with motion.",
        json_schema_extra={"unit": "volumes"},
    )
    center_runs: bool = Field(False, description="Subtract the mean of each voxel within each run.")
    standardize_runs: bool | None = Field(
        None,
        description="Give each voxel mean 0 and standard deviation 1 within each run, rest included; "
        "default: on for time series, off for maps.",
    )
    average_blocks: bool = Field(
        False, description="Average the volumes of each block of one label into one sample."
    )
    average_runs: bool = Field(
        False,
        description="Average the volumes (or block averages) of each class within each run into one sample.",
    )

    @model_validator(mode="after")
    def _scrubbing_has_a_criterion(self) -> Self:
        if (self.scrub_before or self.scrub_after) and not (self.scrub_mm or self.confounds):
            raise ValueError(
                "scrub_before and scrub_after need scrub_mm, or outliers among the confounds; set one of "
                "these, or set scrub_before and scrub_after to 0"
            )
        return self

    def resolved(self, series: Volume) -> PrepareConfig:
        """Fill in the defaults that depend on whether `series` is a time series."""
        is_time_series = series.step is not None
        defaults = {"detrend": is_time_series, "standardize_runs": is_time_series}
        return PrepareConfig.model_validate(defaults | self.model_dump(exclude_none=True))
