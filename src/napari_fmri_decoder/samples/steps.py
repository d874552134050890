"""Work that is a generator of its own steps, and what it returns in the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar

Step = TypeVar("Step")
Told = TypeVar("Told")
Made = TypeVar("Made")


def told(steps: Generator[Step, None, Made], say: Callable[[Step], Told]) -> Generator[Told, None, Made]:
    """Tell each step in other words, and return the same; closing this closes the work.

    Examples
    --------
    >>> def work():
    ...     yield 1
    ...     return "made"
    >>> steps = told(work(), "step {}".format)
    >>> next(steps)
    'step 1'
    """
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                made: Made = end.value
                return made
            yield say(step)


def returned(steps: Generator[Step, None, Made], hear: Callable[[Step], object] | None = None) -> Made:
    """Run to the end and give what is returned; `hear` gets each step, and may raise to stop.

    Examples
    --------
    >>> def work():
    ...     yield 1
    ...     return "made"
    >>> returned(work())
    'made'
    """
    ending = told(steps, hear or (lambda _: None))
    while True:
        try:
            next(ending)
        except StopIteration as end:
            made: Made = end.value
            return made
