"""Opening a large gzip file gives a note, and one button makes all its volumes quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.qt.dock import Dock
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.reader import open_in_viewer, read_layers
from napari_fmri_decoder._napari.view import uncompressed_copy
from napari_fmri_decoder._napari.view.uncompressed_copy import KEEP, STOP, UncompressedCopyButton
from napari_fmri_decoder.volumes import cache


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gzip file that counts as large here, and a separate cache."""
    monkeypatch.setattr(cache, "SLOW_BYTES", 20_000)
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(uncompressed_copy, "cache_folder", lambda: tmp_path / "cache")
    values = np.random.default_rng(0).integers(0, 999, (12, 13, 14, 9)).astype(np.int16)
    image = nib.Nifti1Image(values, np.diag([2.0, 2, 2, 1]))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "bold.nii.gz")
    return tmp_path / "bold.nii.gz"


def test_a_large_gzip_gives_one_note_and_the_button_makes_it_quick(
    path: Path, viewer: Any, notified: list[Any], qtbot: Any, monkeypatch: pytest.MonkeyPatch
):
    dock = Dock(viewer, "dock")
    qtbot.addWidget(dock.native)
    button = UncompressedCopyButton(dock, Message("copy_error"))
    dock.rows.addWidget(button.native)
    assert not button.enabled
    assert "Select the layer of a series first." in button.tooltip

    ((data, meta, kind),) = open_in_viewer(str(path))
    (note,) = notified
    assert "is a gzip" in note.message
    assert KEEP in note.message
    layer = viewer._add_layer_from_data(data, meta, kind)[0]
    assert button.enabled
    shown = np.asarray(layer.data[7]).copy()

    # a stop leaves no file, and restores the button
    original = uncompressed_copy.uncompressed_copy

    def endless(file: Path, progress: Any) -> None:
        for done in range(10**9):
            progress(done, 10**9)

    monkeypatch.setattr(uncompressed_copy, "uncompressed_copy", endless)
    button.native.click()
    assert button.text == STOP
    button.native.click()
    qtbot.waitUntil(lambda: button.text == KEEP)
    assert not (path.parent / "cache").exists()
    monkeypatch.setattr(uncompressed_copy, "uncompressed_copy", original)

    before = layer.metadata[KEY]
    button.native.click()
    qtbot.waitUntil(lambda: button.text == KEEP and not button.enabled)
    after = layer.metadata[KEY]
    assert cache.reads_copies(after)
    assert after.parts == before.parts == layer.metadata[KEY].parts
    np.testing.assert_array_equal(layer.data[7], shown)
    assert "already be read quickly" in button.tooltip

    # from now on it opens quickly, without a note
    notified.clear()
    ((_, meta, _),) = open_in_viewer(str(path))
    assert cache.reads_copies(meta["metadata"][KEY])
    assert not [n for n in notified if "is a gzip" in n.message]


def test_reads_without_a_window(path: Path):
    ((data, _, _),) = read_layers(path)
    assert data.shape == (9, 14, 13, 12)
