"""Numbers as labels: binned as pandas does, refused if there are many, or declared as classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.volume import Volume


def labeled(folder, labels, **options):
    pd.DataFrame({"label": labels, "run": 1}).to_csv(folder / "v.tsv", sep="\t", index=False)
    series = Volume(np.zeros((2, 2, 2, len(labels)), np.float32), np.eye(4), "bold", 2.0)
    config = parse_labels({"source": "table", "table": "v.tsv", **options})
    table, _ = label_table(config, series, folder)
    return table["label"].tolist()


RATINGS = np.round(np.random.default_rng(0).uniform(0, 2, 40), 3)


def test_more_than_twenty_numbers_are_refused(tmp_path):
    message = r"39 of them are different numbers, from 0\.\d+ to 1\.\d+\. .* regression is not offered"
    with pytest.raises(InputError, match=message):
        labeled(tmp_path, RATINGS)
    with pytest.raises(InputError, match="21 of them are different numbers, from 0 to 20"):
        labeled(tmp_path, ["rest", *map(str, range(21))])
    assert labeled(tmp_path, [*range(20), *range(20)])[19] == "19"
    assert len(set(labeled(tmp_path, range(26), categorical=True))) == 26
    assert len(set(labeled(tmp_path, [f"s{i}" for i in range(26)]))) == 26
    assert len(set(labeled(tmp_path, range(26), keep=["1", "2"]))) == 26  # the others are not decoded


def test_bins_are_those_of_pandas(tmp_path):
    edges = sorted([0.5, float(RATINGS[1]), 1.25])
    ours = labeled(tmp_path, ["rest", *RATINGS], bins=edges, exclude=["rest"])
    theirs = pd.cut(RATINGS, [-np.inf, *edges, np.inf], right=False).codes
    low, middle, high = (f"{edge:g}" for edge in edges)
    names = [f"below {low}", f"{low} to {middle}", f"{middle} to {high}", f"{high} or more"]
    assert ours == ["rest", *(names[code] for code in theirs)]


def test_events_are_binned_too(tmp_path):
    series = Volume(np.zeros((2, 2, 2, 6), np.float32), np.eye(4), "bold", 2.0, name="sub-1_task-x_bold.nii")
    events = "onset\tduration\ttrial_type\n0\t4\t1\n4\t4\t7\n8\t4\trest\n"
    (tmp_path / "e.tsv").write_text(events)
    config = parse_labels({"source": "events", "events": "e.tsv", "bins": [5]})
    assert label_table(config, series, tmp_path)[0]["label"].tolist() == (
        ["below 5"] * 2 + ["5 or more"] * 2 + ["rest"] * 2
    )


@pytest.mark.parametrize("options", [{"bins": [1, 1]}, {"bins": [2, 1]}, {"bins": [1], "categorical": True}])
def test_bins_must_increase_and_contradict_nothing(options):
    with pytest.raises(InputError, match="bins"):
        parse_labels({"source": "table", "table": "v.tsv", **options})
