"""What an audit finds, what it looks at, and the register of its checks.

A new check is one function with `@check`, in `leaks` or `designs`; it says in one message what was
found, in numbers, and what to do, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that makes a score mean less than it seems to.

    Attributes
    ----------
    code : str
        Its name, for ``[audit] allow``.
    severity : {"error", "warning", "note"}
    message : str
        What was found, in numbers, and what to do.
    allowed : bool
        Whether the user overrode it by its code.
    """

    code: str
    severity: Severity
    message: str
    allowed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the checks look at.

    Attributes
    ----------
    samples : Samples
    splits : sequence of Split
    neighbours : int
        Volumes so near one another in a run share a haemodynamic response; 0 where the samples
        are no series in time.
    mask : MaskConfig or None
        How the mask was made, if that is known.
    recording : (volumes,) int64 array or None
        Number of the file that each volume of the series came from, if that is known.
    """

    samples: Samples
    splits: Sequence[Split]
    neighbours: int
    mask: MaskConfig | None = None
    recording: NDArray[np.int64] | None = None


class Check(NamedTuple):
    """A check and how grave its finding is."""

    severity: Severity
    find: Callable[[Facts], str | None]


checks: dict[str, Check] = {}
"""Every check by the code of its finding."""


def check(
    code: str, severity: Severity
) -> Callable[[Callable[[Facts], str | None]], Callable[[Facts], str | None]]:
    """Register a check."""

    def register(find: Callable[[Facts], str | None]) -> Callable[[Facts], str | None]:
        checks[code] = Check(severity, find)
        return find

    return register
