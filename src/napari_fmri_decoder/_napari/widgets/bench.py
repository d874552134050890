"""What the parts of the dock Prepare share: session, job, mean, and buttons that say why they are grey."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QPushButton

from napari_fmri_decoder._napari.watch import Watch, run_watched
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.session import Session
    from napari_fmri_decoder._napari.workers import Job
    from napari_fmri_decoder.volumes.volume import Volume

NO_SERIES = "Open a series (a 4-D NIfTI, or a folder of maps) and choose it above."
Reason = Callable[[], str | None]
"""Says why a button cannot be pressed now; None where it can."""


class Bench(QObject):
    """Runs one job on the series at a time, keeps its mean, and greys buttons.

    Attributes
    ----------
    session : Session
    job : Job or None
        That is running.
    """

    def __init__(self, session: Session, owner: QObject) -> None:
        super().__init__(owner)
        self.session, self._owner = session, owner
        self.job: Job | None = None
        self._watch = Watch()
        self._mean: tuple[Volume, Volume] | None = None  # a series, and its mean
        self._buttons: list[tuple[QPushButton, str, Reason]] = []
        self._ticks = QTimer(self)
        self._ticks.setInterval(200)
        self._ticks.timeout.connect(self._show_progress)

    def button(self, name: str, text: str, tip: str, slot: Callable[[], Any], reason: Reason) -> QPushButton:
        """Make a button; its tooltip says what it does and, where it is grey, why."""
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
        """Run work on the series in a thread; `on_done` takes its result on the interface's."""
        self.job, self._watch = run_watched(
            work,
            self.series,
            owner=self._owner,
            description=description,
            on_done=on_done,
            on_end=self._on_end,
        )
        self._ticks.start()
        self.refresh()

    def stop(self) -> None:
        """End what is running."""
        if self.job is not None:
            self.job.stop()

    def _on_end(self) -> None:
        self.job = None
        self._ticks.stop()
        self.refresh()

    def _show_progress(self) -> None:
        series = self.session.series
        if self.job is not None and series is not None:
            # A slab reads the series for its mean, and again for its voxels.
            self.job.progress(self._watch.done % series.n_volumes, series.n_volumes)

    @property
    def mean(self) -> Volume | None:
        """The mean of the series, where some work has computed it."""
        series = self.session.series
        if self._mean is None or series is None:
            return None
        same = self._mean[0].data is series.data and self._mean[0].grid.same_as(series.grid)
        return self._mean[1] if same else None

    def keep_mean(self, mean: Volume) -> None:
        """Keep the mean of the series for what comes."""
        self._mean = (self.series, mean)
