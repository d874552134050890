"""What goes wrong while training, other than bad input."""

from __future__ import annotations


class TrainingError(ArithmeticError):
    """Raised where a fit cannot go on: a loss that is not finite, memory that is full.

    On purpose no RuntimeError: napari's generator workers swallow those, and most of torch's are.
    """
