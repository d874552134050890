"""Options of augmentation: random changes of the training samples in each batch."""

from __future__ import annotations

from pydantic import Field

from napari_fmri_decoder.options import Options


class AugmentConfig(Options):
    """Random changes of training samples, drawn again for each batch; all are off by default.

    They act on samples as a network takes them, scaled (and whitened), in this order: shift and rotation,
    mixup, noise. Validation and test sets are never changed.
    """

    shift_mm: float = Field(
        0.0,
        description="Largest shift along each axis: each sample is shifted by a random distance up to it, "
        "with linear interpolation; what comes from outside the mask is 0, the mean. For planes (cnn2d) "
        "within the plane only. Not with screening.",
        ge=0,
        le=1000,
        json_schema_extra={"unit": "mm", "label": "Shift"},
    )
    rotation_deg: float = Field(
        0.0,
        description="Largest rotation about each axis through the center of the grid, by a random angle up "
        "to it. For planes (cnn2d) within the plane only. Not with screening.",
        ge=0,
        le=180,
        json_schema_extra={"unit": "°", "label": "Rotation"},
    )
    noise: float = Field(
        0.0,
        description="Standard deviation of Gaussian noise, in units of each voxel's standard deviation over "
        "the training samples.",
        ge=0,
        le=100,
    )
    mixup: float = Field(
        0.0,
        description="Mix each sample and its label with another of the batch; the weight is drawn from a "
        "Beta distribution with both parameters equal to this value (Zhang et al. 2018). 0: no mixing.",
        ge=0,
        le=100,
    )
    label_smoothing: float = Field(
        0.0,
        description="Part of the target probability that is divided equally among all classes.",
        ge=0,
        lt=1,
    )

    @property
    def moves(self) -> bool:
        """Whether samples are shifted or rotated."""
        return bool(self.shift_mm or self.rotation_deg)


NO_AUGMENT = AugmentConfig()
"""Nothing is changed."""
