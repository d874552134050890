"""What the parts of the Prepare dock share: the session, one job, the mean, and buttons with reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.reading import run_watched
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from magicgui.widgets import PushButton

    from napari_fmri_decoder._napari.qt.lifetime import Lifetime
    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.volume import Volume

NO_SERIES = "Open a series (a 4-D NIfTI file, or a folder of maps) and choose it above."
Reason = Callable[[], str | None]
"""Returns why a button cannot be used now; None if it can."""


class PrepareJob(SessionJob):
    """The job on the series of a session, and the mean of the series.

    Attributes
    ----------
    mean : tuple of Volume or None
        A series and its mean.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.mean: tuple[Volume, Volume] | None = None


class PrepareJobs(QObject):
    """Runs one job on the series at a time, keeps the mean of the series, and enables buttons.

    Parameters
    ----------
    session : Session
    life : Lifetime
        Of the dock.

    Attributes
    ----------
    work : PrepareJob
        Also for a dock that was closed and reopened.
    """

    def __init__(self, session: Session, life: Lifetime) -> None:
        super().__init__(life)
        self.session, self.life = session, life
        self.work = session.part(PrepareJob)
        self._buttons: list[tuple[PushButton, str, Reason]] = []
        life.follow(self.work.changed, self.refresh)

    @property
    def job(self) -> Job | None:
        """The running job."""
        return self.work.job

    def button(self, name: str, text: str, tip: str, slot: Callable[[], Any], reason: Reason) -> PushButton:
        """Make a button; its tooltip describes it and, if it is disabled, gives the reason."""
        button = push_button(name, text, tip)
        button.changed.connect(guard()(slot))
        self._buttons.append((button, tip, reason))
        return button

    def check(self, reason: Reason) -> None:
        """Raise `InputError` with the reason why something cannot be done now."""
        if why := reason():
            raise InputError(why)

    def refresh(self) -> None:
        """Enable the buttons that can be used; the others show the reason."""
        for button, tip, reason in self._buttons:
            set_available(button, reason(), tip)

    def busy(self) -> str | None:
        """Reason that a job is running."""
        return f"'{self.job.description}' is running." if self.job is not None else None

    def no_series(self) -> str | None:
        """Reason that a job is running, or that there is no series."""
        return self.busy() or (NO_SERIES if self.session.series is None else None)

    @property
    def series(self) -> Volume:
        """The chosen series; raises `InputError` if there is none."""
        series = self.session.series
        if series is None:
            raise InputError(f"A series must be chosen. {NO_SERIES}")
        return series

    def run(self, description: str, work: Callable[[Volume], Any], on_done: Callable[[Any], Any]) -> Job:
        """Run work on the series in a thread; `on_done` takes its result in the main thread.

        If `on_done` fails, its changes of the viewer are undone.
        """
        series, session = self.series, self.session

        def show(result: Any) -> None:
            with all_or_nothing(session):
                on_done(result)

        job, watch = run_watched(
            work,
            series,
            owner=self.work.owner(),
            description=description,
            on_done=show,
            on_end=self.work.end,
        )
        # cutting a slab reads the series for its mean, and again for its voxels
        self.work.begin(job, lambda: (watch.done % series.n_volumes, series.n_volumes))
        return job

    def stop(self) -> None:
        """Stop the running job."""
        self.work.stop()

    @property
    def mean(self) -> Volume | None:
        """The mean of the series, if a job has computed it."""
        series = self.session.series
        if self.work.mean is None or series is None:
            return None
        of, mean = self.work.mean
        return mean if of.data is series.data and of.grid.same_as(series.grid) else None

    def keep_mean(self, mean: Volume) -> None:
        """Keep the mean of the series for later jobs."""
        self.work.mean = (self.series, mean)
