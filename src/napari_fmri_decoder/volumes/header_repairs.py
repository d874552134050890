"""Collect what nibabel repairs in headers, so that it becomes notes of the volume."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from nibabel.imageglobals import logger as nibabel_logger

_lock = threading.Lock()


class _Collector(logging.Handler):
    """Collects nibabel's log messages from one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Add one message."""
        if record.thread == self._thread:
            self.messages.append(record.getMessage())


@contextmanager
def repair_notes() -> Iterator[list[str]]:
    """Collect nibabel's repairs of headers, which it would otherwise log or warn about.

    Yields
    ------
    list of str
        Filled when the block ends: one sentence per repair.
    """
    collector, notes = _Collector(), []  # type: tuple[_Collector, list[str]]
    with _lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        handlers, nibabel_logger.handlers = nibabel_logger.handlers, [collector]
        propagate, nibabel_logger.propagate = nibabel_logger.propagate, False
        try:
            yield notes
        finally:
            nibabel_logger.handlers, nibabel_logger.propagate = handlers, propagate
            messages = [*collector.messages, *(str(w.message) for w in caught)]
            notes += [f"The header was repaired on reading: {text}." for text in dict.fromkeys(messages)]
