"""report.html: its content, that it needs no other file to be read, and that its links are valid."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples, random_results

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.compared import compare
from napari_fmri_decoder.evaluation.figures import confusion_matrices, voxel_histograms
from napari_fmri_decoder.evaluation.headline import run_headline
from napari_fmri_decoder.evaluation.histograms import histogram
from napari_fmri_decoder.evaluation.report import CAPTIONS, FILES, Methods, interactive_map, write_report
from napari_fmri_decoder.evaluation.report.unseen import UNSEEN
from napari_fmri_decoder.evaluation.scores import Permutation, Scores, score_folds
from napari_fmri_decoder.samples.audit import Finding
from napari_fmri_decoder.volumes.volume import Volume

VOID = {"meta", "img", "br"}
EVIL = '<script>alert("1")</script> & co'


class Page(HTMLParser):
    """The tags, attributes and text of a page; all tags must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data + " "


def scores_of(classes: tuple[str, ...] = ("cat", "dog", "owl"), **changes: object) -> Scores:
    samples = make_samples(classes)
    scores = score_folds(random_results(samples, leave_one_run_out(samples)), samples)
    return replace(scores, **{"baseline": {"dummy": 1 / 3, "linear": 0.5}, **changes})  # type: ignore[arg-type]


def page_of(folder: Path, scores: Scores, *, illustrated: bool = False, **more: object) -> Page:
    """Write and read a report. Drawing takes most of the time, so only tests of figures ask for them."""
    drawn = {}
    if illustrated:
        drawn = {
            "confusion_test": confusion_matrices(scores.confusion, scores.classes, "held out"),
            "voxels": voxel_histograms(histogram(np.arange(5.0)), histogram(np.arange(5.0))),
        }
    path = write_report(folder, scores=scores, figures=drawn, **more)  # type: ignore[arg-type]
    assert path == folder / "report.html"
    return Page(path.read_text(encoding="utf-8"))


def test_it_shows_the_score_with_chance_and_baselines(tmp_path: Path) -> None:
    scores = scores_of()
    page = page_of(tmp_path, scores)
    assert f"Accuracy {scores.accuracy:.3f} (4 folds, " in page.text
    assert (
        "chance 0.333, dummy 0.333, linear 0.500; not tested against chance (no permutations)." in page.text
    )
    for fold in scores.folds:
        assert fold.name in page.text
        assert f"{fold.loss:.3f}" in page.text
    for row in scores.per_class:
        assert f"{row.recall:.3f}" in page.text
    assert "untrained" in page.text
    assert "No findings." in page.text


def test_it_shows_p_if_there_were_permutations(tmp_path: Path) -> None:
    page = page_of(tmp_path, scores_of(permutation=Permutation(999, 0.001, 0.331)))
    assert "p = 0.001, the smallest that 999 permutations can give (their mean 0.331)" in page.text
    assert "not tested" not in page.text


def test_the_headline_of_unbalanced_classes_is_the_balanced_accuracy() -> None:
    samples = make_samples(extra=3)
    scores = score_folds(random_results(samples, leave_one_run_out(samples)), samples)
    assert run_headline(scores).sentence.startswith(
        f"Balanced accuracy {scores.balanced_accuracy:.3f} (4 folds"
    )


def test_errors_are_listed_before_warnings(tmp_path: Path) -> None:
    audit = (
        Finding("few-samples", "warning", "Few."),
        Finding("run-in-both-parts", "error", "Leak.", allowed=True),
    )
    text = page_of(tmp_path, scores_of(audit=audit)).text
    assert text.index("Leak.") < text.index("Few.")
    assert "run-in-both-parts" in text
    assert text.count("allowed on purpose") == 1
    assert "errors, which the recipe overrides: run-in-both-parts." in text
    assert "overrides" not in page_of(tmp_path, scores_of()).text


def test_other_decoders_are_compared(tmp_path: Path) -> None:
    scores = scores_of()
    assert "Other decoders" not in page_of(tmp_path, scores).text
    other = compare(get_decoder({"name": "mlp", "hidden": 7}), scores)
    page = page_of(tmp_path, replace(scores, compared=(other,)))
    assert "Other decoders" in page.text
    assert "mlp (hidden = 7" in page.text


