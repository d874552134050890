"""Augmentation: random changes of the samples of a batch, such as shifts, mixing and noise.

All random numbers come from torch within the environment of the fit, so that a fit that resumes from a
checkpoint changes the same samples in the same way.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.layout import Layout
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.augment_config import AugmentConfig


class Augment:
    """Changes the inputs and targets of one batch.

    Parameters
    ----------
    config : AugmentConfig
    learned : (n, *input_shape) Tensor
        All samples that are trained on, on the device of the fit. Inputs that never vary, such as those
        outside the mask, stay as they are.
    n_classes : int
    space : Space
        Position of the voxels.
    layout : Layout
        Of the inputs.

    Raises
    ------
    InputError
        If samples are to be shifted or rotated, but the grid is a single row of voxels.
    """

    def __init__(
        self, config: AugmentConfig, learned: torch.Tensor, n_classes: int, space: Space, layout: Layout
    ) -> None:
        self.config, self.n_classes = config, n_classes
        self.deviation = learned.std(dim=0, unbiased=False)
        axes = [i for i in range(3) if not (layout == "planes" and i == space.axis)]
        axes = [i for i in axes if space.grid.shape[i] > 1]
        if config.moves and len(axes) < 2:
            raise InputError(
                "Shifts and rotations need a grid with at least two voxels along two axes, got "
                f"{' x '.join(map(str, space.grid.shape))}. Set augment.shift_mm and augment.rotation_deg "
                "to 0."
            )
        self.sizes = torch.tensor(space.grid.voxel_size[axes], dtype=torch.float32, device=learned.device)
        channels = space.grid.shape[space.axis] if layout == "planes" else 1
        self.shape = (channels, *(space.grid.shape[i] for i in axes))
        inside = torch.tensor(np.flatnonzero(space.mask), device=learned.device)
        self.inside = inside if layout == "vector" else None

    def __call__(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Change (n, *input_shape) inputs; mixed (n,) targets become (n, classes) probabilities."""
        if self.config.moves:
            inputs = self._move(inputs)
        if self.config.mixup:
            inputs, targets = self._mix(inputs, targets)
        if self.config.noise:
            inputs = inputs + self.config.noise * self.deviation * torch.randn_like(inputs)
        return inputs, targets

    def _move(self, inputs: torch.Tensor) -> torch.Tensor:
        n, axes = len(inputs), len(self.sizes)
        shifts = self.config.shift_mm * (2 * torch.rand(n, axes) - 1)
        angles = math.radians(self.config.rotation_deg) * (2 * torch.rand(n, 3 if axes == 3 else 1) - 1)
        if self.inside is None:
            volumes = inputs.reshape(n, *self.shape)
        else:
            volumes = inputs.new_zeros(n, math.prod(self.shape))
            volumes[:, self.inside] = inputs
            volumes = volumes.reshape(n, *self.shape)
        found = moved(volumes, rotations(angles).to(inputs.device), shifts.to(inputs.device), self.sizes)
        found = found.reshape(inputs.shape) if self.inside is None else found.flatten(1)[:, self.inside]
        return torch.where(self.deviation > 0, found, inputs)

    def _mix(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        share = float(torch.distributions.Beta(self.config.mixup, self.config.mixup).sample())
        other = torch.randperm(len(inputs), device=inputs.device)
        sure = F.one_hot(targets, self.n_classes).to(inputs.dtype)
        return share * inputs + (1 - share) * inputs[other], share * sure + (1 - share) * sure[other]


def rotations(angles: torch.Tensor) -> torch.Tensor:
    """Rotation matrices, (n, d, d): by one angle in the plane, or by three about the axes, the first first.

    Parameters
    ----------
    angles : (n, 1) or (n, 3) Tensor
        In radians.
    """
    cosine, sine = torch.cos(angles), torch.sin(angles)
    if angles.shape[1] == 1:
        return _in_plane(cosine[:, 0], sine[:, 0], 2, (0, 1))
    x, y, z = (_in_plane(cosine[:, i], sine[:, i], 3, ((i + 1) % 3, (i + 2) % 3)) for i in range(3))
    return z @ y @ x


def _in_plane(cosine: torch.Tensor, sine: torch.Tensor, d: int, plane: tuple[int, int]) -> torch.Tensor:
    matrices = torch.eye(d).repeat(len(cosine), 1, 1)
    (a, b) = plane
    matrices[:, a, a], matrices[:, a, b], matrices[:, b, a], matrices[:, b, b] = cosine, -sine, sine, cosine
    return matrices


def moved(
    volumes: torch.Tensor, matrices: torch.Tensor, shifts: torch.Tensor, sizes: torch.Tensor
) -> torch.Tensor:
    """Rotate volumes about their center and shift them, with linear interpolation and 0 outside.

    Parameters
    ----------
    volumes : (n, channels, *grid) Tensor
        On a grid with d axes, two or three, each with at least two voxels.
    matrices : (n, d, d) Tensor
        From a position in the result to a position in the volume, in mm from the center.
    shifts : (n, d) Tensor
        In mm, added to the position in the volume.
    sizes : (d,) Tensor
        Of the voxels in mm.

    Returns
    -------
    (n, channels, *grid) Tensor
    """
    # torch's positions go from -1 to 1 between the centers of the first and the last voxel, last axis first
    half = sizes * (torch.tensor(volumes.shape[2:], device=sizes.device) - 1) / 2
    linear = (matrices * half / half[:, None]).flip(1, 2)
    theta = torch.cat([linear, (shifts / half).flip(1)[..., None]], dim=2)
    grid = F.affine_grid(theta, list(volumes.shape), align_corners=True)
    return F.grid_sample(volumes, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
