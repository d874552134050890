"""Findings of an audit, the input of its checks, and the registry of checks.

A new check is one function with `@check`, in `leaks` or `designs`. It returns a message with what was
found, in numbers, and what to do, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.mask_coverage import Coverage
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.outside import Outside
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that can make a score misleading.

    Attributes
    ----------
    code : str
        Identifier, for ``[audit] allow``.
    severity : {"error", "warning", "note"}
    message : str
        What was found, in numbers, and what to do.
    allowed : bool
        Whether the user has allowed it by its code.
    """

    code: str
    severity: Severity
    message: str
    allowed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AuditInput:
    """Input of the checks.

    Attributes
    ----------
    samples : Samples
    splits : sequence of Split
    neighbors : int
        Number of volumes within which two volumes of a run share a hemodynamic response; 0 if the
        samples are not a time series.
    mask : MaskConfig or None
        How the mask was made, if known.
    recording : (volumes,) int64 array or None
        Index of the file of each volume of the series, if known.
    balanced : bool
        Whether training balances the classes.
    coverage : Coverage or None
        Numbers of voxels of the mask, if there is one.
    outside : Outside or None
        Voxels outside the mask, if there is one and there are any.
    """

    samples: Samples
    splits: Sequence[Split]
    neighbors: int
    mask: MaskConfig | None = None
    recording: NDArray[np.int64] | None = None
    balanced: bool = False
    coverage: Coverage | None = None
    outside: Outside | None = None


class Check(NamedTuple):
    """A check and the severity of its finding."""

    severity: Severity
    find: Callable[[AuditInput], str | None]


checks: dict[str, Check] = {}
"""Every check by the code of its finding."""

checks_of_scores: dict[str, Severity] = {"confounds-decode-labels": "warning"}
"""Severities of findings that are made together with the scores, by their codes."""


def severities() -> dict[str, Severity]:
    """Return the severity of every finding by its code."""
    return {code: known.severity for code, known in checks.items()} | checks_of_scores


def check(
    code: str, severity: Severity
) -> Callable[[Callable[[AuditInput], str | None]], Callable[[AuditInput], str | None]]:
    """Register a check."""

    def register(find: Callable[[AuditInput], str | None]) -> Callable[[AuditInput], str | None]:
        checks[code] = Check(severity, find)
        return find

    return register
