"""Numbers of bytes and durations as text: every part of the program writes them alike."""

from __future__ import annotations


def format_bytes(n: int) -> str:
    """Write a number of bytes with three significant digits and a binary unit.

    Parameters
    ----------
    n : int

    Examples
    --------
    >>> format_bytes(512), format_bytes(1536 * 1024**2), format_bytes(1023 * 1024)
    ('512 bytes', '1.5 GiB', '1023 KiB')
    """
    for power, unit in ((5, "PiB"), (4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if n >= 1024**power:
            value = n / 1024**power
            return f"{value:.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"
    return f"{n} bytes"


def format_seconds(seconds: float) -> str:
    """Write a duration in the unit that suits it.

    Parameters
    ----------
    seconds : float

    Examples
    --------
    >>> [format_seconds(s) for s in (0.25, 2.5, 40, 200, 9000)]
    ['250 ms', '2.5 s', '40 s', '3 min', '2.5 h']
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
