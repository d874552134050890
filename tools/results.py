"""Measure the scores in docs/results.md again, by the recipes in examples/: python tools/results.py --write.

Without --write the scores are only compared with those in the docs: a linear model must agree within 0.005, a
network within two standard errors of its mean over seeds. The data are where FMRI_DECODER_DATA says.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.recipe import load_recipe, make_recipe

ROOT = Path(__file__).parents[1]
EXAMPLES, PAGE = ROOT / "examples", ROOT / "docs" / "results.md"
TOLERANCE = 0.005
"""Of the accuracy of a linear model, and of the number of its folds."""
ERRORS = 2
"""Standard errors over seeds by which the mean of a network may differ."""
PERMUTATIONS, NULL_TOLERANCE = 100, 0.02
"""Of the null on real data: its mean must be chance within the tolerance."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a recipe, with another decoder and other training options.

    Attributes
    ----------
    label : str
        What the table calls it.
    recipe : str
        Name of the file in examples/.
    decoder, training : dict
        Options that differ from the recipe's; `decoder` replaces all options of the recipe's decoder.
    network : bool
        Whether it depends on the seed.
    reference : str
        Score of others on the same data.
    """

    label: str
    recipe: str
    decoder: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    network: bool = False
    reference: str = ""

    @property
    def first_cells(self) -> str:
        """The cells that identify the row."""
        return f"| {self.label} | `{self.recipe}` |"


NESTED = {"name": "linear", "C": "nested"}
TABLES: dict[str, tuple[Row, ...]] = {
    "volumes": (
        Row("`mlp`, 300 epochs", "haxby_mlp", network=True, reference="0.635"),
        Row("`lda`", "haxby_lda", reference="0.729 (scikit-learn)"),
        Row("`linear`, C = 0.1", "haxby_linear", reference="0.667 (0.671 converged)"),
        Row("`linear`, C chosen by nested runs", "haxby_linear", NESTED),
        Row("`mlp` from whitened class means", "haxby_mlp_means", network=True),
        Row(
            "`cnn2d`, 25 epochs, two blocks (the plane is too thin for three)",
            "haxby_cnn2d",
            network=True,
            reference="0.581 (another small CNN)",
        ),
        Row("`dummy`", "haxby_lda", {"name": "dummy"}),
    ),
    "means": (
        Row("`lda`", "haxby_means_lda"),
        Row("`linear`, C chosen by nested runs", "haxby_means_lda", NESTED),
        Row("`dummy`", "haxby_means_lda", {"name": "dummy"}),
    ),
    "zmaps": (
        Row("`lda`", "haxby_zmaps_lda"),
        Row("`linear`, C chosen by nested runs", "haxby_zmaps_linear", reference="0.792"),
        Row("`mlp` from whitened class means", "haxby_zmaps_mlp_means", network=True),
        Row("`linear`, C = 0.1", "haxby_zmaps_linear", {"name": "linear", "C": 0.1}, reference="0.781"),
        Row(
            "`linear`, loss svm, C = 1e-2",
            "haxby_zmaps_linear",
            {"name": "linear", "loss": "svm", "C": 0.01},
            reference="0.813 (voxels not scaled)",
        ),
        Row(
            "`mlp`, 269 hidden units, 200 epochs",
            "haxby_zmaps_linear",
            {"name": "mlp"},
            {"epochs": 200},
            network=True,
            reference="0.71 to 0.75",
        ),
        Row("`dummy`", "haxby_zmaps_lda", {"name": "dummy"}),
    ),
}
"""The tables of docs/results.md, by the name in their markers."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A score: the mean accuracy, its standard error over seeds, and the range of the folds.

    `error` is None for one seed. `low` and `high` are those of the first seed; None if the docs lack them.
    """

    accuracy: float
    low: float | None
    high: float | None
    error: float | None = None
    seeds: int = 1

    @property
    def cells(self) -> str:
        """The cells of its row."""
        spread = "" if self.error is None else f" ± {self.error:.3f} ({self.seeds} seeds)"
        folds = "" if self.low is None else f" {self.low:.3f}, {self.high:.3f}"
        return f" {self.accuracy:.3f}{spread} |{folds} |"


def measure(row: Row, out: Path, seeds: int) -> Measured:
    """Run the recipe of a row into an empty folder."""
    content = load_recipe(EXAMPLES / f"{row.recipe}.toml").model_dump(mode="json", exclude_none=True)
    content |= {"compare": [], "baseline": {"models": []}, "report": {"figures": "none"}}
    content["decoder"] = row.decoder or content["decoder"]
    content["training"] = row.training or content["training"]
    if row.network:
        content["training"] = content["training"] | {"seeds": seeds}
    scores = finish(run(make_recipe(content), EXAMPLES, out)).scores
    folds = [fold.accuracy for fold in scores.folds]
    if scores.seeds is None:
        return Measured(scores.accuracy, min(folds), max(folds))
    values = scores.seeds.scores
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return Measured(float(np.mean(values)), min(folds), max(folds), error, len(values))


def null_mean(out: Path) -> float:
    """Mean accuracy of `lda` on the means of runs, with the labels of blocks permuted within runs."""
    content = load_recipe(EXAMPLES / "haxby_means_lda.toml").model_dump(mode="json", exclude_none=True)
    content |= {"baseline": {"models": []}, "report": {"figures": "none"}}
    content["null"] = {"permutations": PERMUTATIONS}
    permutation = finish(run(make_recipe(content), EXAMPLES, out)).scores.permutation
    if permutation is None:
        raise RuntimeError("The run must have a permutation test.")
    return permutation.mean


def null_text(mean: float) -> str:
    """The sentence on the null in the docs."""
    return (
        f"`lda` on one mean per run and category with the labels permuted within runs, {PERMUTATIONS} "
        f"permutations: mean accuracy {mean:.3f}."
    )


def published(text: str, row: Row) -> Measured | None:
    """Read the score of a row from a table of the docs; None if the table does not have the row."""
    line = next((line for line in text.splitlines() if line.startswith(row.first_cells)), "")
    number = r"([01]\.\d+)"
    pattern = rf" {number}(?: ± {number} \((\d+) seeds\))? \|(?: {number}, {number})? \|"
    found = re.match(pattern, line.removeprefix(row.first_cells))
    if found is None:
        return None
    accuracy, error, seeds, low, high = found.groups()
    low, high, error = (None if number is None else float(number) for number in (low, high, error))
    return Measured(float(accuracy), low, high, error, int(seeds or 1))


def problem(row: Row, before: Measured | None, now: Measured) -> str:
    """How a score differs from the published one, in a sentence; "" if it does not."""
    if before is None:
        return f"{row.label} ({row.recipe}) must be in the docs, but is not."
    allowed = TOLERANCE
    if row.network:
        errors = [one.error for one in (before, now) if one.error is not None]
        if not errors:
            return f"{row.label} ({row.recipe}) must have several seeds, got one."
        allowed = ERRORS * max(errors)
    if abs(before.accuracy - now.accuracy) <= allowed + 5e-4:  # the docs have three digits
        return ""
    return (
        f"{row.label} ({row.recipe}) must be within {allowed:.3f} of the published {before.accuracy:.3f}, "
        f"got {now.accuracy:.3f}."
    )


def table_of(rows: list[tuple[Row, str]]) -> str:
    """Write a table from rows and their cells."""
    lines = ["| decoder | recipe in `examples/` | accuracy | folds from, to | reference (data's README) |"]
    lines += ["|---|---|---|---|---|"]
    lines += [f"{row.first_cells}{cells} {row.reference} |".replace("|  |", "| |") for row, cells in rows]
    return "\n".join(lines)


def block(page: str, name: str) -> str:
    """The text between the markers of a table.

    Raises
    ------
    ValueError
        If the page does not have the markers.
    """
    start, end = markers(name)
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"The page must have the markers {start} and {end} once.")
    return page[page.index(start) + len(start) : page.index(end)].strip("\n")


def replaced(page: str, name: str, text: str) -> str:
    """Replace the text between the markers of a table."""
    start, end = markers(name)
    block(page, name)
    return f"{page[: page.index(start)]}{start}\n{text}\n{page[page.index(end) :]}"


def markers(name: str) -> tuple[str, str]:
    """The lines before and after a table."""
    return f"<!-- results {name}: written by tools/results.py -->", f"<!-- end of results {name} -->"


def main() -> int:
    """Measure, compare and, on request, write; the status is 1 if a score differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the measured scores into the docs")
    parser.add_argument("--linear", action="store_true", help="leave out the networks")
    parser.add_argument("--seeds", type=int, default=5, help="fits of each network (at least 2)")
    parser.add_argument("--no-null", action="store_true", help="leave out the permutations")
    options = parser.parse_args()
    page, problems = PAGE.read_text(encoding="utf-8"), []
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in TABLES.items():
            text, lines = block(page, name), []
            for i, row in enumerate(rows):
                before = published(text, row)
                if row.network and options.linear:
                    lines += [(row, before.cells)] if before is not None else []
                    continue
                began = time.monotonic()
                now = measure(row, Path(folder) / f"{name}-{i}", max(2, options.seeds))
                problems += [found] if (found := problem(row, before, now)) else []
                lines.append((row, now.cells))
                print(f"{name}: {row.label}:{now.cells} {time.monotonic() - began:.0f} s", flush=True)
            page = replaced(page, name, table_of(lines))
        if not options.no_null:
            mean = null_mean(Path(folder) / "null")
            text = null_text(mean)
            print(text, flush=True)
            page = replaced(page, "null", text)
            if abs(mean - 1 / 8) > NULL_TOLERANCE:
                problems.append(
                    f"The mean of the null must be 0.125 within {NULL_TOLERANCE}, got {mean:.3f}."
                )
    if options.write:
        PAGE.write_text(page, encoding="utf-8")
    print("\n".join(problems) or "All scores agree with the docs.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
