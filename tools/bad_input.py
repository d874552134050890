"""Hypothesis strategies for mutated recipes, tables and command-line options.

`tests/cli/test_bad_input.py` runs a few hundred of each, `tox run -e fuzz` many more.
"""

from __future__ import annotations

import copy
from typing import Any

import tomli_w
from hypothesis import strategies as st

RECIPE: dict[str, Any] = {
    "data": {"images": ["bold.nii"], "tr": 2.0, "mask": {"strategy": "threshold", "above": 10.0}},
    "labels": {"source": "table", "table": "v.tsv", "exclude": ["rest"], "lag": 0.0, "trim_start": 0},
    "prepare": {"detrend": True, "standardize_runs": True, "smooth_mm": 0.0, "confounds": []},
    "split": {"scheme": "leave-one-run-out", "n_splits": 2, "seed": 1, "test": []},
    "decoder": {"name": "mlp", "hidden": 3, "dropout": 0.1},
    "training": {"epochs": 2, "learning_rate": 0.1, "threads": 1, "select": {"hidden": [2, 3]}},
    "compare": [{"decoder": {"name": "linear", "C": 1.0}}],
    "baseline": {"models": ["lda"]},
    "null": {"permutations": 0},
    "audit": {"allow": []},
}
"""A recipe that is valid with the images of `tests/cli/test_bad_input.py`."""
TABLE = "label\trun\n" + "".join(f"{'ab'[i // 2 % 2]}\t{1 + i // 8}\n" for i in range(16))

_TEXTS = [
    "",
    " ",
    "yes",
    "true",
    "1",
    "nan",
    "a\x00b",
    "\x1b[2J",
    "é",
    "e\u0301",
    "../x",
    "/***",
    "[",
    "*",
    "${X}",
]
_TEXTS += [
    "x" * 300,
    "/dev/zero",
    "pipe.nii",
    "pipe.tsv",
    "folder",
    "none.nii",
    "v.tsv",
    "bold.nii",
    "36",
    "\n",
]
_NUMBERS = [0, 1, -1, 2**31, 2**63, 10**18, -(10**30), 10**400, 0.5, -0.0, 1e-300, 1e300]
_NUMBERS += [float("inf"), float("-inf"), float("nan")]
_VALUES = [True, False, [], {}, [[]], [1, "a"], [True], {"a": 1}, {"strategy": "file"}, {"name": "linear"}]
values = (
    st.sampled_from([*_TEXTS, *_NUMBERS, *_VALUES]).map(copy.deepcopy)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
)
"""Values of any type, to be used where another type is expected."""


@st.composite
def recipes(draw: st.DrawFn) -> bytes:
    """A recipe with one to three faults: wrong types and sizes, missing or unknown keys, invalid text."""
    content = copy.deepcopy(RECIPE)
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, content)
    text = written(content).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        text = draw(_broken(text))
    return text


def _change(draw: st.DrawFn, content: Any) -> None:
    """Change something at a random position."""
    place = content
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(list(keys))) if len(keys) else None
        deeper = key is not None and isinstance(place[key], (dict, list))
        if not deeper or draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    how = draw(st.sampled_from(["value", "value", "value", "missing", "new", "nested"]))
    if how == "new" or key is None:
        if isinstance(place, dict):
            place[draw(st.sampled_from(["x", "name", "source", "path", "", "a.b", "épi"]))] = draw(values)
        else:
            place.append(draw(values))
    elif how == "missing":
        del place[key]
    elif how == "nested":
        place[key] = [place[key]]
    else:
        place[key] = draw(values)


def written(content: Any) -> str:
    """Write a recipe as TOML, or its Python form where TOML has none."""
    try:
        return tomli_w.dumps(content)
    except (ValueError, TypeError):  # numbers of hundreds of digits, characters that TOML cannot hold
        return f"data = {str(content)[:500]}"


