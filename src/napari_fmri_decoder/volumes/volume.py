"""Volume: an array of voxels that knows where it lies and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Grid

Kind = Literal["anatomy", "bold", "stat", "mask", "atlas"]
"""What an image shows: grey anatomy, a BOLD series, a statistical map, a mask, or an atlas of regions."""


class ArrayLike(Protocol):
    """What a Volume needs of its voxels: an ndarray has it, and so have nibabel's proxies."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what slicing gives."""

    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a series: its path and how many volumes it gives."""

    path: str
    n_volumes: int


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels with their place in scanner space.

    Attributes
    ----------
    data : (x, y, z) or (x, y, z, n) array
        In the file's voxel order; an ndarray, or anything lazy that is sliced like one.
    affine : (4, 4) float64 array
        Voxel index to scanner RAS+ millimetres.
    kind : {"anatomy", "bold", "stat", "mask", "atlas"}
        What the voxels show.
    step : float or None
        Seconds from one volume to the next of a BOLD series; None where the last axis is
        no time (a stack of maps) or there is none.
    kind_from, step_from : str
        What says so: "stated" by the user, "file" where this program wrote it there, else in words,
        such as "its BIDS suffix (bold)" and "its header". "" where nothing is known of it; a step
        "assumed" is that of a header that may not mean it.
    names : tuple of str
        One name per volume of a stack of maps, else empty.
    name : str
        What a person calls it: the file name without its endings.
    parts : tuple of Part
        The files that the series was read from, in order.
    intent : str or None
        Name of the NIfTI intent of its header, such as "z score" or "t test"; None without one.
    intent_parameters : tuple of float
        Of the intent: the degrees of freedom of a t test.
    intent_name : str
        What its header calls it beside, such as "face>house"; at most 16 letters.
    space : str
        "scanner", "aligned" (to another scan), "talairach", "mni", "template", or "unknown".
    notes : tuple of str
        What to know before believing the image, such as that left and right are not certain.
    regions : mapping of int to str
        Name of each value of an atlas, where a table lay beside it, or in its header.
    """

    data: ArrayLike
    affine: NDArray[np.float64]
    kind: Kind = "anatomy"
    step: float | None = None
    names: tuple[str, ...] = ()
    name: str = ""
    parts: tuple[Part, ...] = field(default=())
    intent: str | None = None
    intent_parameters: tuple[float, ...] = ()
    intent_name: str = ""
    space: str = "unknown"
    notes: tuple[str, ...] = ()
    regions: Mapping[int, str] = field(default_factory=dict)
    kind_from: str = ""
    step_from: str = ""

    def __post_init__(self) -> None:
        if self.data.ndim not in (3, 4):
            raise InputError(
                f"A volume must have 3 axes (x, y, z) or 4 (x, y, z, n), got shape {tuple(self.data.shape)}."
            )
        if self.names and len(self.names) != self.n_volumes:
            raise InputError(
                f"A series of {self.n_volumes} volumes must have as many names, got {len(self.names)}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array, (x, y, z) or (x, y, z, n)."""
        return tuple(int(n) for n in self.data.shape)

    @property
    def is_series(self) -> bool:
        """Whether there is a fourth axis."""
        return self.data.ndim == 4

    @property
    def n_volumes(self) -> int:
        """How many volumes there are: 1 for a single image."""
        return self.shape[3] if self.is_series else 1

    @property
    def grid(self) -> Grid:
        """The voxels' grid in scanner space."""
        x, y, z = self.shape[:3]
        return Grid((x, y, z), self.affine)

    def at(self, index: int) -> NDArray[np.float32]:
        """Read one volume.

        Parameters
        ----------
        index : int
            Position along the last axis; 0 for a single image.

        Returns
        -------
        (x, y, z) float32 array
        """
        picked = self.data[..., index] if self.is_series else self.data[...]
        return np.asarray(picked, dtype=np.float32)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Read volume after volume, one in memory at a time."""
        return (self.at(i) for i in range(self.n_volumes))

    def load(self) -> Volume:
        """Read all voxels into memory as float32."""
        return replace(self, data=np.asarray(self.data[...], dtype=np.float32))

    def _sums(self) -> Iterator[NDArray[np.float32]]:
        """Sums of a few volumes at a time, if they are in memory; else each of them."""
        if not isinstance(self.data, np.ndarray) or not self.is_series:
            yield from self
            return
        for i in range(0, self.n_volumes, 16):
            yield self.data[..., i : i + 16].sum(axis=3, dtype=np.float32)

    def mean(self) -> Volume:
        """Average over the volumes, read one at a time; NaN counts as 0.

        Returns
        -------
        Volume
            (x, y, z), float32, of the same kind ("anatomy" for a BOLD series).
        """
        total = np.zeros(self.shape[:3], order="F")  # as files are stored
        for few in self._sums():
            total += few
        if not np.isfinite(total).all():  # seldom enough to read twice
            total[...] = 0
            for volume in self:
                total += np.nan_to_num(volume)
        kind: Kind = "anatomy" if self.kind == "bold" else self.kind
        average = (total / self.n_volumes).astype(np.float32)
        return Volume(average, self.affine, kind, name=f"{self.name} mean".strip(), space=self.space)
