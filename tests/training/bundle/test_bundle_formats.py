"""Models of every format that was given out are read, and answer as they did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_fmri_decoder.pipeline.predicting import predict
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.bundle.header import FORMAT
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.volumes.volume import Volume

# written by tools/write_format_files.py
FILES = sorted((Path(__file__).parents[2] / "data").glob("format*.safetensors"))


def test_there_is_a_file_of_each_format() -> None:
    assert {int(path.name[6]) for path in FILES} == set(range(1, FORMAT + 1))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_model_is_read_and_predicts_the_same(path: Path) -> None:
    bundle = load_bundle(path)
    kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = predict_proba(bundle.model, np.array(kept["X"], dtype=np.float32), bundle.space)
    np.testing.assert_allclose(found, kept["probabilities"], rtol=0, atol=1e-6)
    assert np.ptp(kept["probabilities"], axis=0).min() > 0.01  # it looks at its voxels
    assert bundle.classes == ("closed", "open")
    assert bundle.step == (2.0 if "step" in path.name else None)
    assert (bundle.model.screened is not None) == ("mlp" in path.name)
    # the affine that the script made by hand: 20 degrees about x, voxels of 4 x 4 x 5 mm, x to the left
    sine, cosine = np.sin(np.deg2rad(20)), np.cos(np.deg2rad(20))
    affine = [[-4, 0, 0, 12], [0, 4 * cosine, -5 * sine, -8], [0, 4 * sine, 5 * cosine, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(bundle.space.grid.affine, affine, atol=1e-12)
    assert bundle.space.n_features == 7 * 6 * 3 - 18


def test_an_old_model_reads_a_scan_by_its_recipe() -> None:
    bundle = load_bundle(FILES[0])
    data = np.random.default_rng(0).normal(100, 5, size=(*bundle.space.grid.shape, 8)).astype(np.float32)
    table, notes = predict(bundle, Volume(data, bundle.space.grid.affine, "bold", 2.0))
    assert table.columns.tolist()[4:] == ["predicted", "p_closed", "p_open"]
    np.testing.assert_allclose(table[["p_closed", "p_open"]].sum(axis=1), 1, atol=1e-6)
    assert not notes
