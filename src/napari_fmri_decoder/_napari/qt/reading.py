"""Progress and Stop for work that reads a series volume by volume and supports neither itself.

The work gets a series that counts each volume when it is read, and raises an error instead of reading
after a stop was requested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.qt.workers import Job, run_generator
from napari_fmri_decoder.volumes.counted_reading import ReadCounter, StoppedReading

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.volumes.volume import Volume


class Watch(ReadCounter):
    """Counts the volumes that are read in a thread, or by another process.

    Attributes
    ----------
    job : Job or None
        Reading ends when this job is stopped.
    """

    def __init__(self) -> None:
        super().__init__(lambda: self.job is not None and self.job.stopping)
        self.job: Job | None = None

    def set_done(self, done: int) -> None:
        """Set the number of volumes that another process has read."""
        self.done = done


def run_watched(
    work: Callable[[Volume], Any],
    series: Volume,
    *,
    owner: QObject,
    description: str,
    on_done: Callable[[Any], Any],
    on_end: Callable[[], Any],
    on_error: Callable[[Exception], Any] | None = None,
) -> tuple[Job, Watch]:
    """Start work on a series in a thread; see `workers.run_generator`.

    Parameters
    ----------
    work : callable
        Takes the series and returns the result.
    series : Volume
    owner : QObject
    description : str
    on_done : callable
        Called with the result.
    on_end : callable
        Called at the end, also after an error or a stop.
    on_error : callable, optional
        Called with the error of the work, before `on_end`.

    Returns
    -------
    job : Job
    watch : Watch
        Counts the volumes read.
    """
    watch = Watch()

    def steps() -> Steps[None, Any]:
        try:
            return work(watch.over(series))
        except StoppedReading:
            yield  # a worker sees a stop only between yields

    def done(result: Any) -> None:
        try:
            on_done(result)
        finally:
            on_end()

    def failed(error: Exception) -> None:
        try:
            if on_error is not None:
                on_error(error)
        finally:
            on_end()

    watch.job = run_generator(
        steps,
        owner=owner,
        description=description,
        on_done=done,
        on_error=failed,
        on_stopped=on_end,
    )
    return watch.job, watch
