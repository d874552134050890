"""Text from files, names and users, made comparable and safe to print.

Two texts that look the same can differ in their code points: a Mac writes "é" as two (NFD), others as
one (NFC). Whatever is compared with another text goes through `nfc` first.
"""

from __future__ import annotations

import unicodedata


def nfc(text: str) -> str:
    r"""Give a text in Unicode's composed form (NFC), in which equal texts are equal.

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
    r"""Replace control characters, which a terminal would obey, by their escapes.

    Parameters
    ----------
    text : object
        Anything that has a text, such as a path.

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
    """Cut a long text in its middle.

    Parameters
    ----------
    text : str
    longest : int
        Letters of what is given, at least 10.

    Examples
    --------
    >>> shortened("a" * 100 + "b" * 100, 20)
    'aaaaaaaaaa ... bbbbb'
    """
    if len(text) <= longest:
        return text
    end = (longest - 5) // 3
    return f"{text[: longest - 5 - end]} ... {text[len(text) - end :]}"
