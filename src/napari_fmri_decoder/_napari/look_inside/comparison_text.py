"""Two runs side by side, as HTML: headlines, scores, options that differ, confusion matrices."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.headline import number, run_headline
from napari_fmri_decoder.evaluation.paired import DEPENDENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.pipeline.comparing_runs import RunComparison

NOT_PAIRED = (
    "Predictions are compared sample by sample only if both runs held out the same samples of the same "
    "images, each once. These did not."
)


def comparison_html(found: RunComparison) -> str:
    """Write a comparison of two runs.

    Parameters
    ----------
    found : RunComparison

    Returns
    -------
    str
        HTML; texts from files are escaped.
    """
    first, second = found.first, found.second
    titles = ("", first.folder.name, second.folder.name)
    options = [(d.option, d.first, d.second) for d in found.differences]
    runs = [(f"run {run}", number(a), number(b)) for run, a, b in _rows(found)]
    parts = [
        *(_headline(run.folder.name, run.scores) for run in (first, second)),
        "<h3>Scores</h3>",
        _table(titles, _scores(first.scores, second.scores)),
        "<h3>Score of each run</h3>",
        _table(titles, runs),
        "<h3>Options that differ</h3>",
        _table(titles, options) if options else "<p>None.</p>",
        "<h3>Samples</h3>",
        f"<p>{escape(paired_sentence(found))}</p>",
        *(_confusion(run.folder.name, run.scores) for run in (first, second)),
    ]
    return "".join(parts)


def paired_sentence(found: RunComparison) -> str:
    """Say on how many samples two runs disagree, and what the exact McNemar test finds."""
    counts = found.paired
    if counts is None:
        return NOT_PAIRED
    return (
        f"The two runs predict different classes for {counts.disagree} of {counts.n} samples. "
        f"Only {found.first.folder.name} is correct for {counts.only_first}, only "
        f"{found.second.folder.name} for {counts.only_second}; both for {counts.both}, neither for "
        f"{counts.neither}. Exact McNemar test: p = {counts.p:.3g}. {DEPENDENT}"
    )


def _headline(name: str, scores: Scores) -> str:
    return f"<p><b>{escape(name)}</b><br>{run_headline(scores).html}</p>"


def _scores(first: Scores, second: Scores) -> list[tuple[str, str, str]]:
    names = list(dict.fromkeys([*first.baseline, *second.baseline]))
    tests = [scores.permutation for scores in (first, second)]
    p = [None if test is None else test.p for test in tests]
    values: list[tuple[str, float | None, float | None]] = [
        ("accuracy", first.accuracy, second.accuracy),
        ("balanced accuracy", first.balanced_accuracy, second.balanced_accuracy),
        ("loss", first.loss, second.loss),
        ("training accuracy", first.train_accuracy, second.train_accuracy),
        ("chance", first.chance, second.chance),
        *((f"{name} baseline", first.baseline.get(name), second.baseline.get(name)) for name in names),
        ("p, permutation test", p[0], p[1]),
        ("samples", first.n_samples, second.n_samples),
    ]
    return [(name, number(a), number(b)) for name, a, b in values]


def _rows(found: RunComparison) -> Iterable[tuple[str, float, float]]:
    by_run = found.by_run
    return zip(by_run.index.astype(str), by_run["first"].tolist(), by_run["second"].tolist(), strict=True)


def _confusion(name: str, scores: Scores) -> str:
    rows = zip(scores.classes, scores.confusion.tolist(), strict=True)
    title = f"<h3>Confusion matrix of the test sets: {escape(name)}</h3>"
    return title + _table(("true \\ predicted", *scores.classes), [(true, *counts) for true, counts in rows])


def _table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f'<th align="left">{escape(title)}</th>' for title in titles)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<table cellpadding="3" border="1" cellspacing="0"><tr>{head}</tr>{body}</table>'
