"""Plain words: what users read is in modern American English, in the field's standard terms.

`AVOID` is the list. It applies to the docs, and to all texts in the sources that a user can read: docstrings,
messages, option descriptions, captions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
SOURCES = sorted((ROOT / "src").rglob("*.py"))

AVOID = {
    # British spelling
    r"\b(?:colour|grey|centre|metre|millimetre)\w*": "American spelling",
    r"\b(?:neighbour|behaviour|labell|modell|cancell)\w*": "American spelling",
    r"\b\w+(?:alis|ardis|imis|eris|oris|ilis)(?:e|ed|es|ing|ation)\b": "American spelling: -ize",
    r"\bhaemo\w+": "hemo-",
    r"\boptimiser\w*": "optimizer",
    # odd for "reports", "is", "has"
    r"\bis said\b|\bare said\b|\bwas said\b|\bsays so\b": "is reported",
    r"\bis told\b|\bare told\b|\btells\b": "is reported, reports",
    r"\bstands? (?:beside|in|at|on|there|for|under)\b|\bstood\b": "is",
    r"\blies? (?:in|on|at|beside|within|there|where)\b": "is in",
    r"\bgoes on\b|\bgo on\b|\bgoing on\b|\bgone on\b|\bwent on\b": "continue, resume",
    r"\bof (?:its|their|his|her) own\b": "separate",
    r"\bbeside\b": "next to",
    r"\banew\b": "again",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bbarred\b": "blocked",
    r"\ball the same\b": "anyway",
    r"\bflatter\w*": "inflate",
    r"\bowes? (?:itself|themselves)\b": "may be explained by",
    r"\bupon\b": "on",
    r"\bnought\b|\bwhilst\b|\bthereof\b|\bwherein\b|\bhitherto\b": "modern English",
    # the field's terms
    r"\bgraphics processors?\b": "GPU",
    r"\bleft-out\b|\bleft out part\b|\b(?:part|runs) (?:that is )?left out\b": "held out, test set",
    r"\bexchanged? labels\b|\blabels exchanged\b": "permuted labels",
    r"\bturn(?:s|ed|ing)? the head\b|\bthe head is turned\b": "rotate",
    r"\btaken for\b": "predicted as, treated as",
    r"\bout of memory is\b": "out of memory",
    # metaphors
    r"\b(?:the )?house\b(?! (?:predicted|and|or|taken))(?!\")": "architecture, package",
    r"\bdoors?\b": "entry points",
    r"\bbench\b": "a standard name",
}
ALLOWED = {
    # names that users type, and categories of Haxby 2001
    r"floors": "a mask strategy",
    r"neighbours": "an option and codes of the audit",
    r"run-in-both-parts|subject-in-both-parts|neighbours-across-\w+": "codes of the audit",
    r"(?:\"|`|'|= |big |\d-\d |, )house|house(?:,|\.| and|s)": "a category of Haxby 2001",
    r"centre_mm": "a key of the output of `info --json`",
    r"tox run -e bench|bench\b`|`bench`": "a tox environment",
}
_WORDS = re.compile("|".join(f"(?P<w{i}>{pattern})" for i, pattern in enumerate(AVOID)), re.IGNORECASE)
_ALLOWED = re.compile("|".join(ALLOWED), re.IGNORECASE)
_BETTER = list(AVOID.values())


def found_in(text: str) -> Iterator[str]:
    """Words to avoid in a text, each with a better one."""
    plain = _ALLOWED.sub(lambda word: "_" * len(word[0]), re.sub(r"\s+", " ", text))
    for word in _WORDS.finditer(plain):
        number = next(int(name[1:]) for name, value in word.groupdict().items() if value is not None)
        around = plain[max(0, word.start() - 40) : word.end() + 30]
        yield f"{word[0]!r} (better: {_BETTER[number]}) in ...{around}..."


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a module that reads like words: more than one, with a space."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "0" for part in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_plain_words(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not list(found_in(text))


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src/napari_fmri_decoder"))
)
def test_texts_of_the_sources_use_plain_words(path: Path) -> None:
    found = [f"line {line}: {word}" for line, text in texts_of(path) for word in found_in(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("Mend it.", True),
        ("The grey colour", True),
        ("The run goes on", True),
        ("standardised within runs", True),
        ("Fix it. The run continues in a separate process, next to its report.", False),
        ('Labels such as "house" and "face"; the strategy floors', False),
        ("summarize the otherwise precise analysis of an exercise", False),
    ],
)
def test_the_list_finds_what_it_should(text: str, bad: bool) -> None:
    assert bool(list(found_in(text))) is bad
