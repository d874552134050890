"""Brain masks from nilearn."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import ClassVar, Literal

import nibabel as nib
import numpy as np
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.masks.base import MaskConfig, MaskResult
from napari_fmri_decoder.samples.masks.onto_grid import resample_mask
from napari_fmri_decoder.volumes.volume import Volume

EPI_ON_MAPS = (
    "The mask strategy epi looks for the brain in the intensities of BOLD images, but these are statistical "
    "maps, whose values near 0 are not the background. Use threshold, with absolute values."
)
"""Shown where the strategy is chosen for maps."""


class EpiMask(MaskConfig):
    """The brain in a BOLD series, by `nilearn.masking.compute_epi_mask` on its mean."""

    summary: ClassVar[str] = "The brain in a BOLD series, found by nilearn from its histogram"
    from_series: ClassVar[bool] = True

    strategy: Literal["epi"] = "epi"
    lower_cutoff: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Fraction of the histogram below which no threshold is searched for; raise it if the "
        "mask is too large.",
    )
    upper_cutoff: float = Field(
        0.85, ge=0, le=1, description="Fraction of the histogram above which no threshold is searched for."
    )
    opening: int = Field(
        2,
        ge=0,
        le=10,
        description="Voxels by which the mask is opened (eroded and dilated), to remove the skull; 0 is off.",
    )
    connected: bool = Field(True, description="Keep only the largest connected piece.")

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Compute the mask with nilearn."""
        from nilearn.exceptions import MaskWarning
        from nilearn.masking import compute_epi_mask

        if self.upper_cutoff <= self.lower_cutoff:
            raise InputError(
                f"upper_cutoff must exceed lower_cutoff, got {self.upper_cutoff:g} and {self.lower_cutoff:g}."
            )
        thinnest = min(series.grid.shape)
        # Opening starts with an erosion, which would remove planes this thin altogether.
        opening = self.opening if thinnest > 2 * self.opening else 0
        notes = [EPI_ON_MAPS] if series.kind == "stat" else []
        if opening != self.opening:
            notes.append(
                f"The mask was not opened: {thinnest} plane(s) are too few for {self.opening} voxels."
            )
        image = nib.Nifti1Image(series.mean().at(0), series.affine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MaskWarning)  # an empty mask raises in make_mask
            mask = compute_epi_mask(image, self.lower_cutoff, self.upper_cutoff, self.connected, opening)
        return np.asarray(mask.dataobj).astype(bool), notes


class TemplateMask(MaskConfig):
    """The brain of the MNI152 template that comes with nilearn; for images in MNI space."""

    summary: ClassVar[str] = "The brain of the MNI152 template, for images in MNI space"

    strategy: Literal["template"] = "template"
    threshold: float = Field(0.2, ge=0, lt=1, description="Minimum intensity of the template, from 0 to 1.")

    def make(self, series: Volume, base: Path) -> MaskResult:
        """Resample the brain of the template."""
        from nilearn.datasets import load_mni152_brain_mask

        image = load_mni152_brain_mask(resolution=2, threshold=self.threshold)
        template = Volume(
            np.asarray(image.dataobj, dtype=np.uint8), image.affine, "mask", name="MNI152 brain"
        )
        mask, note = resample_mask(template, series.grid)
        return mask, [note] if note else []
