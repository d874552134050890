"""What the parts of the dock Prepare share: session, job, mean, and buttons that say why they are gray."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QPushButton

from napari_fmri_decoder._napari.watch import run_watched
from napari_fmri_decoder._napari.work import Work
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.docks import Dock
    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder._napari.workers import Job
    from napari_fmri_decoder.volumes.volume import Volume

NO_SERIES = "Open a series (a 4-D NIfTI, or a folder of maps) and choose it above."
Reason = Callable[[], str | None]
"""Says why a button cannot be pressed now; None where it can."""


class Preparing(Work):
    """The work on the series of a session, and its mean.

    Attributes
    ----------
    mean : tuple of Volume or None
        A series, and its mean.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.mean: tuple[Volume, Volume] | None = None


class Bench(QObject):
    """Runs one job on the series at a time, keeps its mean, and grays buttons.

    Attributes
    ----------
    session : Session
    work : Preparing
        What is running, for this dock or for one that was closed.
    """

    def __init__(self, session: Session, dock: Dock) -> None:
        super().__init__(dock)
        self.session = session
        self.work = session.part(Preparing)
        self._buttons: list[tuple[QPushButton, str, Reason]] = []
        dock.follow(self.work.changed, self.refresh)

    @property
    def job(self) -> Job | None:
        """What is running."""
        return self.work.job

    def button(self, name: str, text: str, tip: str, slot: Callable[[], Any], reason: Reason) -> QPushButton:
        """Make a button; its tooltip says what it does and, where it is gray, why."""
        made = QPushButton(text)
        made.setObjectName(name)
        made.clicked.connect(lambda *_: slot())
        self._buttons.append((made, tip, reason))
        return made

    def refresh(self) -> None:
        """Enable what can be done; all else says why not."""
        for button, tip, reason in self._buttons:
            why = reason()
            button.setEnabled(why is None)
            button.setToolTip(f"<p>{tip}</p>" + (f"<p><b>{escape(why)}</b></p>" if why else ""))

    def busy(self) -> str | None:
        """Reason: something is running."""
        return f"'{self.job.description}' is running." if self.job is not None else None

    def no_series(self) -> str | None:
        """Reason: something is running, or there is nothing to work on."""
        return self.busy() or (NO_SERIES if self.session.series is None else None)

    @property
    def series(self) -> Volume:
        """The chosen series; raises `InputError` if there is none."""
        series = self.session.series
        if series is None:
            raise InputError(f"A series must be chosen. {NO_SERIES}")
        return series

    def run(self, description: str, work: Callable[[Volume], Any], on_done: Callable[[Any], Any]) -> None:
        """Run work on the series in a thread; `on_done` takes its result on the interface's.

        What it does to the viewer is one step: all of it, or nothing if it fails.
        """
        series, session = self.series, self.session

        def show(result: Any) -> None:
            with session.all_or_nothing():
                on_done(result)

        job, watch = run_watched(
            work,
            series,
            owner=self.work.owner(),
            description=description,
            on_done=show,
            on_end=self.work.end,
        )
        # A slab reads the series for its mean, and again for its voxels.
        self.work.begin(job, lambda: (watch.done % series.n_volumes, series.n_volumes))

    def stop(self) -> None:
        """End what is running."""
        self.work.stop()

    @property
    def mean(self) -> Volume | None:
        """The mean of the series, where some work has computed it."""
        series = self.session.series
        if self.work.mean is None or series is None:
            return None
        of, mean = self.work.mean
        return mean if of.data is series.data and of.grid.same_as(series.grid) else None

    def keep_mean(self, mean: Volume) -> None:
        """Keep the mean of the series for what comes."""
        self.work.mean = (self.series, mean)