@st.composite
def _broken(draw: st.DrawFn, text: bytes) -> bytes:
    at = draw(st.integers(0, len(text)))
    more = draw(
        st.sampled_from([b"", b"\xff", b"\0", b"[" * 5000, b"\xef\xbb\xbf", b"=", b"9" * 5000, b"\r", b'"""'])
    )
    return text[:at] + more + text[at + draw(st.integers(0, 20)) :]


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A label table with one to four faults in cells, rows, columns, separators or bytes."""
    rows = [line.split("\t") for line in TABLE.splitlines()]
    cell = st.sampled_from(
        ["", "n/a", "NaN", "nan", "None", "é", "1e400", "-1", "a\x00b", '"', "'", "x" * 3000, "a,b"]
    )
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(rows) - 1))
        how = draw(st.sampled_from(["cell", "row", "more", "column", "double", "cut"]))
        if how == "cell" and rows[i]:
            rows[i][draw(st.integers(0, len(rows[i]) - 1))] = draw(cell | st.text(max_size=5))
        elif how == "row" and len(rows) > 1:
            del rows[i]
        elif how == "more":
            rows.insert(i, [draw(cell), draw(cell)])
        elif how == "column":
            rows = [[*row, draw(cell)] for row in rows]
        elif how == "double":
            rows[0] = [rows[0][0]] * len(rows[0]) if rows[0] else []
        else:
            rows[i] = rows[i][:1]
    mark, end = draw(st.sampled_from(["\t", ",", ";", " "])), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = (end.join(mark.join(row) for row in rows) + end).encode("utf-8", "surrogatepass")
    start = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\n\n"]))
    return start + (text if draw(st.integers(0, 3)) else draw(_broken(text)))


_WORDS = [
    *_TEXTS,
    "nan",
    "inf",
    "-1",
    "0",
    str(10**30),
    "9" * 5000,
    "1,2",
    "a=b",
    "=",
    "hidden=true",
    "labels=36",
]
_WORDS += ["opening=[[[[", "strategy=1", "-", "--", "-o", "--help-me", "--set", "serial", "local:0", "cpu"]
_IMAGE, _OUT = ["bold.nii"], ["-o", "out.nii"]
_COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "info": (_IMAGE, ["--json"]),
    "bids": (["folder"], ["--subject", "--session", "--task", "--run", "--space", "--json"]),
    "models": (["mlp"], ["--shape", "--classes", "--set", "--json"]),
    "slab": (
        [*_IMAGE, *_OUT],
        ["--rotate-x", "--pivot", "--start", "--stop", "--axis", "--grid", "--crop", "--mask", "--space"],
    ),
    "mask": ([*_IMAGE, *_OUT], ["--strategy", "--set"]),
    "zmaps": (
        [*_IMAGE, "-o", "maps", "--table", "v.tsv"],
        [
            "--estimate",
            "--hrf",
            "--lag",
            "--drift",
            "--high-pass",
            "--drift-order",
            "--noise",
            "--mask",
            "--events",
        ],
    ),
    "predict": (["model.safetensors", *_IMAGE, "-o", "p.tsv"], ["--runs"]),
    "explain": (["model.safetensors", *_IMAGE, *_OUT], ["--layer", "--method", "--volume", "--runs"]),
    "export": (["model.safetensors", "-o", "m.onnx"], []),
    "group": (["folder", "folder"], ["--out", "--json"]),
    "subjects": (["recipe.toml", "--out", "subjects"], ["--cluster", "--resume"]),
    "train": (["recipe.toml", "--out", "run"], ["--device", "--cluster", "--resume"]),
}


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """Arguments of a command, some of them changed, removed, moved or added."""
    name = draw(st.sampled_from(sorted(_COMMANDS)))
    own, options = _COMMANDS[name]
    words = list(own)
    word = st.sampled_from(_WORDS) | st.text(st.characters(exclude_characters="/"), max_size=6)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(words) - 1, 0)))
        how = draw(st.sampled_from(["option", "option", "word", "missing", "more", "twice"]))
        if how == "option" and options:
            words += [draw(st.sampled_from(options)), draw(word)]
        elif how == "word" and words:
            words[at] = draw(word)
        elif how == "missing" and words:
            del words[at]
        elif how == "twice" and words:
            words.insert(at, words[at])
        else:
            words.insert(at, draw(word))
    if draw(st.integers(0, 30)) == 0:
        return words or [name]
    return [name, *words]
