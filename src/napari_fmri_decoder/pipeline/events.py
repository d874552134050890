"""What a run tells on its way, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.events import FittedModel, FoldResult, TrainingEvent

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.evaluation.null import PermutationsDone
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.recipe import Recipe
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.pairing import PairingRow
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split
    from napari_fmri_decoder.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class Stage:
    """A new part of the work begins."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """All that stands before training begins.

    Attributes
    ----------
    recipe : Recipe
        Resolved: with the slab's grid and every training option.
    series : Volume
        As it was read, or the z-maps that were made of it.
    table : DataFrame
        One row per volume of the series.
    samples : Samples
    splits : tuple of Split
    findings : tuple of Finding
    notes : tuple of str
        What was done to the data, what to know before believing it, what was left out or changed.
    treatment : str
        What was done to the data, in words: the first of the notes.
    pairing : tuple of PairingRow
        What was put to each image: events, confounds, sidecar, run.
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


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What a run gave.

    Attributes
    ----------
    folder : Path
    prepared : Prepared
    folds : tuple of FoldResult
    scores : Scores
    model : FittedModel
        Refitted on all samples.
    permutations : PermutationsDone or None
    """

    folder: Path
    prepared: Prepared
    folds: tuple[FoldResult, ...]
    scores: Scores
    model: FittedModel
    permutations: PermutationsDone | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RunDone:
    """The run has ended; its folder is written."""

    result: RunResult


@dataclass(frozen=True, slots=True)
class Alive:
    """A run in a process of its own goes on: a place to stop, while it tells nothing else."""


PipelineEvent = TrainingEvent | Stage | Prepared | RunDone | Alive


class AuditError(InputError):
    """The audit found errors that the recipe does not allow: with them nothing should be trained.

    Attributes
    ----------
    findings : tuple of Finding
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(
            " ".join(f"{f.message} [{f.code}]" for f in findings)
            + f" To go on all the same, write audit.allow = {[f.code for f in findings]} in the recipe."
        )

    def __reduce__(self) -> tuple[type[AuditError], tuple[tuple[Finding, ...]]]:
        """Go through a pipe as what it was made of."""
        return type(self), (self.findings,)
