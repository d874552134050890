"""The simulated z-maps: names and order for labels, decodable, reproducible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from napari_fmri_decoder.samples.example_data import maps
from napari_fmri_decoder.samples.example_data.maps import make_sample_maps, write_sample_maps
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.read import read


@pytest.fixture(scope="module")
def made():
    return make_sample_maps()


def test_labels_by_name_and_by_order_are_equal(made):
    maps, _ = made
    pattern = r"ses-(?P<session>\d+)_cat-(?P<label>[a-z]+)_map"
    by_name, _ = label_table(parse_labels({"source": "filename", "pattern": pattern}), maps, Path())
    in_order = {"source": "filename", "per_class": 5, "sessions": 4}  # 5 maps x 26 categories x 4
    by_order, _ = label_table(parse_labels(in_order), maps, Path())
    assert by_name["label"].nunique() == by_order["label"].nunique() == 26
    for labels in (by_name, by_order):
        codes = labels["label"].map({v: i for i, v in enumerate(labels["label"].unique())})
        np.testing.assert_array_equal(codes, np.tile(np.repeat(np.arange(26), 5), 4))


def test_categories_are_decoded_in_held_out_sessions(made):
    maps, mask = made
    X = np.asarray(maps.data)[mask.at(0) > 0].T
    y = np.tile(np.repeat(np.arange(26), 5), 4)
    model = make_pipeline(StandardScaler(), LinearSVC(C=1e-3))
    scores = cross_val_score(model, X, y, groups=np.repeat(np.arange(4), 130), cv=LeaveOneGroupOut())
    assert 0.5 <= scores.mean() <= 0.8


def test_the_maps_depend_only_on_the_seed(made):
    first, again, other = (made[0], *(make_sample_maps(seed)[0] for seed in (0, 1)))
    np.testing.assert_array_equal(first.data, again.data)
    assert not np.array_equal(first.data, other.data)


def test_written_maps_can_be_read(made, tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "make_sample_maps", lambda seed: made)
    folder, mask = write_sample_maps(tmp_path)
    stack = read(folder)
    assert (stack.kind, stack.names, read(mask).kind) == ("stat", made[0].names, "mask")
    np.testing.assert_allclose(stack.data[..., ::100], np.asarray(made[0].data)[..., ::100], atol=1e-6)
