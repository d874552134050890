"""Design matrices of a run: what is looked for, beside what is only accounted for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.zmaps.runs import frame_times

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder.samples.labels.assigning import Event
    from napari_fmri_decoder.samples.zmaps.runs import Run
    from napari_fmri_decoder.samples.zmaps_config import ZMapsConfig

_EVENT = "event "
"""Before the names of events' regressors, so that none is called as a drift or confound is."""
_ALONE = 1e-6
"""Part of a regressor that the others must leave over, for its map to be told from theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What one map shows.

    Attributes
    ----------
    label : str
    trial : int
        Number of the trial within its run, from 1; 0 for all events of the label.
    events : tuple of Event
    """

    label: str
    trial: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """One model of a run.

    Attributes
    ----------
    matrix : (n, regressors) float64 array
    columns : tuple of int
        The regressor of each target.
    n_events : int
        The first so many regressors are those of events; all others are drift, constant and
        confounds, the same in every model of the run.
    """

    matrix: NDArray[np.float64]
    columns: tuple[int, ...]
    n_events: int


def targets_of(run: Run, config: ZMapsConfig) -> list[Target]:
    """List the maps of a run: one per condition by name, or one per trial in time."""
    if config.estimate == "run":
        names = sorted({event.label for event in run.events})
        return [Target(name, 0, tuple(e for e in run.events if e.label == name)) for name in names]
    return [Target(event.label, i + 1, (event,)) for i, event in enumerate(run.events)]


def events_of(targets: Sequence[Target]) -> tuple[Event, ...]:
    """All events of some targets, by onset."""
    return tuple(sorted((e for t in targets for e in t.events), key=lambda event: event.onset))


def designs(
    run: Run,
    targets: Sequence[Target],
    step: float,
    config: ZMapsConfig,
    confounds: pd.DataFrame | None = None,
) -> Iterator[Design]:
    """Make the models of a run: one for all targets, or for LSS one for each.

    Parameters
    ----------
    run : Run
    targets : sequence of Target
        From `targets_of`.
    step : float
        TR in seconds.
    config : ZMapsConfig
    confounds : DataFrame of n rows, optional

    Yields
    ------
    Design
    """
    if config.estimate != "lss":
        names = [_EVENT + (f"{t.trial:05d}" if t.trial else t.label) for t in targets]
        rows = [(event, name) for target, name in zip(targets, names, strict=True) for event in target.events]
        yield _design(run, rows, names, step, config, confounds)
        return
    for target in targets:
        (own,) = target.events
        name = f"{_EVENT}of this trial"
        rows = [(e, name if e is own else f"{_EVENT}{e.label}, others") for e in run.events]
        yield _design(run, rows, [name], step, config, confounds)


def _design(
    run: Run,
    rows: Sequence[tuple[Event, str]],
    names: Sequence[str],
    step: float,
    config: ZMapsConfig,
    confounds: pd.DataFrame | None,
) -> Design:
    import pandas as pd
    from nilearn.glm.first_level import make_first_level_design_matrix

    events = pd.DataFrame(
        {
            "onset": [event.onset + config.lag for event, _ in rows],
            "duration": [event.duration for event, _ in rows],
            "trial_type": [name for _, name in rows],
        }
    )
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        # of events that are there twice, that last 0 s, that ended long before the images, or that
        # touch no volume (their regressor is 0)
        warnings.simplefilter("ignore", UserWarning)
        table = make_first_level_design_matrix(
            frame_times(run, step, config.moment),
            events,
            hrf_model=None if config.hrf == "none" else config.hrf,
            drift_model=None if config.drift == "none" else config.drift,
            high_pass=config.high_pass,
            drift_order=config.drift_order,
            add_regs=confounds if confounds is not None and confounds.shape[1] else None,
        )
    columns = list(table.columns)
    n_events = sum(str(name).startswith(_EVENT) for name in columns)
    return Design(table.to_numpy(np.float64), tuple(columns.index(name) for name in names), n_events)


def estimable(
    run: Run,
    targets: Sequence[Target],
    step: float,
    config: ZMapsConfig,
    confounds: pd.DataFrame | None = None,
) -> tuple[list[Target], list[str]]:
    """Keep the targets whose events touch a volume, and see that a model of the rest has an answer.

    Returns
    -------
    targets : list of Target
    notes : list of str

    Raises
    ------
    InputError
        If there are no more volumes than regressors, or the events of one map cannot be told from
        the rest of its model.
    """
    together = config.model_copy(update={"estimate": "lsa"}) if config.estimate == "lss" else config
    (design,) = designs(run, targets, step, together, confounds)
    touched = [bool(np.abs(design.matrix[:, column]).max() > 1e-12) for column in design.columns]
    kept = [target for target, there in zip(targets, touched, strict=True) if there]
    notes = []
    if len(kept) < len(targets):
        unseen = targets[touched.index(False)]
        notes.append(
            f"{len(targets) - len(kept)} map(s) of {run} are left out, as their events touch no volume, such "
            f"as {unseen.events[0]}."
        )
    if kept:
        run = replace(run, events=events_of(kept))
        check_design(run, kept, next(designs(run, kept, step, config, confounds)), config)
    return kept, notes


def check_design(run: Run, targets: Sequence[Target], design: Design, config: ZMapsConfig) -> None:
    """Refuse a model that has no answer; see `estimable`."""
    n, p = design.matrix.shape
    if p >= n:
        apart = 'Estimate trials apart (estimate = "lss"), or take' if config.estimate == "lsa" else "Take"
        raise InputError(
            f"A model must have fewer regressors than volumes; that of {run} has {p} for {n} volumes. "
            f"{apart} fewer confounds, or a lower high_pass."
        )
    scaled = design.matrix / np.maximum(np.linalg.norm(design.matrix, axis=0), 1e-300)
    for target, column in zip(targets, design.columns, strict=False):
        others = np.delete(scaled, column, axis=1)
        own = scaled[:, column]
        left = own - others @ np.linalg.lstsq(others, own, rcond=1e-10)[0]
        if np.linalg.norm(left) < _ALONE:
            trial = f", trial {target.trial}," if target.trial else ""
            raise InputError(
                f"The events of each map must differ from the rest of the model, but in {run} those of "
                f"{target.label}{trial} are given by the others, drift and confounds. Exclude the label of "
                "the baseline (rest), or choose fewer confounds or another drift."
            )
