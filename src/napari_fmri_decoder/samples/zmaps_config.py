"""How z-maps are made: one frozen object for the recipe, the command and the dock."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from napari_fmri_decoder.samples.options import Options


class ZMapsConfig(Options):
    """The general linear model that z-maps come from, run by run, as nilearn's FirstLevelModel fits it."""

    estimate: Literal["run", "lsa", "lss"] = Field(
        "run",
        description="run: one map per run and condition. lsa: one per trial, all trials in one model (least "
        "squares, all). lss: one per trial from a model of its own, in which the other trials of each "
        "condition share a regressor (least squares, separate); for trials that follow closely.",
    )
    hrf: Literal["glover", "spm", "glover + derivative", "spm + derivative", "none"] = Field(
        "glover",
        description="Haemodynamic response that events are convolved with; beside a derivative the map is "
        "still that of the response itself. none: a boxcar, for labels that carry the delay already.",
        json_schema_extra={"label": "HRF"},
    )
    lag: float = Field(
        0.0,
        ge=-60,
        le=60,
        description="Seconds by which a boxcar follows its event; 0 with a haemodynamic response, which has "
        "its delay.",
        json_schema_extra={"unit": "s"},
    )
    drift: Literal["cosine", "polynomial", "none"] = Field(
        "cosine",
        description="Slow drift that is modelled beside the events: cosines up to high_pass, a polynomial of "
        "drift_order, or a constant alone.",
    )
    high_pass: float = Field(
        0.008,
        gt=0,
        le=1,
        description="Cosines up to this frequency are drift: 0.008 Hz is 1/128 s.",
        json_schema_extra={"unit": "Hz", "step": 0.001},
    )
    drift_order: int = Field(1, ge=0, le=10, description="Order of a polynomial drift.")
    noise: Literal["ar1", "ols"] = Field(
        "ar1",
        description="ar1: each volume's noise depends on the one before, as estimated voxel by voxel. ols: "
        "white noise; much quicker for lss.",
    )
    smooth_mm: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Full width at half maximum of the Gaussian that the series is smoothed by first; 0 is "
        "off.",
        json_schema_extra={"unit": "mm"},
    )
    confounds: tuple[str, ...] = Field(
        (),
        description="Columns of the confounds tables to model beside the events: names, patterns (*), or "
        "groups of fMRIPrep's, as prepare has them: csf, trans_*, motion24, acompcor:5.",
    )
    confounds_files: tuple[str, ...] = Field(
        (),
        description="Confounds tables, one per run, or patterns (*) of them; they go with the images by "
        "their names where these tell, else in the order of the runs. Empty takes the _timeseries.tsv or "
        "_regressors.tsv beside each BOLD file, found by its BIDS name.",
        json_schema_extra={"mode": "files"},
    )
    slice_time_ref: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Moment of a volume that its values stand for, as a part of the TR. Empty: 0 with a "
        "haemodynamic response, as in nilearn; 0.5 for a boxcar, as in labels. fMRIPrep corrects to 0.5.",
    )

    @model_validator(mode="after")
    def _one_delay(self) -> Self:
        if self.lag and self.hrf != "none":
            raise ValueError(
                f"a lag is for a boxcar, as the {self.hrf} response has its own delay; set lag = 0 or "
                'hrf = "none"'
            )
        if self.confounds_files and not self.confounds:
            raise ValueError('confounds_files need confounds = the columns to model, such as "trans_*"')
        return self

    @property
    def moment(self) -> float:
        """Part of the TR that values stand for, stated."""
        if self.slice_time_ref is not None:
            return self.slice_time_ref
        return 0.5 if self.hrf == "none" else 0.0
