"""Samples: labeled patterns for a decoder, and the voxel of each feature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.names import spellings

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.layout import Layout
    from napari_fmri_decoder.volumes.frames import Grid

RUN_COLUMNS = ("subject", "session", "run")
"""Columns that name the run of a volume."""
LAG_COLUMN = "label_lag"
"""Column of samples at several lags of the labels, of which each fold uses one."""
OWN_COLUMNS = ("volume", "label", *RUN_COLUMNS, "block", LAG_COLUMN)
"""Columns of a label table with a fixed meaning; others are those of the user's files, as text."""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The voxels that the features come from.

    Attributes
    ----------
    grid : Grid
        In scanner space (oblique for a rotated slab).
    mask : (x, y, z) bool array
        The voxels that are features, in C order.
    axis : {0, 1, 2}
        The axis perpendicular to the planes of the slab; the channels of layout "planes".
    """

    grid: Grid
    mask: NDArray[np.bool_]
    axis: int = 2

    def __post_init__(self) -> None:
        if self.mask.shape != self.grid.shape:
            raise InputError(
                f"A mask must be on the grid of its data, got shape {self.mask.shape} on {self.grid.shape}."
            )
        if not self.mask.any():
            raise InputError(
                "A mask must keep at least one voxel of the data, found none. "
                "Lower its threshold, or check that mask and data overlap."
            )

    @property
    def n_features(self) -> int:
        """Number of voxels."""
        return int(self.mask.sum())

    def only(self, selected: NDArray[np.bool_] | None) -> Space:
        """Keep some of the features, (features,) bool; all if None."""
        if selected is None:
            return self
        mask = self.mask.copy()
        mask[self.mask] = selected
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
        """Put features back into their voxels.

        Parameters
        ----------
        values : (..., features) array
        fill : float
            Value outside the mask.

        Returns
        -------
        (..., x, y, z) array
        """
        out = np.full((*values.shape[:-1], *self.grid.shape), fill, dtype=values.dtype)
        out[..., self.mask] = values
        return out

    def arrange(self, X: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
        """Arrange samples in the layout of a network; 0 outside the mask.

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
    """Labeled patterns.

    Attributes
    ----------
    X : (n, features) float32 array
    table : DataFrame of n rows
        Columns `volume` (int, position in the series; the first of a block if blocks were
        averaged), `label`, `subject`, `session`, `run` (str), `block` (int, shared by consecutive
        volumes of one label and run), and columns of the user's files (str).
    classes : tuple of str
        Sorted; `y` indexes into it.
    space : Space
    notes : tuple of str
        Sentences on what was excluded or changed.
    came_scaled : bool
        Whether the voxels were already scaled over all volumes together when they were read, and
        were not standardized within runs since; for the audit.
    averaged : (m, 2) int64 array, or None
        If volumes were averaged: the row of a sample and a volume that was averaged into it, one row per
        volume; None if each sample is one volume.
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
        """(m, 2) row of each sample and each of its volumes, in the order of samples."""
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
        """(n,) keys of (subject, session, run), which a split keeps together."""
        return group_keys(self.table)

    @property
    def of_last_lag(self) -> Samples:
        """Those at the lag of the labels that most folds chose; all if there is only one."""
        if LAG_COLUMN not in self.table:
            return self
        lags = self.table[LAG_COLUMN].to_numpy(dtype=str)
        rows = np.flatnonzero(lags == lags[-1])
        averaged = self.averaged
        if averaged is not None:
            averaged = averaged[np.isin(averaged[:, 0], rows)] - np.array([rows[0], 0])
        table = self.table.iloc[rows].drop(columns=LAG_COLUMN).reset_index(drop=True)
        return replace(self, X=self.X[rows], table=table, averaged=averaged)

    def relabeled(self, labels: NDArray[Any]) -> Samples:
        """The same patterns with other labels, (n,) str."""
        return replace(self, table=self.table.assign(label=labels))


def group_keys(table: pd.DataFrame) -> NDArray[np.str_]:
    """(n,) keys of (subject, session, run), without parts that are empty in every row.

    Labels that differ only in leading zeros, such as 1 and 01, are the same; the first spelling is used.

    Examples
    --------
    >>> group_keys(pd.DataFrame({"subject": ["", ""], "session": ["", ""], "run": ["1", "2"]})).tolist()
    ['1', '2']
    """
    columns = {c: table[c].astype(str).tolist() for c in RUN_COLUMNS}
    named = []
    for kind, column in columns.items():
        if any(column):
            variants = spellings(column, kind)
            named.append([variants.get(label, label) for label in column] if variants else column)
    keys = ["/".join(parts) for parts in zip(*named, strict=True)] if named else [""] * len(table)
    return np.asarray(keys, dtype=np.str_)
