"""Run all checks for problems that can inflate a score, and select the findings that block training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.audit import copies, leaks, selection, units  # noqa: F401 - have checks
from napari_fmri_decoder.samples.audit.findings import AuditInput, Finding, checks, severities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.mask_coverage import Coverage
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.outside import Outside
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split


def audit(
    samples: Samples,
    splits: Sequence[Split],
    *,
    allow: Sequence[str] = (),
    neighbors: int = 4,
    mask: MaskConfig | None = None,
    recording: NDArray[np.int64] | None = None,
    balanced: bool = False,
    coverage: Coverage | None = None,
    outside: Outside | None = None,
) -> list[Finding]:
    """Check samples and splits for problems that can make a score misleading.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    allow : sequence of str
        Codes of findings that the user allows.
    neighbors : int
        Number of volumes within which two volumes of one run are neighbors in time: about 10 s divided
        by the TR. 0 for stacks of maps.
    mask : MaskConfig, optional
        How the mask was made.
    recording : (volumes,) int64 array, optional
        Index of the file of each volume of the series. If several runs are in one file, the end of a
        run is a neighbor of the start of the next.
    balanced : bool
        Whether training balances the classes; the headline score of unequal classes is the balanced
        accuracy anyway.
    coverage : Coverage, optional
        Numbers of voxels of the mask.
    outside : Outside, optional
        Voxels outside the mask.

    Returns
    -------
    list of Finding
        Errors first.

    Raises
    ------
    InputError
        If a code in `allow` is unknown.
    """
    codes = severities()
    unknown = sorted(set(allow) - set(codes))
    if unknown:
        raise InputError(
            f"allow must list codes of findings; {', '.join(unknown)} is not a code. The codes are: "
            f"{', '.join(codes)}."
        )
    data = AuditInput(samples, splits, neighbors, mask, recording, balanced, coverage, outside)
    found = [
        Finding(code, severity, message, code in allow)
        for code, (severity, find) in checks.items()
        if (message := find(data)) is not None
    ]
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def blocking(findings: Sequence[Finding], allow: Sequence[str] = ()) -> list[Finding]:
    """Select the errors that are not allowed; with any of them, training should not start."""
    return [f for f in findings if f.severity == "error" and not f.allowed and f.code not in allow]
