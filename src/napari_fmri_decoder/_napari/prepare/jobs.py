"""What the parts of the Prepare dock share: the session, one job, the mean, and buttons with reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import error_text, guard
from napari_fmri_decoder._napari.qt.reading import run_watched
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.voxel_count import VoxelCount
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
    errors : dict of str to str
        The error that each part of the dock shows.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.mean: tuple[Volume, Volume] | None = None
        self.errors: dict[str, str] = {}


class PartError:
    """The error that one part of the dock shows, also after the dock was closed and reopened.

    Parameters
    ----------
    work : PrepareJob
    part : str
        Such as "mask".
    """

    def __init__(self, work: PrepareJob, part: str) -> None:
        self._work, self._part = work, part

    @property
    def text(self) -> str:
        """The error; "" if there is none."""
        return self._work.errors.get(self._part, "")

    def show_error(self, text: str) -> None:
        """Show an error."""
        self._work.errors[self._part] = text
        self._work.changed.emit()

    def clear(self) -> None:
        """Remove the error."""
        if self._work.errors.pop(self._part, None) is not None:
            self._work.changed.emit()


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
    count : VoxelCount
        Of the session.
    """

    def __init__(self, session: Session, life: Lifetime) -> None:
        super().__init__(life)
        self.session, self.life = session, life
        self.work = session.part(PrepareJob)
        self.count = session.part(VoxelCount)
        self._buttons: list[tuple[PushButton, str, Reason]] = []
        self._messages: list[tuple[Message, PartError]] = []
        self._errors: dict[str, PartError] = {}  # psygnal holds them weakly
        life.follow(self.work.changed, self.refresh)

    @property
    def job(self) -> Job | None:
        """The running job."""
        return self.work.job

    def message(self, part: str) -> Message:
        """Make the widget that shows the errors of a part of the dock."""
        message = Message(f"{part}_error")
        self._messages.append((message, self.error(part)))
        return message

    def error(self, part: str) -> PartError:
        """The error of a part of the dock."""
        return self._errors.setdefault(part, PartError(self.work, part))

    def button(
        self, name: str, text: str, tip: str, slot: Callable[[], Any], reason: Reason, part: str = ""
    ) -> PushButton:
        """Make a button; its tooltip describes it and, if it is disabled, gives the reason.

        Parameters
        ----------
        name, text, tip : str
        slot : callable
        reason : callable
            See `Reason`.
        part : str
            The part of the dock that shows its errors; see `message`.
        """
        button = push_button(name, text, tip)
        button.changed.connect(guard(self.error(part) if part else None)(slot))
        self._buttons.append((button, tip, reason))
        return button

    def check(self, reason: Reason) -> None:
        """Raise `InputError` with the reason why something cannot be done now."""
        if why := reason():
            raise InputError(why)

    def refresh(self) -> None:
        """Enable the buttons that can be used; the others show the reason. Show the errors."""
        for button, tip, reason in self._buttons:
            set_available(button, reason(), tip)
        for message, error in self._messages:
            message.show_error(error.text)

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

    def run(
        self, description: str, work: Callable[[Volume], Any], on_done: Callable[[Any], Any], part: str
    ) -> Job:
        """Run work on the series in a thread; `on_done` takes its result in the main thread.

        If `on_done` fails, its changes of the viewer are undone. Errors are shown in a part of the dock.
        """
        series, session, shown = self.series, self.session, self.error(part)

        def show(result: Any) -> None:
            try:
                with all_or_nothing(session):
                    on_done(result)
            except Exception as error:
                shown.show_error(error_text(error))
                raise

        job, watch = run_watched(
            work,
            series,
            owner=self.work.owner(),
            description=description,
            on_done=show,
            on_end=self.work.end,
            on_error=lambda error: shown.show_error(error_text(error)),
        )
        shown.clear()
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
            return self.count.mean()
        of, mean = self.work.mean
        return mean if of.data is series.data and of.grid.same_as(series.grid) else self.count.mean()

    def keep_mean(self, mean: Volume) -> None:
        """Keep the mean of the series for later jobs."""
        self.work.mean = (self.series, mean)
