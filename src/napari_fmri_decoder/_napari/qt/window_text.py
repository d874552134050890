"""Sentences of the core as the window shows them: labels of controls instead of keys, and no commands."""

from __future__ import annotations

import re

from napari_fmri_decoder.options import SECTION_TITLES, Options, label_of

SECTIONS = {**SECTION_TITLES, "data": "Prepare", "compare": "Baselines", "audit": "Check"}
"""Where the window has the controls of each section of a recipe."""
NOTHING = "(?!)"
"""A pattern that matches nothing: an empty one matches everywhere."""
_BEFORE, _AFTER = r"(?<![\w./\\'\"-])", r"(?![\w/\\'\"-]|\.\w)"
"""Not within a path, a file name, a quotation or a longer word."""
_ASIDE = re.compile(r"\s*\(fmri-decoder [a-z]+\)")
"""A command in parentheses."""
_COMMAND = re.compile(r"(?:(?<=[.;:])|^)[^.;:]*\bfmri-decoder [a-z].*?(?:[.;](?=\s|$)|$)")
"""A sentence with a command."""


def window_text(text: str) -> str:
    """Name options in a sentence by the labels of their controls.

    Parameters
    ----------
    text : str
        Such as the message of an `InputError`.

    Returns
    -------
    str

    Examples
    --------
    >>> window_text("Change test_size or the runs, or choose scheme = random in [split].")
    'Change Test size or the runs, or choose Scheme = random in Training and test sets.'
    """
    labels = _labels()
    if not labels:
        return text
    named = "|".join(sorted(map(re.escape, labels), key=len, reverse=True))
    long = "|".join(sorted((n for n in labels if "_" in n), key=len, reverse=True)) or NOTHING
    sections = "|".join(SECTIONS)
    text = _COMMAND.sub("", _ASIDE.sub("", text))
    text = re.sub(rf"\[({sections})\]", lambda m: SECTIONS[m[1]], text)
    text = re.sub(rf"{_BEFORE}(?:{sections})\.({named}){_AFTER}", lambda m: labels[m[1]], text)
    text = re.sub(rf"{_BEFORE}({long}){_AFTER}", lambda m: labels[m[1]], text)
    text = re.sub(rf"{_BEFORE}({named})(?= = )", lambda m: labels[m[1]], text)
    return re.sub(rf"(^|; )({named})((?:\.\w+)*)(?=: )", lambda m: m[1] + labels[m[2]] + m[3], text).strip()


def _labels() -> dict[str, str]:
    """Label of the control of each option that has been imported, by its key."""
    models, found = [Options], dict[str, str]()
    for model in models:
        models.extend(model.__subclasses__())
        found |= {name: label_of(name, info) for name, info in model.model_fields.items()}
    return found
