"""Volume: an array of voxels with an affine and a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.frames import Grid

Kind = Literal["anatomy", "bold", "stat", "mask", "atlas"]
"""What an image shows: anatomy, a BOLD series, a statistical map, a mask, or an atlas of regions."""


class ArrayLike(Protocol):
    """What a Volume requires of its voxels; ndarrays and nibabel's proxies provide it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a series: its path and its number of volumes."""

    path: str
    n_volumes: int


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels with their position in scanner space.

    Attributes
    ----------
    data : (x, y, z) or (x, y, z, n) array
        In the file's voxel order; an ndarray, or a lazy array that is sliced like one.
    affine : (4, 4) float64 array
        Voxel index to scanner RAS+ millimeters.
    kind : {"anatomy", "bold", "stat", "mask", "atlas"}
        What the voxels show.
    step : float or None
        Seconds between the volumes of a BOLD series; None if the last axis is not time (a stack of
        maps) or there is none.
    kind_from, step_from : str
        How it was determined: "stated" by the user, "file" if this program wrote it there, else a reason
        such as "its BIDS suffix (bold)" or "its header". "" if unknown; "assumed" for the TR of an
        unreliable header.
    names : tuple of str
        One name per volume of a stack of maps, else empty.
    name : str
        The file name without its ending.
    parts : tuple of Part
        The files that the volume was read from, in order.
    intent : str or None
        Name of the NIfTI intent of its header, such as "z score" or "t test"; None without one.
    intent_parameters : tuple of float
        Parameters of the intent, such as the degrees of freedom of a t test.
    intent_name : str
        Free text of the header about the intent, such as "face>house"; at most 16 characters.
    space : str
        "scanner", "aligned" (to another scan), "talairach", "mni", "template", or "unknown".
    notes : tuple of str
        Caveats, such as that left and right are not certain.
    regions : mapping of int to str
        Name of each value of an atlas, from a table in its folder or from its header.
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
        """Number of volumes: 1 for a single image."""
        return self.shape[3] if self.is_series else 1

    @property
    def grid(self) -> Grid:
        """The voxel grid in scanner space."""
        x, y, z = self.shape[:3]
        return Grid((x, y, z), self.affine)

    def at(self, index: int) -> NDArray[np.float32]:
        """Read one volume.

        Parameters
        ----------
        index : int
            Index along the last axis; 0 for a single image.

        Returns
        -------
        (x, y, z) float32 array
        """
        voxels = self.data[..., index] if self.is_series else self.data[...]
        return np.asarray(voxels, dtype=np.float32)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Read one volume after another; only one is in memory at a time."""
        return (self.at(i) for i in range(self.n_volumes))

    def load(self) -> Volume:
        """Read all voxels into memory as float32."""
        return replace(self, data=np.asarray(self.data[...], dtype=np.float32))

    def _sums(self) -> Iterator[NDArray[np.float32]]:
        """Yield sums of a few volumes if they are in memory, else each volume."""
        if not isinstance(self.data, np.ndarray) or not self.is_series:
            yield from self
            return
        for i in range(0, self.n_volumes, 16):
            yield self.data[..., i : i + 16].sum(axis=3, dtype=np.float32)

    def _mean(self) -> NDArray[np.float64]:
        total = np.zeros(self.shape[:3], order="F")  # the order of files
        for partial_sum in self._sums():
            total += partial_sum
        if not np.isfinite(total).all():  # rare enough to read the data twice
            total[...] = 0
            for volume in self:
                total += np.nan_to_num(volume, posinf=0.0, neginf=0.0)
        return total / self.n_volumes

    def mean(self) -> Volume:
        """Average over the volumes, read one at a time; values that are not finite count as 0.

        Nothing is read where the mean is known already; see `volumes.moments.with_moments`.

        Returns
        -------
        Volume
            (x, y, z), float32, of the same kind ("anatomy" for a BOLD series).
        """
        known = getattr(self.data, "moments", None)
        mean = self._mean() if known is None else known.mean
        kind: Kind = "anatomy" if self.kind == "bold" else self.kind
        average = mean.astype(np.float32)
        return Volume(average, self.affine, kind, name=f"{self.name} mean".strip(), space=self.space)
