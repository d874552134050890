"""Save images from the window: ask for a file, and write it in a thread, with progress and Stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QProgressDialog

from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import Job, run_generator
from napari_fmri_decoder._napari.viewer.save_paths import LastFolder, suggested_path
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.volumes.nifti import write_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.volumes.volume import Volume

NIFTI = "NIfTI (*.nii.gz *.nii);;All files (*)"
SHOW_AFTER_MS = 1000
"""Saving that takes longer shows a window with its progress."""


def ask_file(parent: QWidget, title: str, session: Session, name: str, source: Volume | None) -> Path | None:
    """Ask for a NIfTI file, with a suggestion.

    Parameters
    ----------
    parent : QWidget
    title : str
    session : Session
    name : str
        Suggested name, without ending.
    source : Volume or None
        What the file is made from; its folder is suggested.

    Returns
    -------
    Path or None
        None if the dialog was canceled.
    """
    suggestion = suggested_path(session, f"{name}.nii.gz", source)
    path, _ = QFileDialog.getSaveFileName(parent, title, str(suggestion), NIFTI)
    return Path(path) if path else None


def writing(files: Mapping[Path, Volume]) -> Steps[int, list[Path]]:
    """Write volumes to files, one after another; yields the number of volumes written."""
    done = 0
    for path, volume in files.items():
        for i in write_steps(volume, path):
            yield done + i
        done += volume.n_volumes
    return list(files)


def announce(session: Session, paths: list[Path]) -> None:
    """Say where files were saved, and suggest that folder from now on."""
    session.part(LastFolder).folder = paths[-1].absolute().parent
    names = ", ".join(printable(path.name) for path in paths[:3]) + (", …" if len(paths) > 3 else "")
    show_info(f"Saved {names} in {printable(paths[-1].absolute().parent)}.")


class Saving(SessionJob):
    """Saves layers of a session; one job at a time."""

    def save(self, files: Mapping[Path, Volume]) -> Job:
        """Start writing volumes to files.

        Parameters
        ----------
        files : mapping of Path to Volume

        Returns
        -------
        Job

        Raises
        ------
        InputError
            If files are being saved.
        """
        return self._start(files, writing, lambda paths: announce(self.session, paths))

    def save_and_wait(self, files: Mapping[Path, Volume]) -> list[Path]:
        """Write volumes to files while the window stays responsive; nothing is shown at the end.

        Raises
        ------
        InputError
            If a file cannot be written, or if it was stopped.
        """
        failed: list[InputError] = []

        def steps(files: Mapping[Path, Volume]) -> Steps[int, list[Path]]:
            try:
                return (yield from writing(files))
            except InputError as error:  # raised below: the job would show it as well
                failed.append(error)
                return []

        self._start(files, steps, None).wait()
        if failed:
            raise failed[0]
        return list(files)

    def _start(
        self,
        files: Mapping[Path, Volume],
        work: Callable[[Mapping[Path, Volume]], Steps[int, list[Path]]],
        on_done: Callable[[list[Path]], None] | None,
    ) -> Job:
        if self.job is not None:
            raise InputError(f"'{self.job.description}' is not done yet. Wait until it is, or stop it.")
        total = sum(volume.n_volumes for volume in files.values())
        name = next(iter(files)).name
        description = f"Saving {name}" if len(files) == 1 else f"Saving {len(files)} files"
        window = _ProgressWindow(description, total, self.session)

        def end() -> None:
            window.blockSignals(True)  # closing it would stop the job
            window.close()
            window.deleteLater()
            self.end()

        def done(paths: list[Path]) -> None:
            end()
            if on_done is not None:
                on_done(paths)

        job = run_generator(
            work,
            files,
            owner=self.owner(),
            description=description,
            total=total,
            on_event=window.show_progress,
            on_done=done,
            on_error=lambda _: end(),
            on_stopped=end,
        )
        window.canceled.connect(job.stop)
        self.begin(job)
        return job


class _ProgressWindow(QProgressDialog):
    """Shows the progress of a job that takes long, with a button to stop it."""

    def __init__(self, description: str, total: int, session: Session) -> None:
        parent: Any = getattr(getattr(session.viewer, "window", None), "_qt_window", None)
        super().__init__(f"{description}…", "Stop", 0, total, parent)
        self.setObjectName("saving")
        self.setWindowTitle("Save")
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.setAutoClose(False)
        self.setAutoReset(False)
        self.setMinimumDuration(SHOW_AFTER_MS)
        self.setValue(0)

    def show_progress(self, done: int) -> None:
        """Show the number of volumes written."""
        if not self.wasCanceled():
            self.setValue(done)
