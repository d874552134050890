"""The ways in which a split can flatter a decoder, each a finding with a name.

What is looked for stands in `leaks` (between the parts) and `designs` (in the labels); a new check is
one function there with `@check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples import leaks  # noqa: F401 - its checks register themselves
from napari_fmri_decoder.samples.designs import unbalanced
from napari_fmri_decoder.samples.findings import Facts, Finding, Severity, check, checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

__all__ = ["Finding", "Severity", "audit", "blocking", "check", "checks", "unbalanced"]


def audit(
    samples: Samples,
    splits: Sequence[Split],
    *,
    allow: Sequence[str] = (),
    neighbours: int = 4,
    mask: MaskConfig | None = None,
    recording: NDArray[np.int64] | None = None,
) -> list[Finding]:
    """Look for all that makes a score mean less than it seems to.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    allow : sequence of str
        Codes of findings that the user overrides.
    neighbours : int
        Positions within which two volumes of one run are neighbours in time: about 10 s over
        the TR. 0 for stacks of maps.
    mask : MaskConfig, optional
        How the mask was made.
    recording : (volumes,) int64 array, optional
        Number of the file that each volume of the series came from: where runs were cut out of one
        file, the end of one is a neighbour of the beginning of the next.

    Returns
    -------
    list of Finding
        Errors first.

    Raises
    ------
    InputError
        If a code in `allow` is unknown.
    """
    unknown = sorted(set(allow) - set(checks))
    if unknown:
        raise InputError(
            f"Findings are allowed by their codes; {', '.join(unknown)} is none. The codes are: "
            f"{', '.join(checks)}."
        )
    facts = Facts(samples, splits, neighbours, mask, recording)
    found = [
        Finding(code, severity, message, code in allow)
        for code, (severity, find) in checks.items()
        if (message := find(facts)) is not None
    ]
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def blocking(findings: Sequence[Finding], allow: Sequence[str] = ()) -> list[Finding]:
    """Give the errors that no one has overridden: with one of them nothing should be trained."""
    return [f for f in findings if f.severity == "error" and not f.allowed and f.code not in allow]
