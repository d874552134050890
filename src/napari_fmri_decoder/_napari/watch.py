"""Progress and Stop for work that reads a series volume by volume and knows neither.

The work is given the series with an eye on its voxels: each volume that is read counts, and none is
read any more once a stop was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.workers import Job, run_generator
from napari_fmri_decoder.volumes.watched import ReadCounter, StoppedReading

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from napari_fmri_decoder.volumes.volume import Volume


class Watch(ReadCounter):
    """Counts the volumes that are read in a thread, or by another process.

    Attributes
    ----------
    job : Job or None
        Whose stop is heeded.
    """

    def __init__(self) -> None:
        super().__init__(lambda: self.job is not None and self.job.stopping)
        self.job: Job | None = None

    def tell(self, done: int) -> None:
        """Say how many volumes another process has read."""
        self.done = done


def run_watched(
    work: Callable[[Volume], Any],
    series: Volume,
    *,
    owner: QObject,
    description: str,
    on_done: Callable[[Any], Any],
    on_end: Callable[[], Any],
) -> tuple[Job, Watch]:
    """Start work on a series in a thread; see `workers.run_generator`.

    Parameters
    ----------
    work : callable
        Takes the series, gives the result.
    series : Volume
    owner : QObject
    description : str
    on_done : callable
        Called with the result.
    on_end : callable
        Called after the end of any kind.

    Returns
    -------
    job : Job
    watch : Watch
        Tells how many volumes were read.
    """
    watch = Watch()

    def steps() -> Generator[None, None, Any]:
        try:
            return work(watch.over(series))
        except StoppedReading:
            yield  # a worker sees a stop only between yields

    def done(result: Any) -> None:
        try:
            on_done(result)
        finally:
            on_end()

    watch.job = run_generator(
        steps,
        owner=owner,
        description=description,
        on_done=done,
        on_error=lambda error: on_end(),
        on_stopped=on_end,
    )
    return watch.job, watch
