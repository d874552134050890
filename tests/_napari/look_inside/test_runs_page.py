"""Recent runs in a table that can be sorted; one is opened, two are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QItemSelectionModel, Qt
from small import write_small

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.results.recent_runs import remember_run
from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS
from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.recipe import load_recipe, make_recipe

LEAKS = ["run-in-both-parts", "neighbours-across-split"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A run, one with other options, and one with overridden findings."""
    folder = tmp_path_factory.mktemp("study")
    content = load_recipe(write_small(folder)).model_dump(mode="json", exclude_none=True)
    content["report"] = {"figures": "none"}
    sections: dict[str, dict[str, Any]] = {
        "weak": {"decoder": {"name": "linear", "C": 1e-6}, "null": {"permutations": 3}},
        "strong": {"decoder": {"name": "linear", "C": 1.0}},
        "leaking": {
            "decoder": {"name": "linear", "C": 1.0},
            "split": {"scheme": "random", "test_size": 0.25},
            "audit": {"allow": LEAKS},
        },
    }
    for name, own in sections.items():
        finish(run(make_recipe({**content, **own}), folder, folder / name))
    return [folder / name for name in sections]


def column(look: LookInsideDock, name: str, role: Any = Qt.ItemDataRole.DisplayRole) -> list[Any]:
    model = look.runs.model
    place = list(model.table.columns).index(name)
    return [model.data(model.index(i, place), role) for i in range(model.rowCount())]


def test_runs_are_listed_sorted_compared_and_opened(viewer: Any, runs: list[Path], qtbot: Any) -> None:
    look = LookInsideDock(viewer)
    viewer.window.add_dock_widget(look, name="Look inside")
    look.show("Recent runs")
    look.runs.update_runs()
    assert look.runs.about.text().startswith("There are no recent runs")
    for folder in runs:
        remember_run(folder)
    look.runs.update_runs()
    assert column(look, "run") == ["leaking", "strong", "weak"], "the latest first"
    table = look.runs.table
    assert table.horizontalScrollBar().maximum() == 0, "all columns are in sight"
    widths = {name: table.columnWidth(i) for i, name in enumerate(look.runs.model.table.columns)}
    shown = {name for i, name in enumerate(widths) if not table.isColumnHidden(i)}
    assert shown == {"run", "score", "lda", "linear", "p", "decoder", "differs in"}
    metrics = table.fontMetrics()
    for name in shown:
        wrapped = {"run": ["2026-11-27_"], "differs in": ["differs"]}
        texts = wrapped.get(name) or [name, *column(look, name)]
        assert max(map(metrics.horizontalAdvance, texts)) < widths[name], name
    assert table.rowHeight(0) >= metrics.lineSpacing() * 2, "what differs is wrapped"
    assert "chance 0.500, dummy" in column(look, "run", Qt.ItemDataRole.ToolTipRole)[0]
    p = column(look, "p")
    assert p[:2] == ["\N{EN DASH}"] * 2
    assert float(p[2]) in (0.25, 0.5, 0.75, 1.0)
    backgrounds = column(look, "score", Qt.ItemDataRole.BackgroundRole)
    assert backgrounds[0].name() == SEVERITY_MARKS["error"].background
    assert backgrounds[1:] == [None, None]
    tips = column(look, "score", Qt.ItemDataRole.ToolTipRole)
    assert "run-in-both-parts" in tips[0]
    look.runs.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert column(look, "run") == ["weak", "strong", "leaking"]
    look.runs.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    scores = np.array(column(look, "score"), dtype=float)
    assert (np.diff(scores) >= 0).all()
    names = column(look, "run")

    selection = look.runs.table.selectionModel()
    flags = QItemSelectionModel.SelectionFlag
    assert not look.runs.open.enabled
    for name in ("strong", "weak"):
        index = look.runs.model.index(names.index(name), 0)
        selection.select(index, flags.Select | flags.Rows)
    assert look.runs.compare.enabled
    assert not look.runs.open.enabled
    look.runs.compare.native.click()
    look.runs.wait()
    found = look.runs.comparison
    assert found is not None
    assert {found.first.folder.name, found.second.folder.name} == {"strong", "weak"}
    text = look.runs.text.toPlainText()
    assert found.paired is not None
    assert f"predict different classes for {found.paired.disagree} of 64 samples" in text
    assert "Network: C" in text
    assert "independent" in text

    selection.clearSelection()
    look.runs.table.doubleClicked.emit(look.runs.model.index(names.index("strong"), 0))
    qtbot.waitUntil(lambda: look.result is not None)
    assert look.result is not None
    assert look.result.folder.name == "strong"
