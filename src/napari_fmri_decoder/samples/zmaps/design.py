"""Design matrices of a run: regressors of the events, drift and confounds."""

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

    from napari_fmri_decoder.samples.labels.event import Event
    from napari_fmri_decoder.samples.zmaps.config import ZMapsConfig
    from napari_fmri_decoder.samples.zmaps.runs import Run

_EVENT_PREFIX = "event "
"""Of the names of event regressors, so that none equals the name of a drift or confound."""
_MIN_UNIQUE = 1e-6
"""Smallest norm of a unit regressor after projecting out the others, for its map to be estimable."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What one map estimates.

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
        Index of the regressor of each target.
    n_events : int
        Number of event regressors, which come first; the others are drift, constant and confounds, the
        same in every model of the run.
    """

    matrix: NDArray[np.float64]
    columns: tuple[int, ...]
    n_events: int


def targets_of(run: Run, config: ZMapsConfig) -> list[Target]:
    """List the maps of a run: one per condition, by name, or one per trial, by onset."""
    if config.estimate == "run":
        names = sorted({event.label for event in run.events})
        return [Target(name, 0, tuple(e for e in run.events if e.label == name)) for name in names]
    return [Target(event.label, i + 1, (event,)) for i, event in enumerate(run.events)]


def events_of(targets: Sequence[Target]) -> tuple[Event, ...]:
    """All events of the targets, by onset."""
    return tuple(sorted((e for t in targets for e in t.events), key=lambda event: event.onset))


def designs(
    run: Run,
    targets: Sequence[Target],
    step: float,
    config: ZMapsConfig,
    confounds: pd.DataFrame | None = None,
) -> Iterator[Design]:
    """Build the models of a run: one for all targets, or for LSS one per target.

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
        names = [_EVENT_PREFIX + (f"{t.trial:05d}" if t.trial else t.label) for t in targets]
        rows = [(event, name) for target, name in zip(targets, names, strict=True) for event in target.events]
        yield _design(run, rows, names, step, config, confounds)
        return
    for target in targets:
        (trial,) = target.events
        name = f"{_EVENT_PREFIX}of this trial"
        rows = [(e, name if e is trial else f"{_EVENT_PREFIX}{e.label}, others") for e in run.events]
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
        # nilearn warns about events that are duplicated, last 0 s, end before the scan, or cover no volume
        # (their regressor is 0)
        warnings.simplefilter("ignore", UserWarning)
        table = make_first_level_design_matrix(
            frame_times(run, step, config.reference_time),
            events,
            hrf_model=None if config.hrf == "none" else config.hrf,
            drift_model=None if config.drift == "none" else config.drift,
            high_pass=config.high_pass,
            drift_order=config.drift_order,
            add_regs=confounds if confounds is not None and confounds.shape[1] else None,
        )
    columns = list(table.columns)
    n_events = sum(str(name).startswith(_EVENT_PREFIX) for name in columns)
    return Design(table.to_numpy(np.float64), tuple(columns.index(name) for name in names), n_events)


def estimable(
    run: Run,
    targets: Sequence[Target],
    step: float,
    config: ZMapsConfig,
    confounds: pd.DataFrame | None = None,
) -> tuple[list[Target], list[str]]:
    """Select the targets whose events cover a volume, and check that their model can be estimated.

    Returns
    -------
    targets : list of Target
    notes : list of str

    Raises
    ------
    InputError
        If there are no more volumes than regressors, or the regressor of a map is a linear combination
        of the others.
    """
    together = config.model_copy(update={"estimate": "lsa"}) if config.estimate == "lss" else config
    (design,) = designs(run, targets, step, together, confounds)
    covered = [bool(np.abs(design.matrix[:, column]).max() > 1e-12) for column in design.columns]
    selected = [target for target, is_covered in zip(targets, covered, strict=True) if is_covered]
    notes = []
    if len(selected) < len(targets):
        first = targets[covered.index(False)]
        notes.append(
            f"{len(targets) - len(selected)} map(s) of {run} are skipped, because their events cover no "
            f"volume, such as {first.events[0]}."
        )
    if selected:
        run = replace(run, events=events_of(selected))
        check_design(run, selected, next(designs(run, selected, step, config, confounds)), config)
    return selected, notes


def check_design(run: Run, targets: Sequence[Target], design: Design, config: ZMapsConfig) -> None:
    """Raise an error if a model cannot be estimated; see `estimable`."""
    n, p = design.matrix.shape
    if p >= n:
        remedy = 'Use separate models (estimate = "lss"),' if config.estimate == "lsa" else "Use"
        raise InputError(
            f"A model must have fewer regressors than volumes; that of {run} has {p} for {n} volumes. "
            f"{remedy} fewer confounds, or a lower high_pass."
        )
    scaled = design.matrix / np.maximum(np.linalg.norm(design.matrix, axis=0), 1e-300)
    for target, column in zip(targets, design.columns, strict=False):
        others = np.delete(scaled, column, axis=1)
        regressor = scaled[:, column]
        unique = regressor - others @ np.linalg.lstsq(others, regressor, rcond=1e-10)[0]
        if np.linalg.norm(unique) < _MIN_UNIQUE:
            trial = f", trial {target.trial}," if target.trial else ""
            raise InputError(
                f"The events of each map must be linearly independent of the other regressors, but in {run} "
                f"those of {target.label}{trial} are given by the other events, drift and confounds. Exclude "
                "the label of the baseline (rest), or use fewer confounds or another drift model."
            )
