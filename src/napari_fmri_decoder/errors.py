"""The errors of this package: one that a user can mend, and those that a fit ends in.

Every message of `InputError` says three things: what must hold, what was found, and what to do.
The command line prints it as one line and exits with 2; napari shows it as one notification.
"""

from __future__ import annotations


class InputError(ValueError):
    """Raised for input that the user can mend.

    Examples
    --------
    >>> raise InputError("Slab stop must exceed start, got start=5, stop=5. Raise stop.")
    Traceback (most recent call last):
    ...
    napari_fmri_decoder.errors.InputError: Slab stop must exceed start, got start=5, stop=5. Raise stop.
    """


class TrainingError(ArithmeticError):
    """Raised where a fit cannot go on: a loss that is not finite, memory that is full.

    On purpose no RuntimeError: napari's generator workers swallow those, and most of torch's are.
    """


class DivergedError(TrainingError):
    """Raised where a loss is no longer finite: the same recipe would end there again."""
