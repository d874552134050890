"""The voxels that the network will see, counted in a thread whenever series, mask or slab change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_fmri_decoder._napari.qt.reading import run_watched
from napari_fmri_decoder._napari.qt.running import owner_in
from napari_fmri_decoder._napari.viewer.preparation import slab_in_use
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.mask_coverage import Coverage, Survey, coverage, expected_space, survey

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.samples.slab_config import SlabConfig
    from napari_fmri_decoder.volumes.volume import Volume

REST_MS = 150
"""Delay until a change is counted, so that a dragged control is counted once."""
FIELDS = ("series", "mask", "slab", "slab_placement")


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is counted: one series, one mask, and slabs."""

    series: Volume
    mask: Volume | None
    slabs: tuple[SlabConfig | None, SlabConfig | None]


_Counted = tuple[Coverage | None, int | None]


class VoxelCount:
    """Counts the voxels of the mask in the slab that is used, and in one that is being set up.

    Get it by ``session.part(VoxelCount)``. The series is read once, for its mean and for missing voxels.

    Attributes
    ----------
    used : Coverage or None
        Of mask and slab in use: the number of features of the samples. None if there is neither, or while
        it is not known.
    planned : Coverage or None
        The same for the slab of `plan`.
    planes : int or None
        Number of planes of that slab.
    counting : bool
        Whether it is being counted.
    changed : Signal
        Sent after a count began or ended.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self.used: Coverage | None = None
        self.planned: Coverage | None = None
        self.planes: int | None = None
        self._survey: tuple[Volume, Survey] | None = None
        self._mean: tuple[Survey, Volume] | None = None
        self._plan: SlabConfig | None = None
        self._wanted = False
        self._job: Job | None = None
        self._owner = owner_in(session.viewer)
        self._timer = QTimer(self._owner)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._count)
        session.changed.connect(self._on_changed)
        self._on_changed("mask")

    @property
    def counting(self) -> bool:
        """Whether something is being counted, or about to be."""
        return self._job is not None or self._timer.isActive()

    def plan(self, slab: SlabConfig | None) -> None:
        """Also count for a slab that is being set up; None if there is none."""
        if slab != self._plan:
            self._plan = slab
            self._later()

    def survey(self) -> Survey | None:
        """Return what is known of the series in use."""
        series = self.session.series
        if self._survey is None or series is None:
            return None
        of, found = self._survey
        return found if of.data is series.data and of.grid.same_as(series.grid) else None

    def keep(self, series: Volume, found: Survey) -> None:
        """Keep what another job found in a series."""
        self._survey = series, found
        self._later()

    def want_mean(self) -> None:
        """Read the series, if it was not read yet, even without a mask."""
        self._wanted = True
        if self.survey() is None:
            self._later()

    def mean(self) -> Volume | None:
        """Return the mean of the series, if it is known."""
        found, series = self.survey(), self.session.series
        if found is None or series is None:
            return None
        if self._mean is None or self._mean[0] is not found:
            self._mean = found, found.known(series).mean()
        return self._mean[1]

    def _on_changed(self, name: str) -> None:
        if name in FIELDS:
            if name == "series":
                self._plan, self._wanted = None, False
                if self._job is not None:
                    self._job.stop()
            self._forget()
            self._later()

    def _forget(self) -> None:
        self.used = self.planned = self.planes = None

    def _later(self) -> None:
        self._timer.start()
        self.changed.emit()

    def _question(self) -> _Question | None:
        series, preparation = self.session.series, self.session.state.preparation
        used = slab_in_use(preparation)
        slabs = (used, self._plan)
        if series is None or not (preparation.mask or self._wanted or any(slabs)):
            return None
        return _Question(series, preparation.mask, slabs)

    def _count(self) -> None:
        if self._job is not None:
            return  # counted again at its end
        question = self._question()
        if question is None:
            self._forget()
            self.changed.emit()
            return
        known = self.survey()

        def work(series: Volume) -> tuple[Survey, _Counted, _Counted]:
            found = known or survey(series)
            used, planned = question.slabs
            none: _Counted = (None, None)
            return (
                found,
                _counted(series, found, question.mask, used),
                none if planned is None else _counted(series, found, question.mask, planned),
            )

        self._job, _ = run_watched(
            work,
            question.series,
            owner=self._owner,
            description="Counting voxels",
            on_done=lambda answer: self._take(question, *answer),
            on_end=self._end,
        )

    def _take(self, question: _Question, found: Survey, used: _Counted, planned: _Counted) -> None:
        self._survey = question.series, found
        now = self._question()
        if now is None or any(getattr(now, n) is not getattr(question, n) for n in ("series", "mask")):
            self._later()
        elif now.slabs != question.slabs:
            self._later()
        else:
            (self.used, _), (self.planned, self.planes) = used, planned

    def _end(self) -> None:
        self._job = None
        self.changed.emit()


def _counted(series: Volume, found: Survey, mask: Volume | None, slab: SlabConfig | None) -> _Counted:
    """Count; None if there is no voxel, which is reported where the slab is cut or the run is started."""
    try:
        space = expected_space(series, found, mask, slab)
    except InputError:
        return None, None
    part = "slab" if slab is not None else "images"
    return coverage(space, found.known(series), part=part), space.grid.shape[space.axis]


def describe(count: Coverage | None, *, counting: bool, masked: bool) -> str:
    """Say how many voxels the network sees."""
    if count is None:
        return "Counting voxels…" if counting else ""
    of = "of the mask " if masked else ""
    where = "in the slab" if count.part == "slab" else "in the images"
    return f"The network sees {count.features:,} voxels {of}{where}."
