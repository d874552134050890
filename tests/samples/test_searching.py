"""Regular expressions from users: results as in Python, in linear time."""

from __future__ import annotations

import re

import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import parse_labels
from napari_fmri_decoder.samples.searching import compile_search

NAMES = ["run-2_face_zmap", "größe_RUN-03_x", "日本-run-1_b.c", "sub-01_ses-pre_face01", "a]b^c-d"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"run-(?P<run>\d+)_(?P<label>[a-z]+)_zmap",
        r"(?P<label>\w+)",
        r"(?P<label>[\w-]+)$",
        r"^(?P<label>[^\W_]+)",
        r"(?i)run-0*(?P<run>[1-9]\d*)",
        r"(?P<label>\D+)",
        r"(?P<label>[]^\d]+)",
        r"(?P<sub>sub-\d+)?_?(?P<label>\w+?)(?:\d+)?\Z",
        r"(?P<label>[^]]b)",
        r"\\?(?P<label>\S)",
    ],
)
def test_results_equal_those_of_pythons_engine(pattern):
    ours = compile_search(pattern)
    for name in NAMES:
        theirs = re.search(pattern, name)
        assert ours.groups(name) == (theirs and {k: v or "" for k, v in theirs.groupdict().items()})


@pytest.mark.parametrize(
    "pattern", ["(?P<label>(a+)+)$", "(?P<label>(a|aa)+)$", "(?P<label>(.*a){20})$", "(?P<label>([a-z]+)*)=$"]
)
def test_catastrophic_patterns_finish(pattern):
    assert compile_search(pattern).groups("a" * 50_000 + "!") is None


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("(?P<label>a)(?=b)", "look-ahead"),
        ("(?P<label>a)(?!b)", "look-ahead"),
        ("(?<=x)(?P<label>a)", "look-behind"),
        ("(?<!x)(?P<label>a)", "look-behind"),
        (r"(?P<label>a)\1", "backreferences"),
        ("(?P<label>a)(?P=label)", "backreferences"),
        ("(?P<label>(?>a))", "atomic groups"),
        ("(?P<label>a++)", "possessive repetition"),
        ("(?#x)(?P<label>a)", "comments"),
        ("(?P<label>a)?(?(label)b|c)", "conditions"),
    ],
)
def test_error_names_unsupported_syntax(pattern, named):
    with pytest.raises(InputError, match=f"A pattern must not use {named}"):
        parse_labels({"source": "filename", "pattern": pattern})


@pytest.mark.parametrize(
    "pattern", ["(?P<label>", "[", "*", "(?P<label>a{1,5000})", "(" * 900, "\ud800", "a" * 3000]
)
def test_invalid_patterns_are_errors(pattern):
    with pytest.raises(InputError):
        compile_search(pattern)


def test_either_unicode_form_matches():
    assert compile_search("(?P<label>caf\u00e9)").groups("cafe\u0301_1") == {"label": "caf\u00e9"}
    assert compile_search("(?P<label>cafe\u0301)").groups("caf\u00e9_1") == {"label": "caf\u00e9"}
    assert compile_search("(?P<label>a)").groups("\udcffa") == {"label": "a"}
