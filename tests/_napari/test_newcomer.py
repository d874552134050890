"""The path of README and tutorial, by real clicks: how many, in which order, and what is seen at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from qtpy.QtWidgets import QFileDialog
from small_sample import two_runs_of_the_phantom

from napari_fmri_decoder._napari.guide.samples import SAMPLES
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.decoders.cnn2d import CNN2D
from napari_fmri_decoder.samples.example_data import make_phantom
from napari_fmri_decoder.volumes.nifti import write
from newcomer import Newcomer, train_bids, train_sample


@pytest.fixture
def somebody(viewer: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newcomer:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})
    return Newcomer(viewer, qtbot.waitUntil)


def follow(person: Newcomer) -> list[str]:
    """Names of the choices of the session, in the order in which they are made."""
    session, order = Session.of(person.viewer), list[str]()

    def note(name: str) -> None:
        if session.state.values()[name] is not None and name not in order:
            order.append(name)

    session.changed.connect(note)
    return order


def test_the_sample_needs_at_most_12_clicks(
    somebody: Newcomer, notified: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SAMPLES, "phantom", replace(SAMPLES["phantom"], make=two_runs_of_the_phantom))
    order = follow(somebody)
    train_sample(somebody)
    assert len(somebody.clicked) <= 12, somebody.clicked
    assert_described(somebody.clicked)
    made = [name for name in order if name in ("series", "mask", "slab", "recipe", "result")]
    assert made == ["series", "mask", "slab", "recipe", "result"]
    assert not notified, [str(n.message) for n in notified]
    assert len(somebody.frames()) == 2, "View, Train"
    assert_sees_conv1(somebody)


def assert_described(clicked: list[str]) -> None:
    """README names everything that was clicked, in this order."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    at = text.index("## In napari")
    for what in clicked:
        assert what in text[at:], what
        at = text.index(what, at) + len(what)


def assert_sees_conv1(person: Newcomer) -> None:
    """The activations are the uppermost image that is visible, at decoded voxels, and not 0."""
    visible = [layer for layer in person.viewer.layers if layer.visible]
    assert visible[-1].name == "cnn2d conv1"
    assert person.viewer.layers.selection == {visible[-1]}
    volume = person.viewer.dims.current_step[-4]
    assert np.asarray(visible[-1].data[0, volume]).shape == visible[-1].data.shape[2:]
    assert any(np.asarray(visible[-1].data[f, volume]).any() for f in range(visible[-1].data.shape[0]))


def test_a_bids_folder_needs_at_most_10_clicks(
    somebody: Newcomer, notified: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CNN2D.training_defaults, "epochs", 1)
    folder = write_bids(tmp_path / "dataset")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(folder))
    order = follow(somebody)
    train_bids(somebody)
    assert len(somebody.clicked) <= 10, somebody.clicked
    assert_described(somebody.clicked)
    made = [name for name in order if name in ("series", "table", "result")]
    assert made == ["series", "table", "result"]
    table, known = Session.of(somebody.viewer).state.labeling.table, make_phantom().table
    assert table["label"].tolist() == known["label"].tolist()[: len(table)]
    assert_sees_conv1(somebody)
    assert not notified, [str(n.message) for n in notified]


def write_bids(folder: Path, runs: int = 2) -> Path:
    """Write some planes of the phantom as a BIDS dataset."""
    phantom = make_phantom()
    rows = phantom.table
    for run in range(1, runs + 1):
        own = (rows["run"] == str(run)).to_numpy()
        func = folder / "sub-01" / "func"
        bold = replace(phantom.bold, data=phantom.bold.data[:, :, 8:12, own], parts=())
        write(bold, func / f"sub-01_task-eyes_run-{run}_bold.nii.gz")
        labels = rows["label"][own].tolist()
        onsets = range(0, len(labels), 4)
        events = pd.DataFrame({"onset": [2.0 * i for i in onsets], "duration": 8.0})
        events["trial_type"] = [labels[i] for i in onsets]
        events.to_csv(func / f"sub-01_task-eyes_run-{run}_events.tsv", sep="\t", index=False)
    (folder / "dataset_description.json").write_text('{"Name": "eyes", "BIDSVersion": "1.8.0"}')
    return folder
