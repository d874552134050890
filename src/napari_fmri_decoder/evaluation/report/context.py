"""Everything that the report's template shows, as plain texts. The template escapes them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_fmri_decoder.decoders import registry
from napari_fmri_decoder.evaluation.headline import (
    BY_RUN,
    MISSING,
    SEVERITY_MARKS,
    Headline,
    Mark,
    number,
    run_headline,
)
from napari_fmri_decoder.evaluation.p_values import p_label
from napari_fmri_decoder.evaluation.report.sentences import CAPTIONS, brain_sentence, size_sentence
from napari_fmri_decoder.evaluation.report.unseen import UNSEEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_fmri_decoder.evaluation.compared import Compared
    from napari_fmri_decoder.evaluation.nuisance_test import NuisanceTest
    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.samples.audit import Finding
    from napari_fmri_decoder.samples.audit.findings import Severity

FOLDS_FIGURE = "folds"
"""The figure that is shown with the table of folds, not among the others."""
BRAIN_FIGURES = ("planes", "brain", "pattern")
"""Figures that are shown in the section of the brain."""

_MIME = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Card:
    """One number in large print, with its name."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Table:
    """Titles of columns, and rows of cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A file of the run folder: its relative address, and a text."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure: its name, caption, image as a data URL, and the files to save it from."""

    name: str
    caption: str
    source: str
    files: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Methods:
    """The methods text of a run, and what predictive modeling must report: rows of (item, sentences)."""

    text: str
    table: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReportContext:
    """The content of the report, in the order of the page."""

    title: str
    headline: Headline
    marks: Mapping[Severity, Mark]
    sizes: str
    cards: tuple[Card, ...]
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]
    quality: Table
    folds: Table
    folds_figure: FigureView | None
    compared: Table | None
    nuisance: Table | None
    classes: Table
    calibration: Table | None
    missing_figures: tuple[str, ...]
    figures: tuple[FigureView, ...]
    brain: str
    brain_figures: tuple[FigureView, ...]
    maps: Mapping[str, str]
    treatment: str
    methods: str
    cobidas: Table | None
    notes: tuple[str, ...]
    pairing: Table | None
    recipe: str
    files: tuple[Link, ...]
    versions: Table | None


def report_context(
    scores: Scores,
    *,
    title: str,
    recipe: str,
    notes: Sequence[str],
    pairing: tuple[Sequence[str], Sequence[Sequence[str]]] | None,
    versions: Mapping[str, str] | None,
    missing_figures: Sequence[str],
    figures: Sequence[FigureView],
    maps: Mapping[str, str],
    treatment: str,
    methods: Methods | None,
    files: Sequence[Link],
) -> ReportContext:
    """Collect what the report shows; for the parameters, see `write_report`."""
    severities = ("error", "warning", "note")
    return ReportContext(
        title=title,
        headline=run_headline(scores),
        marks=SEVERITY_MARKS,
        sizes=size_sentence(scores),
        cards=_cards(scores),
        findings=tuple(sorted(scores.audit, key=lambda finding: severities.index(finding.severity))),
        unseen=UNSEEN,
        quality=_quality(scores),
        folds=_folds(scores),
        folds_figure=next((figure for figure in figures if figure.name == FOLDS_FIGURE), None),
        compared=_compared(scores.compared) if scores.compared else None,
        nuisance=_nuisance(scores.nuisance) if scores.nuisance and scores.nuisance.rows else None,
        classes=_table(
            ("class", "held-out samples", "recall", "precision"),
            [(row.name, row.n, row.recall, row.precision) for row in scores.per_class],
        ),
        calibration=_calibration(scores) if scores.calibration else None,
        missing_figures=tuple(missing_figures),
        figures=tuple(one for one in figures if one.name not in (FOLDS_FIGURE, *BRAIN_FIGURES)),
        brain=brain_sentence(scores),
        brain_figures=tuple(figure for figure in figures if figure.name in BRAIN_FIGURES),
        maps=maps,
        treatment=treatment,
        methods=methods.text if methods else "",
        cobidas=_table(("to report (COBIDAS)", "this run"), methods.table) if methods else None,
        notes=tuple(note for note in notes if note != treatment),
        pairing=_table(*pairing) if pairing else None,
        recipe=recipe,
        files=tuple(files),
        versions=_table(("package", "version"), list(versions.items())) if versions else None,
    )


