"""Search with regular expressions from users, in time linear in the length of the text.

Python's own engine backtracks, so that a pattern such as `(a+)+$` can take exponential time; RE2 does not. It
supports neither look-ahead nor backreferences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import re2

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text import nfc

_UNSUPPORTED = (
    (r"\(\?=|\(\?!", "look-ahead, (?=...) or (?!...)"),
    (r"\(\?<=|\(\?<!", "look-behind, (?<=...) or (?<!...)"),
    (r"\(\?P=", "backreferences, (?P=name)"),
    (r"\\[1-9]", r"backreferences, \1"),
    (r"\(\?>", "atomic groups, (?>...)"),
    (r"\(\?\(", "conditions, (?(group)...)"),
    (r"\(\?#", "comments, (?#...)"),
    (r"[*+?}]\+", "possessive repetition, a++"),
    (r"\(\?[a-zA-Z-]*[axuL]", "the flags a, u, x and L"),
)
"""Syntax of Python that RE2 lacks, and its name in messages."""
_CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": r"\s\x0b"}
"""Replacements for RE2's classes, which are ASCII only; file names are not."""
_NEGATED = {"D": r"\P{Nd}", "W": r"\p{M}\p{S}\p{Z}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}"}
"""Negated classes, as members of a bracket expression."""
_MAX_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Search:
    """A compiled pattern.

    Attributes
    ----------
    names : tuple of str
        Its named groups.
    """

    names: tuple[str, ...]
    _compiled: Any

    def groups(self, text: str) -> dict[str, str] | None:
        """Search a text; return the named groups ("" for unmatched ones), or None if there is no match."""
        found = self._compiled.search(nfc(text).encode("utf-8", "replace").decode())
        return None if found is None else {name: value or "" for name, value in found.groupdict().items()}


def compile_search(pattern: str) -> Search:
    r"""Compile a regular expression.

    Parameters
    ----------
    pattern : str
        In Python's syntax, as far as RE2 supports it.

    Raises
    ------
    InputError
        If it is not a regular expression, or uses syntax that RE2 does not support.

    Examples
    --------
    >>> compile_search(r"run-(?P<run>\d+)_(?P<label>\w+)_zmap").groups("run-2_größe_zmap.nii")["label"]
    'größe'
    """
    if len(pattern) > _MAX_LENGTH:
        raise InputError(
            f"A pattern must have at most {_MAX_LENGTH} characters, got {len(pattern)}. Write a shorter one."
        )
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(_unicode(nfc(pattern)), options)
    except (re2.error, UnicodeError) as error:
        detail = error.args[0] if error.args else ""
        reason = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(error)
        plain = re.sub(r"\\\\|\[[^\]]*\]", "", pattern)  # without literal backslashes and bracket expressions
        unsupported = [name for syntax, name in _UNSUPPORTED if re.search(syntax, plain)]
        if unsupported:
            raise InputError(
                f"A pattern must not use {unsupported[0]}: the engine RE2 does not support it; got "
                f"{pattern!r}. Rewrite the pattern without it."
            ) from error
        raise InputError(
            f"A pattern must be a valid regular expression, got {pattern!r} ({reason}). Correct it."
        ) from error
    return Search(tuple(sorted(compiled.groupindex, key=compiled.groupindex.get)), compiled)


def _unicode(pattern: str) -> str:
    r"""Make \d, \w and \s match letters and digits of all scripts, as in Python."""
    out, i, inside = [], 0, False
    while i < len(pattern):
        char, following = pattern[i], pattern[i + 1 : i + 2]
        if char == "\\" and inside and following in _NEGATED:
            out.append(_NEGATED[following])
            i += 2
        elif char == "\\" and following.lower() in _CLASSES and (following.islower() or not inside):
            members = _CLASSES[following.lower()]
            out.append(members if inside else f"[{'^' if following.isupper() else ''}{members}]")
            i += 2
        elif char == "\\":
            out.append(r"\z" if following == "Z" and not inside else char + following)
            i += 2
        else:
            opens = char == "[" and not inside
            if opens:  # a leading ] is a member
                start = i + 1 + (pattern[i + 1 : i + 2] == "^")
                first = start + (pattern[start : start + 1] == "]")
                out.append(pattern[i:first])
                inside, i = True, first
                continue
            if char == "]":
                inside = False
            out.append(char)
            i += 1
    return "".join(out)
