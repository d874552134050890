"""Regular expressions that a user gives: searched in a time that grows with the text, whatever they are.

Python's own engine tries every way to match, and `(a+)+$` has more ways than there is time; RE2 follows all
ways at once. It knows no look-ahead and no backreferences.
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
"""What RE2 lacks of Python's syntax, and how a message calls it."""
_CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": r"\s\x0b"}
"""RE2's own are ASCII; file names are not."""
_OTHERS = {"D": r"\P{Nd}", "W": r"\p{M}\p{S}\p{Z}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}"}
"""All but these, as members of a class."""
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Search:
    """A pattern that is ready.

    Attributes
    ----------
    names : tuple of str
        Of its named groups.
    """

    names: tuple[str, ...]
    _compiled: Any

    def groups(self, text: str) -> dict[str, str] | None:
        """Search a text: the named groups ("" for one that took no part), or None."""
        found = self._compiled.search(nfc(text).encode("utf-8", "replace").decode())
        return None if found is None else {name: value or "" for name, value in found.groupdict().items()}


def compile_search(pattern: str) -> Search:
    r"""Read a regular expression.

    Parameters
    ----------
    pattern : str
        Python's syntax, as far as RE2 has it.

    Raises
    ------
    InputError
        If it is none, or uses what RE2 does not support; the message names it.

    Examples
    --------
    >>> compile_search(r"run-(?P<run>\d+)_(?P<label>\w+)_zmap").groups("run-2_größe_zmap.nii")["label"]
    'größe'
    """
    if len(pattern) > _LONGEST:
        raise InputError(
            f"A pattern must have at most {_LONGEST} characters, got {len(pattern)}. Write a shorter one."
        )
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(_unicode(nfc(pattern)), options)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else ""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
        plain = re.sub(r"\\\\|\[[^\]]*\]", "", pattern)  # escaped backslashes and classes mean themselves
        lacking = [called for syntax, called in _UNSUPPORTED if re.search(syntax, plain)]
        if lacking:
            raise InputError(
                f"A pattern must not use {lacking[0]}: patterns run on the engine RE2, which does not "
                f"support it; got {pattern!r}. Write it without."
            ) from error
        raise InputError(
            f"It must be a regular expression, but {reason}; got {pattern!r}. Correct it."
        ) from error
    return Search(tuple(sorted(compiled.groupindex, key=compiled.groupindex.get)), compiled)


def _unicode(pattern: str) -> str:
    r"""Let \d, \w and \s mean letters and digits of all scripts, as they do in Python."""
    out, i, inside = [], 0, False
    while i < len(pattern):
        char, following = pattern[i], pattern[i + 1 : i + 2]
        if char == "\\" and inside and following in _OTHERS:
            out.append(_OTHERS[following])
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
            if opens:  # a ] that comes first is a member
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
