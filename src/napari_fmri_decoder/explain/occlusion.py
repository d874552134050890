"""occlusion: how the logit of a class falls when a sphere of voxels is replaced by the training mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.explain.base import Explainer
from napari_fmri_decoder.explain.evidence import (
    LOGIT,
    class_maps,
    network_logits,
    scaled_voxels,
    voxel_network,
)
from napari_fmri_decoder.volumes.frames import apply_affine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_fmri_decoder.explain.base import Explanation
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel

SPHERES = 256
"""Spheres that are occluded at once: limits the memory, changes no result."""


class Occlusion(Explainer):
    """Logit of each class minus the logit without the voxels around a voxel.

    At each voxel, all voxels within the radius are replaced by their training mean. Positive where the voxels
    speak for the class.

    References
    ----------
    Zeiler, M. D. and Fergus, R. (2014), "Visualizing and understanding convolutional networks",
    arXiv:1311.2901.
    """

    over_folds: ClassVar[bool] = True
    summary: ClassVar[str] = "Fall of each class's logit when a sphere is replaced by the training mean"
    name: Literal["occlusion"] = "occlusion"
    radius: float = Field(
        8.0,
        description="Radius of the sphere around each voxel; below half a voxel, single voxels are replaced.",
        ge=0,
        le=200,
        json_schema_extra={"unit": "mm"},
    )

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one signed map per sample and class; see `Explainer.explain`."""
        import torch

        network, inputs = voxel_network(model, space), scaled_voxels(model, X)
        used, whole = space.only(model.screened), network_logits(network, inputs)
        values = np.empty((len(X), model.n_classes, used.n_features), dtype=np.float32)
        for part, kept in kept_voxels(used, self.radius):
            factors = torch.tensor(kept)
            for i, sample in enumerate(inputs):
                values[i, :, part] = (whole[i] - network_logits(network, sample * factors)).T
        return class_maps(values, model, space, LOGIT)


def kept_voxels(space: Space, radius: float) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Go through spheres around all voxels of the mask, some at a time.

    Parameters
    ----------
    space : Space
    radius : float
        In millimeters of scanner space.

    Yields
    ------
    part : slice
        The features at whose voxels the spheres are centered.
    kept : (spheres, features) float32 array
        0 for the voxels of the sphere, 1 for all others.
    """
    from scipy.spatial import KDTree

    points = apply_affine(space.grid.affine, np.argwhere(space.mask))
    tree = KDTree(points)
    for start in range(0, len(points), SPHERES):
        part = slice(start, min(start + SPHERES, len(points)))
        kept = np.ones((part.stop - start, len(points)), dtype=np.float32)
        # the tolerance keeps voxels whose distance equals the radius up to rounding
        for row, voxels in zip(kept, tree.query_ball_point(points[part], radius * (1 + 1e-9)), strict=True):
            row[voxels] = 0
        yield part, kept