def figure_view(name: str, image: bytes, formats: Sequence[str]) -> FigureView:
    """Describe a saved figure.

    Parameters
    ----------
    name : str
    image : bytes
        The file in the first format.
    formats : sequence of str
        "png", "svg" or both.
    """
    return FigureView(
        name,
        CAPTIONS.get(name, name),
        f"data:{_MIME[formats[0]]};base64,{b64encode(image).decode('ascii')}",
        tuple(Link(f"figures/{name}.{ending}", ending.upper()) for ending in formats),
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> Table:
    return Table(tuple(columns), tuple(tuple(number(cell) for cell in row) for row in rows))


def _cards(scores: Scores) -> tuple[Card, ...]:
    cards = [
        Card(number(scores.score), f"{scores.headline.replace('_', ' ')}, held out"),
        Card(number(scores.chance), "chance"),
        *(Card(number(value), f"{name} baseline") for name, value in scores.baseline.items()),
    ]
    if scores.baseline_by_run is not None:
        cards.append(Card(number(scores.baseline_by_run), f"linear baseline, {BY_RUN}"))
    test = scores.permutation
    if test is None:
        return (*cards, Card(MISSING, "p, permutation test"))
    return (*cards, Card(f"{test.p:.3g}", p_label(test.p, test.n)))


def _quality(scores: Scores) -> Table:
    trained = (scores.accuracy, scores.loss, scores.train_accuracy, scores.train_loss)
    rows: list[tuple[str | float, ...]] = [("trained", *trained)]
    if scores.untrained_train and scores.untrained_test:
        test, train = scores.untrained_test, scores.untrained_train
        rows.insert(0, ("untrained", test.accuracy, test.loss, train.accuracy, train.loss))
    columns = ("accuracy, held out", "loss, held out", "accuracy, training set", "loss, training set")
    return _table(("mean over folds", *columns), rows)


def _folds(scores: Scores) -> Table:
    columns = {
        "fold": "fold",
        "name": "name",
        "n_train": "trained on",
        "n_test": "held out",
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced accuracy",
        "loss": "loss",
        "train_accuracy": "training accuracy",
        "train_loss": "training loss",
    }
    rows = [[getattr(fold, key) for key in columns] for fold in scores.folds]
    for row in rows:
        row[1] = row[1] or MISSING
    return _table(tuple(columns.values()), rows)


def _calibration(scores: Scores) -> Table:
    found = {"decoder": scores.calibration}
    found |= {f"{name} baseline": one for name, one in scores.baseline_calibration.items()}
    found |= {f"{i}. {one.decoder['name']}": one.calibration for i, one in enumerate(scores.compared, 1)}
    rows = [(name, one.log_loss, one.ece) for name, one in found.items() if one]
    return _table(("calibration", "log loss", "expected calibration error"), rows)


def _nuisance(test: NuisanceTest) -> Table:
    columns = ("decoded from", "variables", "score", "p", "p over all rows")
    return _table(columns, [(row.name, row.columns, row.score, row.p, row.p_all) for row in test.rows])


def _compared(compared: Sequence[Compared]) -> Table:
    rows: list[tuple[str | float, ...]] = []
    for other in compared:
        options = [key for key, value in other.decoder.items() if key != "name" and value not in (None, [])]
        own = registry[other.decoder["name"]].__annotations__  # before the options that all decoders share
        options.sort(key=lambda option: option not in own)
        settings = ", ".join(f"{key} = {other.decoder[key]}" for key in options)
        measures = (other.accuracy, other.balanced_accuracy, other.loss, other.train_accuracy)
        rows.append((f"{other.decoder['name']} ({settings})", *measures))
    return _table(("decoder", "accuracy", "balanced accuracy", "loss", "training accuracy"), rows)
