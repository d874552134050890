"""The audit: checks for what may explain a score other than brain activity.

The checks are in `leaks` (between training and test set), `copies` (between runs) and `designs` (in the
labels). A new check is one function there with the decorator `check`.
"""

from napari_fmri_decoder.samples.audit.audit import audit, blocking
from napari_fmri_decoder.samples.audit.designs import unbalanced
from napari_fmri_decoder.samples.audit.findings import (
    AuditInput,
    Finding,
    Severity,
    check,
    checks,
    severities,
)

__all__ = [
    "AuditInput",
    "Finding",
    "Severity",
    "audit",
    "blocking",
    "check",
    "checks",
    "severities",
    "unbalanced",
]
