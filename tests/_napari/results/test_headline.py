"""Overridden audit findings are shown in color with the score; the table of files for each image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QTableWidget
from small_result import small_result

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.results.headline import SEVERITY_COLORS, headline
from napari_fmri_decoder._napari.train.pairing import PairingView
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.evaluation.report import headline_sentence, override_sentence, write_report
from napari_fmri_decoder.samples.audit import Finding

FOUND = (
    Finding("run-in-both-parts", "error", "Runs 1 and 2 are in both parts.", True),
    Finding("few-samples", "warning", "There are few samples.", True),
    Finding("mask-from-test-data", "error", "It was not overridden.", False),
)


def test_report_and_window_show_the_same_sentence_on_overridden_errors(viewer: Any, tmp_path: Path) -> None:
    result = small_result(tmp_path, {"name": "linear"})
    assert override_sentence(result.scores) == ""
    assert headline(result.scores) == headline_sentence(result.scores)
    scores = replace(result.scores, audit=FOUND)
    sentence = override_sentence(scores)
    assert "run-in-both-parts" in sentence
    assert "few-samples" not in sentence, "a warning needs no override"
    assert "mask-from-test-data" not in sentence
    write_report(tmp_path, scores=scores, figures={})
    assert f'<p class="overridden">{sentence}</p>' in (tmp_path / "report.html").read_text()
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    Session.of(viewer).update(result=replace(result, scores=scores))
    assert headline_sentence(scores) in dock.headline.text()
    assert f'color:{SEVERITY_COLORS["error"]}">{sentence}' in dock.headline.text()


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
    from napari_fmri_decoder._napari.train.audit import AuditView

    result = small_result(tmp_path, {"name": "linear"})
    view = AuditView()
    viewer.window.add_dock_widget(view)
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
    from napari_fmri_decoder.samples.splits import SplitConfig
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
