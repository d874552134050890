"""Samples: what a decoder learns from, and where each of its features lies in the head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Grid

Layout = Literal["vector", "planes", "volume"]
"""How a decoder takes a sample: its voxels in a row; (plane, in-plane 1, in-plane 2); (1, x, y, z)."""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The voxels that the features come from.

    Attributes
    ----------
    grid : Grid
        In scanner space (for a rotated slab oblique).
    mask : (x, y, z) bool array
        The voxels that are features, in C order.
    axis : {0, 1, 2}
        The axis across the planes of the slab, which "planes" takes as channels.
    """

    grid: Grid
    mask: NDArray[np.bool_]
    axis: int = 2

    def __post_init__(self) -> None:
        if self.mask.shape != self.grid.shape:
            raise InputError(
                f"A mask must lie on the grid of its data, got shape {self.mask.shape} on {self.grid.shape}."
            )
        if not self.mask.any():
            raise InputError(
                "A mask must keep at least one voxel of the data, found none. "
                "Lower its threshold, or check that mask and data overlap."
            )

    @property
    def n_features(self) -> int:
        """How many voxels there are."""
        return int(self.mask.sum())

    def only(self, chosen: NDArray[np.bool_] | None) -> Space:
        """Keep some of the features, (features,) bool; all if None."""
        if chosen is None:
            return self
        mask = self.mask.copy()
        mask[self.mask] = chosen
        return replace(self, mask=mask)

    def input_shape(self, layout: Layout) -> tuple[int, ...]:
        """Shape of one sample in `layout`, without the sample axis."""
        if layout == "vector":
            return (self.n_features,)
        if layout == "volume":
            return (1, *self.grid.shape)
        in_plane = [n for i, n in enumerate(self.grid.shape) if i != self.axis]
        return (self.grid.shape[self.axis], *in_plane)

    def paint(self, values: NDArray[Any], fill: float = np.nan) -> NDArray[Any]:
        """Lay features back into the volume.

        Parameters
        ----------
        values : (..., features) array
        fill : float
            What stands outside the mask.

        Returns
        -------
        (..., x, y, z) array
        """
        out = np.full((*values.shape[:-1], *self.grid.shape), fill, dtype=values.dtype)
        out[..., self.mask] = values
        return out

    def arrange(self, X: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
        """Arrange samples as a network takes them; 0 stands outside the mask.

        Parameters
        ----------
        X : (n, features) float32 array
        layout : {"vector", "planes", "volume"}

        Returns
        -------
        (n, features), (n, plane, in-plane 1, in-plane 2) or (n, 1, x, y, z) float32 array
        """
        if layout == "vector":
            return X
        volumes = self.paint(X, fill=0.0)
        if layout == "volume":
            return volumes[:, None]
        return np.ascontiguousarray(np.moveaxis(volumes, 1 + self.axis, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Labelled patterns.

    Attributes
    ----------
    X : (n, features) float32 array
    table : DataFrame of n rows
        Columns `volume` (int, position in the series; the first of a block where blocks were
        averaged), `label`, `subject`, `session`, `run` (str), `block` (int: consecutive
        volumes of one label and run share it).
    classes : tuple of str
        Sorted; `y` counts in it.
    space : Space
    notes : tuple of str
        What was left out or changed on the way, in sentences.
    came_scaled : bool
        Whether the voxels had been scaled over all volumes together when they were read, and no
        standardising within runs has undone it; for the audit.
    averaged : (m, 2) int64 array, or None
        Where volumes were averaged: row of a sample, and a volume that went into it, one row per
        volume; None where each sample is one volume.
    """

    X: NDArray[np.float32]
    table: pd.DataFrame
    classes: tuple[str, ...]
    space: Space
    notes: tuple[str, ...] = ()
    came_scaled: bool = False
    averaged: NDArray[np.int64] | None = None

    @property
    def volumes(self) -> NDArray[np.int64]:
        """(m, 2) row of each sample and each volume that went into it, in the order of samples."""
        if self.averaged is not None:
            return self.averaged
        return np.column_stack([np.arange(len(self.table)), self.table["volume"].to_numpy(dtype=np.int64)])

    @property
    def y(self) -> NDArray[np.int64]:
        """(n,) positions of the labels in `classes`."""
        codes = pd.Categorical(self.table["label"], categories=list(self.classes)).codes
        return np.asarray(codes, dtype=np.int64)

    @property
    def groups(self) -> NDArray[np.str_]:
        """(n,) keys of (subject, session, run): what a split keeps together."""
        return group_keys(self.table)

    def relabelled(self, labels: NDArray[Any]) -> Samples:
        """The same patterns under other labels, (n,) str."""
        return replace(self, table=self.table.assign(label=labels))


def group_keys(table: pd.DataFrame) -> NDArray[np.str_]:
    """(n,) keys of (subject, session, run), without the parts that are empty throughout.

    Examples
    --------
    >>> group_keys(pd.DataFrame({"subject": ["", ""], "session": ["", ""], "run": ["1", "2"]})).tolist()
    ['1', '2']
    """
    columns = [table[c].astype(str).tolist() for c in ("subject", "session", "run")]
    named = [column for column in columns if any(column)]
    keys = ["/".join(parts) for parts in zip(*named, strict=True)] if named else [""] * len(table)
    return np.asarray(keys, dtype=np.str_)
