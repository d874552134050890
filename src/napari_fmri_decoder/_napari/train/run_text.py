"""What the Train dock says about a run that ended, or that was opened from its folder."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.headline import run_headline

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun

REPLACED = "Its layers replace those of {}; that run is under Recent runs in View and in Look inside."


def run_html(run: RunResult | SavedRun, replaced: RunResult | None = None) -> str:
    """Headline and folder of a run, scores without voxels, and whose layers it replaces, as HTML.

    Parameters
    ----------
    run : RunResult or SavedRun
    replaced : RunResult, optional
        The run whose layers were shown before.
    """
    nuisance = run.scores.nuisance.sentence if run.scores.nuisance else ""
    lines = [run_headline(run.scores).html, *map(escape, filter(None, (nuisance, str(run.folder))))]
    if replaced is not None and replaced.folder != run.folder:
        lines.append(escape(REPLACED.format(replaced.folder.name)))
    return "<br>".join(lines)


def warnings_text(result: RunResult) -> str:
    """Point to the warnings of the audit, which do not stop a run; "" if there are none."""
    n = sum(finding.severity == "warning" for finding in result.scores.audit)
    return f" Check lists {n} warning{'s' if n > 1 else ''}." if n else ""
