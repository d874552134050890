"""Sets of voxels, one per center."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space


@dataclass(frozen=True, slots=True, eq=False)
class CenterSets:
    """Centers, each with the features that are decoded there.

    Attributes
    ----------
    features : (m,) int32 array
        The features of all centers, one center after the other, each in increasing order.
    offsets : (n + 1,) int64 array
        ``features[offsets[i]:offsets[i + 1]]`` are those of center i.
    mm : (n, 3) float64 array
        Scanner millimeters of the centers.
    names : tuple of str
        One per center, such as a region or "planes 3 to 5"; empty for spheres.
    shown : (n,) int64 array or None
        The feature whose voxel shows the score of each center; None where a center's score is shown in all
        its voxels.
    notes : tuple of str
    """

    features: NDArray[np.int32]
    offsets: NDArray[np.int64]
    mm: NDArray[np.float64]
    names: tuple[str, ...] = ()
    shown: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Number of centers."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n,) numbers of voxels."""
        return np.diff(self.offsets)

    def of(self, center: int) -> NDArray[np.int32]:
        """Features of a center."""
        return self.features[self.offsets[center] : self.offsets[center + 1]]

    def paint(self, values: NDArray[np.float64], space: Space) -> NDArray[np.float32]:
        """Show one value per center in the voxels of a space; NaN elsewhere.

        Parameters
        ----------
        values : (n,) float64 array
            NaN for centers that were skipped.
        space : Space
            Of the features.

        Returns
        -------
        (x, y, z) float32 array
            Where centers overlap, the largest of their values.
        """
        painted = np.full(space.n_features, np.nan, dtype=np.float32)
        if self.shown is not None:
            painted[self.shown] = values
        else:
            np.fmax.at(painted, self.features, np.repeat(values, self.sizes).astype(np.float32))
        return np.asarray(space.paint(painted), dtype=np.float32)


def join(
    sets: Iterable[NDArray[np.int64]], mm: NDArray[np.float64], names: Iterable[str] = (), *notes: str
) -> CenterSets:
    """Make centers from their features, one array each, whose scores are shown in all their voxels."""
    listed = [np.sort(one).astype(np.int32) for one in sets]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in listed])]).astype(np.int64)
    features = np.concatenate(listed) if listed else np.empty(0, dtype=np.int32)
    return CenterSets(features, offsets, mm, tuple(names), notes=notes)
