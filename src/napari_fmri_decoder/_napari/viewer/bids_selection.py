"""The selection in a BIDS folder that the series was opened from, as the options of a recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import DataConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.samples.bids.dataset import BidsRun

NO_SERIES = "Open the runs of one subject in the Labels dock, under BIDS folder, first."
NOT_BIDS = (
    "The series was not opened from a BIDS folder. Open the runs of one subject in the Labels dock, under "
    "BIDS folder."
)
NOT_FOR_ALL = (
    "The same sessions and runs must be selected for all subjects, but the selected runs are not complete "
    "sessions or the same runs of each session. Select others in the Labels dock, under BIDS folder."
)


class BidsSelection:
    """What was selected when runs of a BIDS folder were opened; get it by `session.part(BidsSelection)`.

    Attributes
    ----------
    masks : frozenset of str
        Brain masks of the runs that belong to the selection, of all subjects.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._data: DataConfig | None = None
        self._problem = ""
        self._files: frozenset[str] = frozenset()
        self.masks: frozenset[str] = frozenset()

    def choose(
        self,
        folder: Path,
        every: Sequence[BidsRun],
        listed: Sequence[BidsRun],
        chosen: Sequence[BidsRun],
    ) -> None:
        """Keep the selection of runs that are opened.

        Parameters
        ----------
        folder : Path
            The dataset.
        every : sequence of BidsRun
            Its runs.
        listed, chosen : sequence of BidsRun
            Runs of one subject, task and space, and those of them that were selected.
        """
        first = chosen[0]
        like = [run for run in every if (run.task, run.space) == (first.task, first.space)]
        self._files = frozenset(_absolute(run.bold for run in like))
        self.masks = frozenset(_absolute(run.mask for run in like if run.mask is not None))
        self._data, self._problem = None, ""
        try:
            filters = run_filters(listed, chosen)
        except InputError as error:
            self._problem = str(error)
            return
        tasks = (first.task,) if first.task else ()
        self._data = DataConfig(bids=str(folder.absolute()), tasks=tasks, space=first.space, **filters)

    def study(self) -> DataConfig:
        """Return the dataset of the series, with the selection for all subjects.

        Returns
        -------
        DataConfig
            With an absolute path.

        Raises
        ------
        InputError
            If the series was not opened from a BIDS folder, or the selection does not apply to all subjects.
        """
        series, recipe = self._session.series, self._session.state.recipe
        if series is None:
            raise InputError(NO_SERIES)
        files = _absolute(part.path for part in series.parts)
        if files and self._files.issuperset(files):
            if self._data is None:
                raise InputError(self._problem)
            return self._data
        bids = recipe.data.bids if recipe is not None else None
        if files and recipe is not None and bids is not None:
            root = Path(os.path.abspath(bids))
            if all(Path(file).is_relative_to(root) for file in files):
                names = ("subjects", "sessions", "tasks", "runs", "space")
                return DataConfig(bids=str(root), **{name: getattr(recipe.data, name) for name in names})
        raise InputError(NOT_BIDS)


def run_filters(listed: Sequence[BidsRun], chosen: Sequence[BidsRun]) -> dict[str, Any]:
    """Describe selected runs by their sessions and runs, so that the same can be selected for other subjects.

    Returns
    -------
    dict
        Empty if all runs, or all that have events, are selected; otherwise "sessions", "runs" or both.

    Raises
    ------
    InputError
        If sessions and runs cannot describe the selection.
    """
    if set(chosen) in (set(listed), {run for run in listed if run.events is not None}):
        return {}
    found: dict[str, Any] = {}
    selected = list(listed)
    for name, field in (("sessions", "session"), ("runs", "run")):
        values = tuple(dict.fromkeys(getattr(run, field) for run in chosen))
        if "" not in values and len(values) < len({getattr(run, field) for run in listed}):
            found[name] = values
            selected = [run for run in selected if getattr(run, field) in values]
    with_events = {run for run in selected if run.events is not None}
    if set(chosen) not in (set(selected), with_events):
        raise InputError(NOT_FOR_ALL)
    return found


def _absolute(paths: Iterable[str | Path]) -> list[str]:
    return [os.path.abspath(path) for path in paths]
