"""The thread worker of a job: superqt's, adapted to both Qt bindings and to closing napari."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from inspect import signature
from typing import Any

from superqt.utils import GeneratorWorker

from napari_fmri_decoder._napari.qt import shutdown


class _ErrorSignal:
    """The error signal, for callbacks with or without an argument.

    napari connects one without. PyQt drops arguments that a callback does not take; PySide passes the
    error to a `partial` anyway, and the exception that follows ends the program.
    """

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        self.emit, self.disconnect = signal.emit, signal.disconnect

    def connect(self, callback: Callable[..., Any]) -> None:
        """Connect a callback that takes the error, or nothing."""
        try:
            signature(callback).bind(None)
        except TypeError:
            self._signal.connect(lambda _: callback())
        else:
            self._signal.connect(callback)


class WorkerThread(GeneratorWorker):  # type: ignore[type-arg]
    """superqt's worker, which closes its generator at the end so that every `finally` runs.

    Not napari's subclass, which shows errors as notifications: `Job` shows them, once.
    """

    @property
    def errored(self) -> _ErrorSignal:  # type: ignore[override]
        """The error signal, with any Qt binding."""
        return _ErrorSignal(self.signals.errored)

    def work(self) -> Any:
        """Run the generator until it ends or is stopped."""
        with closing(self._gen):
            return super().work()

    def start(self) -> None:
        """Start in the plugin's thread pool; closing napari waits for it only for a limited time."""
        self._worker_set.add(self)
        self._finished.connect(self._set_discard)
        shutdown.start(self)


class NamedSteps(partial):  # type: ignore[type-arg]
    """The steps of a job, with the name that napari shows when it is closed during the job."""

    def __str__(self) -> str:
        return str(self.func.__self__.description)  # type: ignore[attr-defined]
