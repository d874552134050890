"""What must not happen while the monkey plays: exceptions, messages of Qt, a window that does not answer."""

from __future__ import annotations

import logging
import re
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import napari_fmri_decoder
from napari_fmri_decoder import errors

PACKAGE = str(Path(napari_fmri_decoder.__file__).parent)
GAP_S = 1.0
"""CPU seconds of the interface's thread, the package on its stack, between two turns of the event loop."""
SAMPLE_S = 0.05
SYSTEM_ERRORS = "Check the path, the permissions and the free disk space."
"""End of the sentence that the window shows for an OSError."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that napari does without the plugin, with a text that its report contains."""

    text: tuple[str, ...]
    reason: str


@dataclass
class Findings:
    """What happened, in order; the same fault is kept once."""

    known: tuple[Known, ...] = ()
    found: list[tuple[str, str]] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, text: str) -> None:
        """Keep a finding, whose first line names it, unless napari does the same without the plugin."""
        for known in self.known:
            if all(part in f"{kind} {text}" for part in known.text):
                self.excused[known.reason] += 1
                return
        name = signature(kind, text)
        if name not in [signature(*one) for one in self.found]:
            self.found.append((kind, text))

    def add_error(self, kind: str, error: BaseException) -> None:
        """Keep an exception with its traceback, unless it is a sentence for the user."""
        root = error
        while type(root).__name__ == "EmitLoopError" and root.__cause__ is not None:  # of psygnal
            root = root.__cause__
        if not isinstance(root, errors.InputError):
            stack = traceback.extract_tb(root.__traceback__)
            place = next((one for one in reversed(stack) if one.filename.startswith(PACKAGE)), None)
            where = (
                f"{place.filename.removeprefix(PACKAGE)} {place.name}" if place else "no line of the plugin"
            )
            title = f"{type(root).__name__}: {root}".partition("\n")[0]
            self.add(kind, f"{title} <- {where}\n{''.join(traceback.format_exception(error))}")


def signature(kind: str, text: str) -> str:
    """What two reports of one fault have in common."""
    return re.sub(r"0x[0-9a-f]+|\d+", "N", f"{kind}: {text.partition(chr(10))[0]}")


class Hooks:
    """Listens to everything that reports an error.

    Parameters
    ----------
    findings : Findings
    """

    def __init__(self, findings: Findings) -> None:
        from napari.utils.notifications import notification_manager
        from qtpy.QtCore import qInstallMessageHandler

        self.findings = findings
        self.sentences: set[str] = set()
        self._remember_sentences()
        self.install()
        qInstallMessageHandler(self._on_qt)
        notification_manager.notification_ready.connect(self._on_notification)
        logging.getLogger("napari_fmri_decoder").addHandler(_Handler(findings))

    def install(self) -> None:
        """Take the hooks of Python; napari takes them when a viewer opens."""
        sys.excepthook, threading.excepthook = self._on_error, self._on_thread_error
        sys.unraisablehook = self._on_unraisable

    def _remember_sentences(self) -> None:
        """Remember the text of each `InputError`, which may be shown."""
        init, sentences = Exception.__init__, self.sentences

        def remember(error: Exception, *args: Any) -> None:
            init(error, *args)
            sentences.add(str(error))

        errors.InputError.__init__ = remember  # type: ignore[method-assign, assignment]

    def _on_error(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.findings.add_error("exception", error)

    def _on_thread_error(self, args: Any) -> None:
        if args.exc_value is not None:
            self.findings.add_error(f"exception in thread {getattr(args.thread, 'name', '')}", args.exc_value)

    def _on_unraisable(self, args: Any) -> None:
        if args.exc_value is not None:
            self.findings.add_error("unraisable exception", args.exc_value)

    def _on_qt(self, kind: Any, context: Any, message: str | None) -> None:
        from qtpy.QtCore import QtMsgType

        if kind in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg):
            return
        stack = "".join(traceback.format_stack(limit=12)[:-1])
        self.findings.add("message of Qt", f"{message}\n{stack}")

    def _on_notification(self, notification: Any) -> None:
        message = str(notification.message)
        if str(notification.severity).rpartition(".")[2].upper() != "ERROR":
            return
        error = getattr(notification, "exception", None)
        if error is not None:
            self.findings.add_error("error in napari's notification", error)
        elif message not in self.sentences and SYSTEM_ERRORS not in message:
            self.findings.add("notification", message)


class _Handler(logging.Handler):
    """Errors that the package logs with a traceback."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.WARNING)
        self.findings = findings

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.findings.add_error(f"logged: {record.getMessage()}", record.exc_info[1])


class Watchdog:
    """Samples the stack of the interface's thread, and measures its CPU time between turns of the event loop.

    The time of the CPU, not of the clock: a busy machine makes no gap longer. Only samples with the package
    on the stack count. A timer of the system interrupts the thread for each sample: another thread that reads
    its frames by `sys._current_frames` crashes CPython 3.11 now and then.

    Parameters
    ----------
    findings : Findings
    limit : float
        Longest gap without a finding, in CPU seconds.

    Attributes
    ----------
    longest : float
        Longest gap so far, in CPU seconds.
    """

    def __init__(self, findings: Findings, limit: float = GAP_S) -> None:
        self.findings, self.limit = findings, limit
        self.longest = self._used = 0.0
        self._before = time.thread_time()
        self._stacks: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to sample; call in the main thread."""
        signal.signal(signal.SIGALRM, self._sample)
        signal.setitimer(signal.ITIMER_REAL, SAMPLE_S, SAMPLE_S)

    def stop(self) -> None:
        """End sampling."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def beat(self) -> None:
        """End the gap: the event loop has come round."""
        used, stacks = self._used, self._stacks
        self._used, self._stacks, self._before = 0.0, Counter(), time.thread_time()
        self.longest = max(self.longest, used)
        if used > self.limit:
            place, _ = stacks.most_common(1)[0]
            self.findings.add("event-loop gap", f"{place}\n{used:.1f} s of CPU time")

    def _sample(self, number: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        if place := _ours(frame):
            self._used += now - self._before
            self._stacks[place] += 1
        self._before = now


def _ours(frame: FrameType | None) -> str:
    """The innermost lines of a stack, and those of the package; "" if there are none of the package."""
    lines, ours = [], []
    while frame is not None:
        line = f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
        lines.append(line)
        if frame.f_code.co_filename.startswith(PACKAGE):
            ours.append(line)
        frame = frame.f_back
    return "\n".join([*lines[:5], *(line for line in ours[:4] if line not in lines[:5])]) if ours else ""
