"""Options for computing z-maps, shared by the recipe, the command and the dock."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from napari_fmri_decoder.options import Options


class ZMapsConfig(Options):
    """General linear model for z-maps, fitted to each run as in nilearn's FirstLevelModel."""

    estimate: Literal["run", "lsa", "lss"] = Field(
        "run",
        description="Unit of the maps. run: one map per run and condition. lsa: one map per trial, with all "
        "trials in one model (least squares, all). lss: one map per trial, with a separate model for each "
        "trial in which the other trials of each condition share a regressor (least squares, separate); for "
        "closely spaced trials.",
    )
    hrf: Literal["glover", "spm", "glover + derivative", "spm + derivative", "none"] = Field(
        "glover",
        description="Hemodynamic response function that events are convolved with. With a derivative, the "
        "map is still that of the response itself. none: a boxcar, for labels that already include the "
        "delay.",
        json_schema_extra={"label": "HRF"},
    )
    lag: float = Field(
        0.0,
        ge=-60,
        le=60,
        description="Delay of a boxcar after its event, in seconds. Must be 0 with a hemodynamic response "
        "function, which includes the delay.",
        json_schema_extra={"unit": "s"},
    )
    drift: Literal["cosine", "polynomial", "none"] = Field(
        "cosine",
        description="Drift model. cosine: cosines up to high_pass. polynomial: a polynomial of order "
        "drift_order. none: only a constant.",
    )
    high_pass: float = Field(
        0.008,
        gt=0,
        le=1,
        description="Cutoff frequency of the cosine drift model in Hz: 0.008 Hz is 1/128 s.",
        json_schema_extra={"unit": "Hz", "step": 0.001},
    )
    drift_order: int = Field(1, ge=0, le=10, description="Order of the polynomial drift model.")
    noise: Literal["ar1", "ols"] = Field(
        "ar1",
        description="Noise model. ar1: first-order autoregressive noise, estimated per voxel. ols: white "
        "noise; much faster for lss.",
    )
    smooth_mm: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Full width at half maximum in mm of the Gaussian for smoothing the series. 0 means no "
        "smoothing.",
        json_schema_extra={"unit": "mm"},
    )
    confounds: tuple[str, ...] = Field(
        (),
        description="Columns of the confounds tables to include in the model: names, patterns (*), or "
        "fMRIPrep groups as in prepare: csf, trans_*, motion24, acompcor:5.",
    )
    confounds_files: tuple[str, ...] = Field(
        (),
        description="Confounds tables, one per run, or patterns (*). They are matched to the images by name "
        "if possible, otherwise by order. By default the _timeseries.tsv or _regressors.tsv of each BOLD "
        "file, found by its BIDS name.",
        json_schema_extra={"mode": "files"},
    )
    slice_time_ref: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Reference time of each volume, as a fraction of the TR. By default 0 with a hemodynamic "
        "response function, as in nilearn, and 0.5 for a boxcar, as in labels. fMRIPrep's slice timing "
        "correction uses 0.5.",
    )

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        if self.lag and self.hrf != "none":
            raise ValueError(
                f"lag requires a boxcar, because the {self.hrf} response has its own delay; set lag = 0 or "
                'hrf = "none"'
            )
        if self.confounds_files and not self.confounds:
            raise ValueError('confounds_files requires confounds = the columns to model, such as "trans_*"')
        return self

    @property
    def reference_time(self) -> float:
        """Reference time of a volume as a fraction of the TR, with the default filled in."""
        if self.slice_time_ref is not None:
            return self.slice_time_ref
        return 0.5 if self.hrf == "none" else 0.0