def test_texts_from_users_files_are_shown_and_never_run(tmp_path: Path) -> None:
    scores = scores_of((EVIL, "b", "c"), audit=(Finding("x", "note", EVIL),))
    folds = (replace(scores.folds[0], name=EVIL), *scores.folds[1:])
    page = page_of(
        tmp_path,
        replace(scores, folds=folds),
        title=EVIL,
        recipe=f"name = '{EVIL}'",
        notes=[EVIL],
        pairing=(("image", "subject"), [(f"{EVIL}_bold.nii.gz", EVIL)]),
        versions={EVIL: EVIL},
        missing_figures=[EVIL],
    )
    assert not [tag for tag, _ in page.tags if tag == "script"]
    # Title twice (tab and heading), fold, class, finding, recipe, note, file, subject, missing figure,
    # package and version.
    assert page.text.count(EVIL) == 12
    assert "<script" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_options_of_compared_decoders_are_escaped(tmp_path: Path) -> None:
    scores = scores_of()
    other = compare(get_decoder({"name": "mlp"}), scores)
    other = replace(other, decoder={**other.decoder, "hidden": EVIL})
    page = page_of(tmp_path, replace(scores, compared=(other,)))
    assert f"hidden = {EVIL}" in page.text
    assert "<script" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_recipe_keeps_its_line_breaks_and_leading_spaces(tmp_path: Path) -> None:
    recipe = "[training]\n  epochs = 3\n\n[null]\npermutations = 9\n"
    assert recipe in page_of(tmp_path, scores_of(), recipe=recipe).text


def test_it_needs_no_network_and_contains_its_figures(tmp_path: Path) -> None:
    page = page_of(tmp_path, scores_of(), illustrated=True)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "http:" not in html
    assert "https:" not in html
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2
    for attrs in images:
        kind, data = str(attrs["src"]).split(",")
        assert kind == "data:image/png;base64"
        assert b64decode(data).startswith(b"\x89PNG")
        assert attrs["alt"]
    assert 'name="viewport"' in html


def test_its_links_are_files_of_the_run_folder(tmp_path: Path) -> None:
    for name in ("scores.json", "predictions.tsv", "recipe.toml"):
        (tmp_path / name).write_text("")
    page = page_of(tmp_path, scores_of(), illustrated=True)
    links = [str(attrs["href"]) for tag, attrs in page.tags if tag == "a"]
    assert {"scores.json", "predictions.tsv", "recipe.toml", "figures/voxels.svg"} <= set(links)
    assert "history.tsv" not in links
    assert all((tmp_path / link).exists() for link in links)
    assert "history.tsv" in FILES


def test_each_figure_has_a_caption(tmp_path: Path) -> None:
    page = page_of(tmp_path, scores_of(), illustrated=True)
    assert CAPTIONS["confusion_test"] in page.text
    assert CAPTIONS["voxels"] in page.text


def test_missing_numbers_are_shown_as_a_dash(tmp_path: Path) -> None:
    page = page_of(tmp_path, scores_of(loss=float("nan"), untrained_train=None))
    assert "nan" not in page.text.lower().split()
    assert "untrained" not in page.text


@pytest.mark.parametrize("again", [1, 2])
def test_it_can_be_written_again(tmp_path: Path, again: int) -> None:
    for _ in range(again):
        page_of(tmp_path, scores_of(), illustrated=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "report.html"]


def test_the_report_and_the_docs_list_what_no_audit_can_see(tmp_path: Path) -> None:
    text = " ".join(page_of(tmp_path, scores_of()).text.split())
    docs = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    section = " ".join(docs.partition("## What no audit can see")[2].split())
    for sentence in UNSEEN:
        assert sentence in section
        assert sentence in text


def test_methods_and_what_was_done_to_the_data_are_shown(tmp_path: Path) -> None:
    methods = Methods("One sentence.", [("Model", EVIL)])
    page = page_of(tmp_path, scores_of(), methods=methods, treatment="Data: maps.", notes=["Data: maps."])
    assert "One sentence." in page.text
    assert page.text.count("Data: maps.") == 1
    assert EVIL in page.text
    assert "<script" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_calibration_of_each_decoder_is_shown(tmp_path: Path) -> None:
    scores = scores_of()
    found = scores.calibration
    assert found is not None
    page = page_of(tmp_path, replace(scores, baseline_calibration={"lda": replace(found, ece=0.987)}))
    assert f"{found.ece:.3f}" in page.text
    assert "lda baseline" in page.text
    assert "0.987" in page.text


def test_the_interactive_map_needs_no_network_and_is_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    affine = np.array([[-0.9, 0, 0, 100], [0, 0.9, 0.1, -120], [0, -0.1, 0.9, -90], [0, 0, 0, 1]])
    anatomy = Volume(rng.random((220, 240, 200)).astype(np.float32), affine, "anatomy", name="T1")
    values = np.zeros((12, 14, 10), np.float32)
    values[2:6, 2:6, 2:6] = rng.normal(size=(4, 4, 4))
    of_map = Volume(values, np.diag([4.0, 4, 4, 1]), "stat", name="weights")
    maps = {"weights": interactive_map(of_map, anatomy)}
    page = page_of(tmp_path, scores_of(), maps=maps)
    assert (tmp_path / "report.html").stat().st_size < 8e6
    (frame,) = [attrs for tag, attrs in page.tags if tag == "iframe"]
    kind, data = str(frame["src"]).split(",")
    assert kind == "data:text/html;base64"
    html = b64decode(data).decode()
    assert "brainsprite" in html
    assert not re.search(r"<link |<script[^>]* src=|https?://\w", html), "it loads no other file"
    assert all(source.startswith("data:") for source in re.findall(r"<img[^>]* src=\"([^\"]+)", html))
