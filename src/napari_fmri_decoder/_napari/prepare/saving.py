"""Save mask…, Save slab…, Save series…: a button, and the method for scripts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.qt.saving import announce, ask_file, writing
from napari_fmri_decoder._napari.qt.workers import Job, run_generator
from napari_fmri_decoder._napari.viewer.save_paths import target
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.derived_names import derived_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.volume import Volume

KEPT = "as NIfTI, with its position and orientation in the scanner."


def mask_in_use(session: Session) -> Volume | None:
    """Return the mask in use, in the space (codes of sform and qform) of the series on whose grid it is."""
    mask, series = session.state.mask, session.series
    if mask is None or series is None or not mask.grid.same_as(series.grid):
        return mask
    return replace(mask, space=series.space)


def cut_layer(session: Session) -> Volume | None:
    """Return the slab that was cut last, if its layer exists."""
    layer = session.state.preparation.slab_layer
    return session.volume(layer) if layer is not None else None


class SaveImage:
    """Saves one image of Prepare; calling it is the method `save` of a step.

    Parameters
    ----------
    jobs : PrepareJobs
    what : {"mask", "slab", "series"}
    find : callable
        Returns the image, or None.
    nothing : str
        What to do while there is none.

    Attributes
    ----------
    button : PushButton
    """

    def __init__(self, jobs: PrepareJobs, what: str, find: Callable[[], Volume | None], nothing: str) -> None:
        self._jobs, self._what, self._find, self._nothing = jobs, what, find, nothing
        tip = f"Save the {what} {KEPT}"
        self.button = jobs.button(f"save_{what}", f"Save {what}…", tip, self._ask, self._cannot)

    def __call__(self, path: str | Path, *, wait: bool = True) -> None:
        """Save the image.

        Parameters
        ----------
        path : str or Path
            Ends with .nii or .nii.gz; .nii.gz is added to a name without an ending.
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If it cannot be saved, with the sentence that the dock shows.
        """
        self._start(path).wait_if(wait)

    def _cannot(self) -> str | None:
        return self._jobs.busy() or (self._nothing if self._find() is None else None)

    def _volume(self) -> Volume:
        self._jobs.check(self._cannot)
        volume = self._find()
        if volume is None:
            raise InputError(self._nothing)
        return volume

    def _ask(self) -> None:
        volume, session = self._volume(), self._jobs.session
        source = session.series or volume
        mask = self._what == "mask"
        name = derived_name(source.name, "" if mask else self._what, "mask" if mask else "")
        path = ask_file(self.button.native, f"Save {self._what}", session, name, source)
        if path is not None:
            self._start(path)

    def _start(self, path: str | Path) -> Job:
        volume, work = self._volume(), self._jobs.work
        file = target(self._jobs.session.viewer, path, [volume])

        def done(paths: list[Path]) -> None:
            work.end()
            announce(self._jobs.session, paths)

        job = run_generator(
            partial(writing, {file: volume}),
            owner=work.owner(),
            description=f"Saving {file.name}",
            total=volume.n_volumes,
            on_done=done,
            on_error=lambda _: work.end(),
            on_stopped=work.end,
        )
        work.begin(job)
        return job
