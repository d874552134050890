"""Exceptions of this package: for input that a user can correct, and for training that fails.

Every message of `InputError` states what must hold, what was found, and what to do.
The command line prints it as one line and exits with 2; napari shows it as one notification.
"""

from __future__ import annotations


class InputError(ValueError):
    """Raised for input that the user can correct.

    Examples
    --------
    >>> raise InputError("Slab stop must exceed start, got start=5, stop=5. Raise stop.")
    Traceback (most recent call last):
    ...
    napari_fmri_decoder.errors.InputError: Slab stop must exceed start, got start=5, stop=5. Raise stop.
    """


class TrainingError(ArithmeticError):
    """Raised when training cannot continue: the loss is not finite, or memory is full.

    Deliberately not a RuntimeError: napari's generator workers swallow those, and most errors of torch are.
    """


class DivergedError(TrainingError):
    """Raised when the loss is no longer finite; the same recipe would diverge again."""


class MissingPackageError(InputError):
    """Raised where options name a class of a package that is not installed."""


class PluginWarning(UserWarning):
    """Issued where an installed plugin package cannot be loaded."""
