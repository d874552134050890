"""Z-maps from the dock match those of the core, and then serve as the series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import series, write_small

from napari_fmri_decoder._napari.labels.dock import LabelsDock
from napari_fmri_decoder._napari.labels.zmaps import NO_LABELS, NO_MAPS, NO_SERIES, NO_TIME
from napari_fmri_decoder._napari.train.recipe_from_session import Choices, plan_run
from napari_fmri_decoder._napari.train.setup import SetupView
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import prepare_run
from napari_fmri_decoder.recipe import NullConfig, load_recipe
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig, find_runs, make_zmaps
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.volumes.files import images_in
from napari_fmri_decoder.volumes.read import read


def test_z_maps_are_computed_stopped_and_shown_in_place_of_the_series(
    viewer: Any, tmp_path: Path, qtbot: Any, notified: list[Any]
) -> None:
    write_small(tmp_path)
    labels = pd.read_csv(tmp_path / "volumes.tsv", sep="\t")
    labels.loc[labels.index % 16 >= 12, "label"] = "rest"
    labels.to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
    dock = LabelsDock(viewer)
    viewer.window.add_dock_widget(dock, name="Labels (napari-fmri-decoder)")
    session, view = Session.of(viewer), dock.zmaps
    assert not view.make_button.enabled
    assert NO_SERIES in view.make_button.tooltip
    assert NO_MAPS in view.save_button.tooltip
    bold = read(tmp_path / "small_bold.nii.gz")
    layer = session.add(bold)
    session.update(series=layer)
    assert NO_LABELS in view.make_button.tooltip
    dock.source.update({"source": "table", "table": "volumes.tsv", "exclude": ["rest"]})
    dock.apply_button.native.click()
    assert view.make_button.enabled

    # a response with a delay disables the lag; a boxcar has none
    assert not view.lag.enabled
    view.update({"hrf": "none", "noise": "ols", "drift": "none"})
    assert view.lag.enabled
    assert not view.high_pass.enabled
    view.folder.value = tmp_path / "made"

    # a recipe with z-maps asks to compute them first
    example = Path(__file__).parents[3] / "examples" / "haxby_zmaps_linear.toml"
    SetupView(session).load(load_recipe(example))
    assert "Make them in the Labels dock" in str(notified.pop().message)

    # stopped while reading: no files are left
    view.make_button.native.click()
    assert (view.stop_button.enabled, view.make_button.enabled) == (True, False)
    view.stop_button.native.click()
    qtbot.waitUntil(lambda: view.job is None)
    assert "No map was kept" in view.line.text.text()
    assert not (tmp_path / "made").exists()

    # a second series on the same axis prevents showing the maps: one message, and the maps are on disk
    other = session.add(series(1)[0])
    view.make_button.native.click()
    qtbot.waitUntil(lambda: view.job is None)
    (folder,) = (tmp_path / "made").iterdir()
    assert [str(note.message)[:20] for note in notified] == ["All series in a view"]
    assert session.series is bold
    assert str(folder) in view.notes.text()
    session.remove(other)

    view.make_button.native.click()
    qtbot.waitUntil(lambda: view.job is None)
    folder = max((tmp_path / "made").iterdir())
    table = session.state.labeling.table
    source = parse_labels({"source": "table", "table": "volumes.tsv", "exclude": ["rest"]})
    runs, _ = find_runs(source, bold, tmp_path)
    expected = make_zmaps(bold, runs, ZMapsConfig(hrf="none", noise="ols", drift="none"))
    assert session.state.preparation.series is layer
    assert session.series.names == tuple(expected.table["name"])
    assert len(images_in(folder)) == len(expected.table) == len(table)
    np.testing.assert_allclose(session.series.at(2), expected.maps.at(2), atol=1e-6)
    assert table["label"].tolist() == expected.table["label"].tolist()
    assert f"{len(table)} volumes" in dock.about.text()
    assert dock.source.config().table == str(folder / "volumes.tsv")
    assert dock.notes.text() == ""
    assert (layer.name, layer.axis_labels[0]) == (folder.name, "volume")
    assert layer.contrast_limits[0] == -layer.contrast_limits[1]
    assert viewer.dims.point[0] == 0
    assert NO_TIME in view.make_button.tooltip
    assert "Center runs" in view.notes.text()

    # all maps in one file, and their labels in a table next to it
    view.save(tmp_path / "all")
    saved = read(tmp_path / "all.nii.gz")
    assert (saved.kind, saved.intent, saved.names) == ("stat", "z score", session.series.names)
    np.testing.assert_array_equal(saved.affine, bold.affine)
    np.testing.assert_array_equal(saved.at(2), session.series.at(2))
    labels_source = parse_labels({"source": "table", "table": "all.tsv"})
    again, _ = label_table(labels_source, saved, tmp_path)
    assert again["label"].tolist() == table["label"].tolist()
    assert again["run"].tolist() == table["run"].tolist()
    assert view.work.made is not None
    assert view.work.made.suggested == "small_bold_stat-z_statmap"
    (tmp_path / "taken.tsv").write_text("mine")
    with pytest.raises(InputError, match=r"taken\.tsv already exists"):
        view.save(tmp_path / "taken.nii.gz")
    # training on the maps works like on any series
    choices = Choices(
        get_decoder({"name": "linear"}),
        TrainingConfig(),
        SplitConfig(),
        PrepareConfig(center_runs=True),
        NullConfig(),
    )
    plan = plan_run(session.state, session.series, None, choices, tmp_path / "run")
    assert plan.volumes == plan.tables == ()
    prepared = prepare_run(plan.recipe, plan.folder)
    assert prepared.samples.table["label"].tolist() == table["label"].tolist()
