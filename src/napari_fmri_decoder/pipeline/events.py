"""Events of a run, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.history import history_table
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.training.events import FittedModel, FoldResult, TrainingEvent

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.evaluation.lag_curve import LagCurve
    from napari_fmri_decoder.evaluation.permutations import PermutationsDone
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.nuisance import Nuisance
    from napari_fmri_decoder.samples.pairing import PairingRow
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.volumes.moments import Moments
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class Stage:
    """Event: a new stage begins."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Event: everything is ready for training.

    Attributes
    ----------
    recipe : Recipe
        Resolved: with the slab's grid and every training option.
    series : Volume
        The series that was read, or the z-maps computed from it.
    table : DataFrame
        One row per volume of the series.
    samples : Samples
    splits : tuple of Split
    findings : tuple of Finding
    notes : tuple of str
        How the data were processed, what was excluded or changed, and caveats.
    treatment : str
        How the data were processed: the first of the notes.
    pairing : tuple of PairingRow
        Files paired with each image: events, confounds, sidecar; and its run.
    moments : Moments or None
        Mean and standard deviation of each voxel of the series; None if no figure shows them.
    lag : LagCurve or None
        Accuracy by the lag of the labels, if it was requested or chosen.
    nuisance : tuple of Nuisance
        Motion and other confounds of the series, whether they are regressed out or not.
    """

    recipe: Recipe
    series: Volume
    table: pd.DataFrame
    samples: Samples
    splits: tuple[Split, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    treatment: str = ""
    pairing: tuple[PairingRow, ...] = ()
    moments: Moments | None = None
    lag: LagCurve | None = None
    nuisance: tuple[Nuisance, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """Result of a run.

    Attributes
    ----------
    folder : Path
    prepared : Prepared
    folds : tuple of FoldResult
    scores : Scores
    model : FittedModel
        Fitted on all samples.
    permutations : PermutationsDone or None
    """

    folder: Path
    prepared: Prepared
    folds: tuple[FoldResult, ...]
    scores: Scores
    model: FittedModel
    permutations: PermutationsDone | None = None

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return self.prepared.recipe

    @property
    def predictions(self) -> pd.DataFrame:
        """The predictions for held-out samples; see `predictions_table`."""
        return predictions_table(self.folds, self.prepared.samples)

    @property
    def history(self) -> pd.DataFrame:
        """Loss and accuracy by epoch; see `history_table`."""
        return history_table(self.folds)


@dataclass(frozen=True, slots=True, eq=False)
class RunDone:
    """Event: the run is complete; its folder has been written."""

    result: RunResult


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Event: a run in a separate process is working; the caller can stop it here."""


@dataclass(frozen=True, slots=True)
class SubjectDone:
    """Event: a subject of a study has ended.

    Attributes
    ----------
    folder : Path
        Its run folder.
    problem : str
        Why it has no scores; "" if it has.
    """

    folder: Path
    problem: str = ""


PipelineEvent = TrainingEvent | Stage | Prepared | RunDone | Heartbeat | SubjectDone


OVERRIDE = " To train anyway, set audit.allow = "
"""Begins the last sentence of an `AuditError`."""


class AuditError(InputError):
    """The audit found errors that the recipe does not allow, so nothing is trained.

    Attributes
    ----------
    findings : tuple of Finding
    found : str
        Their sentences, without how to override them.
    prepared : Prepared or None
        The samples in which they were found, with all findings; None from another process.
    """

    def __init__(self, findings: Sequence[Finding], prepared: Prepared | None = None) -> None:
        self.findings, self.prepared = tuple(findings), prepared
        self.found = " ".join(f"{f.message} [{f.code}]" for f in findings)
        super().__init__(f"{self.found}{OVERRIDE}{[f.code for f in findings]} in the recipe.")

    def __reduce__(self) -> tuple[type[AuditError], tuple[tuple[Finding, ...]]]:
        """Pickle by the findings."""
        return type(self), (self.findings,)
