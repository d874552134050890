"""Make text from files, names and users comparable and safe to print.

Two texts that look the same can differ in their code points: macOS writes "é" as two (NFD), other systems
as one (NFC). Pass text through `nfc` before comparing it.
"""

from __future__ import annotations

import unicodedata


def nfc(text: str) -> str:
    r"""Convert text to Unicode's composed form (NFC), so that texts that look equal compare equal.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> nfc("cafe\u0301") == "caf\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text)


def printable(text: object) -> str:
    r"""Replace control characters, which a terminal would act on, by their escape sequences.

    Parameters
    ----------
    text : object
        Any object; it is converted by `str`, as a path is.

    Examples
    --------
    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(
        c if not unicodedata.category(c).startswith("C") else c.encode("unicode_escape").decode("ascii")
        for c in str(text)
    )


def shortened(text: str, longest: int) -> str:
    """Shorten a long text by replacing its middle with dots.

    Parameters
    ----------
    text : str
    longest : int
        Maximum number of characters of the result, at least 10.

    Examples
    --------
    >>> shortened("a" * 100 + "b" * 100, 20)
    'aaaaaaaaaa ... bbbbb'
    """
    if len(text) <= longest:
        return text
    end = (longest - 5) // 3
    return f"{text[: longest - 5 - end]} ... {text[len(text) - end :]}"
