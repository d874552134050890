"""report.html: one page that says how well a run decoded, with its pictures inside.

The page needs no network and no script; each picture and table also lies beside it as a file.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape
from math import isfinite
from typing import TYPE_CHECKING

from napari_fmri_decoder.decoders import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.scores import Scores
    from napari_fmri_decoder.samples.audit import Finding

UNTESTED = "not tested against chance (no permutations)"

BY_RUN = "with whole runs left out"

NOTHING = "\N{EN DASH}"

DESIGN = "folds"
"""The picture that stands with the table of folds."""

FILES = {
    "scores.json": "all numbers of this page",
    "predictions.tsv": "what was said of each sample left out",
    "history.tsv": "loss and accuracy of each epoch",
    "recipe.toml": "the whole run, to be run again",
    "model.safetensors": "the network refitted on all samples",
}
"""What is linked where it lies beside the page."""

_MIME = {"png": "image/png", "svg": "image/svg+xml"}

NO_FIGURES = "No figures were drawn, as the run was asked to (report.figures is none)."

CAPTIONS = {
    "curves": "Learning curves. Epoch 0 is the untrained network; the part left out is watched, not used. "
    "Where training holds back a validation part, it is shown in its place, and the epoch is chosen by it.",
    "confusion_test": "Confusion of the samples left out.",
    "confusion_train": "Confusion of the training parts, each sample once per fold that trained on it.",
    "run_accuracy": "The score in each run, over its samples that were left out.",
    "null": "Scores under labels exchanged between blocks, everything fitted again.",
    "probabilities": "How sure the decoder was: the probability given to each class.",
    "folds": "What each fold did with each sample, in time order and run by run: trained on it, left it out "
    "to be tested, or held it back of the training part to choose the epoch (validation).",
    "voxels": "Means and standard deviations of the voxels; a line marks the floor of a mask.",
    "pca": "Principal components of the samples. Groups by run, not by label, point to drift between runs.",
    "pca_variance": "How many components hold how much of the variance.",
    "tsne": "t-SNE of the samples. Distances between far groups, and their sizes, mean nothing.",
}

STYLE = """
:root { --ink: #1c2330; --soft: #5b6675; --line: #d9dfe7; --tint: #f4f6f9; --main: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 1.2rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .3rem 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 75ch; }
a { color: var(--main); }
.headline { font-size: 1.15rem; }
.overridden { border-left: 4px solid #b3261e; padding-left: .7rem; color: #b3261e; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.cards div { background: var(--tint); border-radius: .5rem; padding: .6rem .8rem; }
.cards b { display: block; font-size: 1.45rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards span { color: var(--soft); font-size: .85rem; }
.cards div:first-child { background: var(--main); }
.cards div:first-child > * { color: #fff; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
ul.plain { list-style: none; padding: 0; margin: 0; }
ul.plain li { margin: .4rem 0; padding: .5rem .8rem; background: var(--tint); overflow-wrap: anywhere;
  border-left: 4px solid var(--line); }
ul.plain li.error { border-color: #b3261e; } ul.plain li.warning { border-color: #e69f00; }
.severity { font-weight: 700; text-transform: uppercase; font-size: .75rem; margin-right: .5rem; }
code { font-size: .85rem; }
.absent { color: var(--soft); }
figure { margin: 1.2rem 0; } figcaption { color: var(--soft); font-size: .9rem; margin-top: .3rem; }
img { display: block; max-width: 100%; height: auto; }
pre { background: var(--tint); padding: .8rem; border-radius: .5rem; overflow-x: auto; font-size: .85rem; }
@media (max-width: 600px) {
  main { padding: .8rem; } .cards b { font-size: 1.25rem; } .cards { grid-template-columns: 1fr 1fr; }
  figure .wide img { max-width: none; width: 640px; }
}
@media print { .cards div:first-child { border: 2px solid var(--main); } figure { break-inside: avoid; } }
"""


def write_report(
    folder: Path,
    *,
    scores: Scores,
    figures: Mapping[str, Figure],
    title: str = "fMRI decoding",
    recipe: str = "",
    notes: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    absent: Sequence[str] = (),
    formats: Sequence[str] = ("png", "svg"),
) -> Path:
    """Write `report.html`, and its pictures as files, into a run folder.

    Parameters
    ----------
    folder : Path
        The run folder; files that lie in it already are linked, and `scores.json`.
    scores : Scores
        With baseline, permutation and audit set.
    figures : mapping of str to Figure
        As `run_figures` gives them; saved as `figures/NAME.png` and so on.
    title : str
        Heads the page.
    recipe : str
        The resolved recipe, as TOML.
    notes : sequence of str
        What was left out or changed on the way, in sentences.
    versions : mapping of str to str
        Version of each package by its name.
    absent : sequence of str
        Why a picture that one looks for is not there, in sentences.
    formats : sequence of str
        "png", "svg" or both; the page shows the first.

    Returns
    -------
    Path
        Of the page.
    """
    pictures = folder / "figures"
    if figures:
        from napari_fmri_decoder.evaluation.style import save_all

        save_all(figures, pictures, formats)
    parts = [
        f"<h1>{escape(title)}</h1>",
        _headline(scores),
        _cards(scores),
        _findings(scores.audit),
        _section("Before and after training", _quality_table(scores)),
        _section(
            "Folds", _fold_table(scores) + (_picture(DESIGN, pictures, formats) if DESIGN in figures else "")
        ),
        _section("Other decoders in the same folds", _compared(scores)) if scores.compared else "",
        _section("Classes", _class_table(scores)),
        _section(
            "Pictures",
            "".join(f'<p class="absent">{escape(why)}</p>\n' for why in absent)
            + "".join(_picture(name, pictures, formats) for name in figures if name != DESIGN),
        ),
        _section("What was left out or changed", _list(notes) if notes else "<p>Nothing.</p>"),
        _section("Recipe", f"<pre>{escape(recipe)}</pre>") if recipe else "",
        _section("Files", _files(folder, formats if figures else ())),
        _section("Versions", _table(("package", "version"), list(versions.items()))) if versions else "",
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    body = f"<body><main>\n{''.join(parts)}</main></body>"
    path = folder / "report.html"
    path.write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n{body}</html>\n', encoding="utf-8"
    )
    return path


def headline_sentence(scores: Scores) -> str:
    """Say the result in plain words, with what it must be compared with.

    Returns
    -------
    str
        Also fit for the last line of a command.
    """
    name = scores.headline.replace("_", " ")
    per_fold = [getattr(fold, scores.headline) for fold in scores.folds]
    folds = "1 fold" if len(per_fold) == 1 else f"{len(per_fold)} folds"
    spread = f", {_number(min(per_fold))} to {_number(max(per_fold))}" if len(per_fold) > 1 else ""
    if scores.seeds:
        by_seed = scores.seeds.scores
        spread += f"; {len(by_seed)} seeds, {_number(min(by_seed))} to {_number(max(by_seed))}"
    beside = [f"chance {_number(scores.chance)}"]
    for key, value in scores.baseline.items():
        by_run = scores.baseline_by_run if key == "linear" else None
        beside.append(
            f"{key} {_number(value)}" + ("" if by_run is None else f" ({BY_RUN} {_number(by_run)})")
        )
    if scores.permutation:
        test = (
            f"p = {scores.permutation.p:.3g} from {scores.permutation.n} permutations "
            f"(their mean {_number(scores.permutation.mean)})"
        )
    else:
        test = UNTESTED
    return f"{name.capitalize()} {_number(scores.score)} ({folds}{spread}); {', '.join(beside)}; {test}."


def _headline(scores: Scores) -> str:
    left_out = sum(row.n for row in scores.per_class)
    tested = "" if left_out == scores.n_samples else f", {left_out} of them left out"
    sizes = f"{scores.n_samples} samples of {len(scores.classes)} classes{tested}, {scores.seconds:.0f} s."
    codes = [finding.code for finding in scores.audit if finding.allowed and finding.severity == "error"]
    overridden = (
        '<p class="overridden">The audit found errors, which the recipe overrides: '
        f"{escape(', '.join(codes))}. The score may owe itself to them.</p>"
        if codes
        else ""
    )
    text = escape(headline_sentence(scores))
    return f'<p class="headline">{text}</p>{overridden}<p>{escape(sizes)}</p>'


def _cards(scores: Scores) -> str:
    cards = [
        (_number(scores.score), f"{scores.headline.replace('_', ' ')}, left out"),
        (_number(scores.chance), "chance"),
        *((_number(value), f"{name} baseline") for name, value in scores.baseline.items()),
        (f"{scores.permutation.p:.3g}" if scores.permutation else NOTHING, "p, permutation"),
    ]
    if scores.baseline_by_run is not None:
        cards.insert(-1, (_number(scores.baseline_by_run), f"linear baseline, {BY_RUN}"))
    boxes = [f"<div><b>{escape(value)}</b><span>{escape(what)}</span></div>" for value, what in cards]
    return f'<div class="cards">{"".join(boxes)}</div>'


def _quality_table(scores: Scores) -> str:
    trained = (scores.accuracy, scores.loss, scores.train_accuracy, scores.train_loss)
    rows: list[tuple[str | float, ...]] = [("trained", *trained)]
    if scores.untrained_train and scores.untrained_test:
        test, train = scores.untrained_test, scores.untrained_train
        rows.insert(0, ("untrained", test.accuracy, test.loss, train.accuracy, train.loss))
    columns = ("mean over folds", "accuracy, left out", "loss, left out", "accuracy, training part")
    return _table((*columns, "loss, training part"), rows)


def _findings(audit: Sequence[Finding]) -> str:
    rank = {"error": 0, "warning": 1, "note": 2}
    items = [
        f'<li class="{finding.severity}"><span class="severity">{finding.severity}</span>'
        f"{escape(finding.message)} <code>{escape(finding.code)}</code>"
        f"{' (allowed on purpose)' if finding.allowed else ''}</li>"
        for finding in sorted(audit, key=lambda finding: rank[finding.severity])
    ]
    found = f'<ul class="plain">{"".join(items)}</ul>' if items else "<p>No finding.</p>"
    return _section("Audit of the split", found)


def _compared(scores: Scores) -> str:
    rows: list[tuple[str | float, ...]] = []
    for other in scores.compared:
        stated = [k for k, v in other.decoder.items() if k != "name" and v not in (None, [])]
        own = registry[other.decoder["name"]].__annotations__  # before what it shares with its siblings
        stated.sort(key=lambda option: option not in own)
        options = ", ".join(f"{key} = {other.decoder[key]}" for key in stated)
        measures = (other.accuracy, other.balanced_accuracy, other.loss, other.train_accuracy)
        rows.append((f"{other.decoder['name']} ({options})", *measures))
    return _table(("decoder", "accuracy", "balanced", "loss", "training accuracy"), rows)


def _fold_table(scores: Scores) -> str:
    columns = (
        "fold",
        "name",
        "trained on",
        "left out",
        "accuracy",
        "balanced",
        "loss",
        "train accuracy",
        "train loss",
    )
    rows = [
        (
            fold.fold,
            fold.name or NOTHING,
            fold.n_train,
            fold.n_test,
            fold.accuracy,
            fold.balanced_accuracy,
            fold.loss,
            fold.train_accuracy,
            fold.train_loss,
        )
        for fold in scores.folds
    ]
    return _table(columns, rows)


def _class_table(scores: Scores) -> str:
    rows = [(row.name, row.n, row.recall, row.precision) for row in scores.per_class]
    return _table(("class", "samples left out", "recall", "precision"), rows)


def _picture(name: str, folder: Path, formats: Sequence[str]) -> str:
    caption, shown = CAPTIONS.get(name, name), formats[0]
    data = b64encode((folder / f"{name}.{shown}").read_bytes()).decode("ascii")
    links = [f'<a href="figures/{name}.{kind}" download>{kind.upper()}</a>' for kind in formats]
    image = f'<img alt="{escape(caption)}" src="data:{_MIME[shown]};base64,{data}">'
    text = f"{escape(caption)} Save as {' or '.join(links)}."
    return f'<figure id="{name}"><div class="wide">{image}</div><figcaption>{text}</figcaption></figure>\n'


def _files(folder: Path, formats: Sequence[str]) -> str:
    items = [
        f'<li><a href="{name}" download>{name}</a>: {escape(what)}</li>'
        for name, what in FILES.items()
        if name == "scores.json" or (folder / name).exists()  # that one is written last, after this page
    ]
    if formats:
        kinds = " and ".join(kind.upper() for kind in formats)
        items.append(f'<li><a href="figures/">figures/</a>: the pictures of this page, as {kinds}</li>')
    return f"<ul>{''.join(items)}</ul>"


def _list(sentences: Sequence[str]) -> str:
    return f'<ul class="plain">{"".join(f"<li>{escape(text)}</li>" for text in sentences)}</ul>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = ("".join(f"<td>{escape(_number(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}\n"


def _number(value: str | float | None) -> str:
    """Write text as it is, counts as counts and other numbers to three places."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return NOTHING
    return f"{value:.3f}" if isinstance(value, float) else str(value)
