"""Overridden audit findings are shown in color with the score; the table of files for each image."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QTableWidget
from small_result import small_result

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.results.score_metadata import SCORE
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder._napari.train.pairing import PairingView
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.cli.decode import say_result
from napari_fmri_decoder.evaluation.compared import SeedSpread
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS, run_headline
from napari_fmri_decoder.evaluation.palette import rgb
from napari_fmri_decoder.evaluation.report import write_report
from napari_fmri_decoder.evaluation.saved_scores import read_scores
from napari_fmri_decoder.evaluation.scores import Permutation
from napari_fmri_decoder.samples.audit import Finding

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult

FOUND = (
    Finding("run-in-both-parts", "error", "Runs 1 and 2 are in both parts.", True),
    Finding("few-samples", "warning", "There are few samples.", True),
    Finding("mask-from-test-data", "error", "It was not overridden.", False),
)


CASES: dict[str, dict[str, Any]] = {
    "no permutations": {},
    "permutations": {"permutation": Permutation(999, 0.001, 0.502)},
    "overridden": {"audit": FOUND},
    "overridden, permutations, seeds": {
        "audit": FOUND,
        "permutation": Permutation(19, 0.05, 0.51),
        "seeds": SeedSpread((0, 1), (0.5, 0.75), 0.625, 0.177),
        "baseline_by_run": 0.4,
    },
    "one class missing": {"classes": ("closed", "open", "rest"), "headline": "balanced_accuracy"},
    "not finite": {"accuracy": float("nan"), "baseline": {"dummy": 0.5, "linear": float("nan")}},
}
"""Changes of the scores of a small run."""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return small_result(tmp_path_factory.mktemp("small"), {"name": "linear"})


def changed(result: RunResult, case: str) -> RunResult:
    """The run with other scores; a class that no fold holds out has no predictions."""
    scores = replace(result.scores, **{"baseline": {"dummy": 0.5, "linear": 0.6}, **CASES[case]})
    if len(scores.classes) == 3:
        wide = np.pad(scores.confusion, (0, 1))
        scores = replace(scores, confusion=wide, train_confusion=wide)
    return replace(result, scores=scores)


def plain(html: str) -> str:
    """Text of HTML as it is read."""
    text = QTextDocument()
    text.setHtml(html)
    return " ".join(text.toPlainText().split())


@pytest.mark.parametrize("case", CASES)
def test_every_outlet_has_the_same_headline(
    viewer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], result: RunResult, case: str
) -> None:
    shown = changed(result, case)
    expected = run_headline(shown.scores)
    report = write_report(tmp_path, scores=shown.scores, figures={}).read_text(encoding="utf-8")
    from_report = re.findall(r'<p class="(?:headline|overridden)"[^>]*>(.*?)</p>', report)
    say_result(shown)
    printed = capsys.readouterr().out
    look = LookInsideDock(viewer)
    viewer.window.add_dock_widget(look)
    train = TrainDock(viewer)
    viewer.window.add_dock_widget(train)
    session = Session.of(viewer)
    layers = show_result(session, shown)
    session.update(result=shown)
    (tmp_path / "scores.json").write_text(json.dumps(shown.scores.to_dict()))
    outlets = {
        "report": plain(" ".join(from_report)),
        "Look inside": plain(look.headline.text()),
        "Train": plain(train.result.text()).removesuffix(f" {shown.folder}"),
        "scores.json": run_headline(read_scores(tmp_path)).text,
        **{layer.name: layer.metadata[SCORE] for layer in layers},
    }
    assert outlets == dict.fromkeys(outlets, expected.text)
    assert expected.sentence in printed
    assert expected.warning in printed
    overridden = "audit" in CASES[case]
    assert ("run-in-both-parts" in expected.text) == overridden
    assert "few-samples" not in expected.text, "a warning needs no override"
    assert "mask-from-test-data" not in expected.text, "it was not overridden"
    mark = SEVERITY_MARKS["error"]
    for html in (report.split("</style>")[1], look.headline.text(), train.result.text()):
        assert (f"background-color:{mark.background}; color:{mark.text}" in html) == overridden


def test_marks_can_be_read_on_any_background() -> None:
    def luminance(color: str) -> float:
        parts = [value / 255 for value in rgb(color)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]  # WCAG 2.1

    for mark in SEVERITY_MARKS.values():
        dark, light = sorted((luminance(mark.background), luminance(mark.text)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_pairing_is_a_table_without_empty_columns(qtbot: Any) -> None:
    view = PairingView()
    qtbot.addWidget(view)
    assert view.isHidden()
    columns = ("image", "events", "confounds", "run", "volumes", "TR (s)")
    cells = [(f"run-{i}_bold.nii.gz", f"run-{i}_events.tsv", "", str(i), "96", "2") for i in range(20)]
    view.show_rows(columns, cells)
    table = view.findChild(QTableWidget, "pairing")
    titles = [table.horizontalHeaderItem(i).text() for i in range(table.columnCount())]
    assert titles == ["image", "events", "run", "volumes", "TR (s)"]
    assert table.rowCount() == 20
    assert table.item(19, 1).text() == "run-19_events.tsv"
    assert not view.isHidden()
    assert table.height() < 400, "it scrolls"
    view.show_rows(columns, [])
    assert view.isHidden()


def test_check_shows_the_pairing_in_the_order_of_the_list(viewer: Any, tmp_path: Path) -> None:
    from napari_fmri_decoder._napari.train.dock import TrainDock

    result = small_result(tmp_path, {"name": "linear"})
    train = TrainDock(viewer)
    viewer.window.add_dock_widget(train)
    view = train.audit
    view.show_prepared(result.prepared)
    table = view.findChild(QTableWidget, "pairing")
    assert [table.item(row, 0).text() for row in range(table.rowCount())] == ["small_bold.nii.gz"]
    assert not view.pairing.isHidden()


@pytest.mark.parametrize("order", [("pre", "post"), ("post", "pre"), ("run-10", "run-2")])
def test_files_opened_as_one_series_keep_their_order_in_the_recipe_and_in_its_run(
    viewer: Any, tmp_path: Path, order: tuple[str, str]
) -> None:
    import numpy as np

    from napari_fmri_decoder._napari.train.recipe_from_session import Choices, plan_run
    from napari_fmri_decoder.decoders import registry
    from napari_fmri_decoder.pipeline.preparing import open_series
    from napari_fmri_decoder.recipe import NullConfig
    from napari_fmri_decoder.samples.labels import label_table, parse_labels
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.samples.split_config import SplitConfig
    from napari_fmri_decoder.training.config import TrainingConfig
    from napari_fmri_decoder.volumes.nifti import write
    from napari_fmri_decoder.volumes.volume import Volume

    paths = []
    for i, name in enumerate(order):
        data = np.random.default_rng(i).normal(100, 1, (4, 4, 3, 8)).astype(np.float32)
        paths.append(tmp_path / f"{name}_bold.nii.gz")
        write(Volume(data, np.diag([3.0, 3, 3, 1]), "bold", 2.0), paths[-1])
    (layer,) = viewer.open([str(path) for path in paths], stack=True, plugin="napari-fmri-decoder")
    session = Session.of(viewer)
    session.update(series=layer)
    series = session.series
    assert series is not None
    rows = "".join(f"{'ab'[i % 2]}\t{1 + i // 8}\n" for i in range(16))
    (tmp_path / "volumes.tsv").write_text(f"label\trun\n{rows}")
    labels = parse_labels({"source": "table", "table": "volumes.tsv"})
    table, _ = label_table(labels, series, tmp_path)
    session.update(labels=labels, table=table)
    choices = Choices(registry["linear"](), TrainingConfig(), SplitConfig(), PrepareConfig(), NullConfig())
    (tmp_path / "run").mkdir()
    plan = plan_run(session.state, series, None, choices, tmp_path / "run")
    again = open_series(plan.recipe, tmp_path / "run")
    assert [Path(part.path).name for part in again.parts] == [path.name for path in paths]
    np.testing.assert_array_equal(again.at(0), series.at(0))
