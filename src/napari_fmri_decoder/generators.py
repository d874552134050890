"""Generators that yield events while they work, and return a result at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeAlias, TypeVar

Event = TypeVar("Event")
OtherEvent = TypeVar("OtherEvent")
Result = TypeVar("Result")

Steps: TypeAlias = Generator[Event, None, Result]
"""Work in steps: yields events, returns a result. Closing the generator stops the work."""


def map_events(
    steps: Steps[Event, Result], convert: Callable[[Event], OtherEvent]
) -> Steps[OtherEvent, Result]:
    """Convert each event of some work, and return the same result.

    Parameters
    ----------
    steps : generator
        Closed when this generator is closed.
    convert : callable
        Takes an event, returns the event to yield in its place.

    Examples
    --------
    >>> def work():
    ...     yield 1
    ...     return "result"
    >>> steps = map_events(work(), "step {}".format)
    >>> next(steps)
    'step 1'
    """
    with closing(steps):
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield convert(event)


def run_to_end(steps: Steps[Event, Result], on_event: Callable[[Event], object] | None = None) -> Result:
    """Run some work to its end, and return its result.

    Parameters
    ----------
    steps : generator
    on_event : callable, optional
        Called with each event; the work stops if it raises.

    Examples
    --------
    >>> def work():
    ...     yield 1
    ...     return "result"
    >>> run_to_end(work())
    'result'
    """
    events = map_events(steps, on_event or (lambda _: None))
    while True:
        try:
            next(events)
        except StopIteration as end:
            result: Result = end.value
            return result
