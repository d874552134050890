"""Places are decoded from the Look inside dock: the map fills, the table is clicked, a run is reopened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from small_result import small_result

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.look_inside.where_page import WherePage
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.where import WhereDone, where_of_prepared
from napari_fmri_decoder.recipe import rebased

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.pipeline import RunResult


@pytest.fixture
def result(tmp_path: Path) -> RunResult:
    """All voxels of the small series, decoded by a small network; each run is held out once."""
    return small_result(tmp_path / "run")


@pytest.fixture
def page(viewer: Any, result: RunResult) -> WherePage:
    """The page in a window that shows a run."""
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.session.add(result.prepared.series)
    dock.session.update(result=result, prepared=result.prepared)
    dock.show(WherePage.title)
    return dock.where


def test_a_searchlight_fills_a_layer_and_its_folder_has_the_same_numbers(
    page: WherePage, result: RunResult
) -> None:
    page.places.radius_mm.value = 6.0
    page.decode()
    table = pd.read_csv(result.folder / "where/centers.tsv", sep="\t")
    layer = next(one for one in page.session.viewer.layers if one.name.startswith("lda at spheres"))
    volume = page.session.volume(layer)
    assert volume is not None
    samples = result.prepared.samples
    score = next(name for name in ("accuracy", "balanced_accuracy") if name in table)
    shown = volume.at(0)[samples.space.mask]
    np.testing.assert_allclose(shown, table[score] - 1 / len(samples.classes), atol=1e-5)
    assert "Best of" in page.found.text()
    assert "Not tested" in page.found.text()
    best = page.model.table.iloc[0]
    assert best[score] == table[score].max()
    page.table.clicked.emit(page.model.index(0, 0))
    np.testing.assert_allclose(page.session.state.scene.point, best[["x_mm", "y_mm", "z_mm"]], atol=1e-3)


def test_permutations_give_the_same_p_as_without_the_window(page: WherePage, result: RunResult) -> None:
    page.places.update({"centers": "slabs", "thickness": 1, "permutations": 9})
    page.decoder.update({"name": "prototype"})
    page.decode()
    assert "9 permutations" in page.found.text()
    assert "p" in page.model.table
    assert page.work.done is not None
    recipe = result.recipe.model_copy(update={"where": page.work.done.prepared.recipe.where})
    recipe = rebased(recipe, result.folder, result.folder / "again")
    prepared = replace(result.prepared, recipe=recipe)
    *_, last = where_of_prepared(prepared, result.folder / "again")
    assert isinstance(last, WhereDone)
    first, second = ((result.folder / name / "centers.tsv").read_text() for name in ("where", "again"))
    assert first == second


def test_a_second_one_goes_to_another_folder_and_a_reopened_page_shows_the_last(
    page: WherePage, result: RunResult, viewer: Any
) -> None:
    page.places.update({"centers": "slabs", "thickness": 1})
    page.decode()
    page.places.update({"centers": "boxes", "size_mm": 12.0})
    page.decode()
    assert (result.folder / "where-2/summary.json").is_file()
    assert "boxes" in page.found.text()
    again = WherePage(page.session, lambda: result)
    again.update_result(result)
    assert "boxes" in again.found.text()
    before = len(viewer.layers)
    again.show_map.native.click()
    assert len(viewer.layers) == before + 1
    again.deleteLater()


def test_options_that_the_places_do_not_have_are_disabled(page: WherePage) -> None:
    assert page.places.radius_mm.enabled
    assert not page.places.thickness.enabled
    page.places.centers.value = "slabs"
    assert page.places.thickness.enabled
    assert not page.places.radius_mm.enabled


def test_what_does_not_fit_is_one_sentence(page: WherePage, qtbot: Any) -> None:
    page.decoder.update({"name": "mlp"})
    with pytest.raises(InputError, match="a network such as mlp can be trained for regions and slabs"):
        page.decode()
    page.places.centers.value = "regions"
    with pytest.raises(InputError, match="regions need an atlas"):
        page.decode()
    page.places.update({"centers": "spheres", "radius_mm": 0.1})
    page.decoder.update({"name": "lda"})
    page.start.native.click()
    qtbot.waitUntil(lambda: page.work.job is None and page.error.text != "")
    assert "of 1 voxels vary" in page.error.text
