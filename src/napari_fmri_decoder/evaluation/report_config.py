"""Options of the report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_fmri_decoder.options import Options

Figures = Literal["png", "svg", "both", "none"]


class ReportConfig(Options):
    """Options of the report of a run. They change no score, so a run can be resumed with other options."""

    figures: Figures = Field(
        "png",
        description="Format of the figures: png, svg (drawn to any size), or both, each figure drawn twice; "
        "none draws no figure, which saves a third of the time of a short run.",
    )

    lag_curve: bool = Field(
        False,
        description="Measure the accuracy of lda with the labels 0 to 12 s later, at multiples of the TR, "
        "and draw it. It is always measured if the lag of the labels is nested.",
    )

    @property
    def formats(self) -> tuple[Literal["png", "svg"], ...]:
        """File formats of the figures.

        Examples
        --------
        >>> ReportConfig(figures="both").formats, ReportConfig(figures="none").formats
        (('png', 'svg'), ())
        """
        match self.figures:
            case "both":
                return "png", "svg"
            case "none":
                return ()
            case one:
                return (one,)
