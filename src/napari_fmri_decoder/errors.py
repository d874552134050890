"""The one error that a user can mend.

Every message says three things: what must hold, what was found, and what to do.
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
