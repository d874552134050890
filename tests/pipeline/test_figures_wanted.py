"""Figures are drawn as the recipe or the command line asks, and change nothing else."""

from __future__ import annotations

import json

import pytest
from small import write_small
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app


@pytest.fixture(autouse=True)
def _undrawn():
    """Draw, unlike the other tests of this folder."""


LAYERS = {"report.html", "scores.json", "predictions.tsv"}


def train(folder, out, *options):
    done = CliRunner().invoke(
        app, ["train", str(folder / "recipe.toml"), "--out", str(folder / out), *options]
    )
    assert done.exit_code == 0, done.output
    return folder / out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("figures")
    write_small(made, n_runs=2)
    return made


def endings(run):
    return {path.suffix for path in (run / "figures").glob("*")} if (run / "figures").exists() else set()


@pytest.mark.parametrize(
    ("options", "kinds", "shown"),
    [
        ((), {".png"}, "data:image/png"),
        (("--figures", "svg"), {".svg"}, "data:image/svg+xml"),
        (("--figures", "both"), {".png", ".svg"}, "data:image/png"),
        (("--no-figures",), set(), "No figures were drawn"),
    ],
)
def test_only_requested_figures_are_drawn(folder, options, kinds, shown):
    run = train(folder, "run-" + "-".join(options).strip("-"), *options)
    assert endings(run) == kinds
    page = (run / "report.html").read_text(encoding="utf-8")
    assert shown in page
    assert ".svg" in page or ".svg" not in kinds
    assert "SVG" in page or ".svg" not in kinds
    assert {path.name for path in run.iterdir()} >= LAYERS


def test_scores_are_the_same_with_and_without_figures(folder):
    scores = [
        json.loads((train(folder, name, *options) / "scores.json").read_text()) | {"seconds": 0}
        for name, options in (("with", ()), ("without", ("--no-figures",)))
    ]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("options", [("--figures", "jpg"), ("--figures", "png", "--no-figures")])
def test_unknown_formats_and_contradictory_options_are_refused(folder, options):
    from napari_fmri_decoder.errors import InputError

    done = CliRunner().invoke(
        app, ["train", str(folder / "recipe.toml"), "--out", str(folder / "x"), *options]
    )
    assert isinstance(done.exception, InputError)
    assert not (folder / "x").exists()
