"""Columns of label tables and events files reach the samples, so that splits and the audit can use them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume


def bold(folder, n=12):
    data = np.random.default_rng(0).normal(100, 1, size=(3, 3, 3, n)).astype(np.float32)
    return read(write(Volume(data, np.eye(4), "bold", 2.0), folder / "sub-1_task-x_run-1_bold.nii.gz"))


EVENTS = """onset\tduration\ttrial_type\tstim_file\tresponse_time
0\t2\tface\tf1.png\t0.5
2\t2\tface\tf2.png\tn/a
4\t4\thouse\th1.png\t0.7
12\t3\tface\tf1.png\t0.9
16\t4\thouse\th2.png\t1.1
"""


def columns_of(folder, **options):
    (folder / "sub-1_task-x_run-1_events.tsv").write_text(EVENTS)
    labels = parse_labels({"source": "events", **options})
    return label_table(labels, bold(folder), folder)[0]


def test_each_volume_has_the_cells_of_the_event_that_it_shows(tmp_path):
    table = columns_of(tmp_path)
    assert "".join(label[:1] or "-" for label in table["label"]) == "ffhh--f-hh--"
    stimuli = ["f1.png", "f2.png", "h1.png", "h1.png", "", "", "f1.png", "", "h2.png", "h2.png", "", ""]
    assert table["stim_file"].tolist() == stimuli
    assert table["response_time"].tolist()[:3] == ["0.5", "", "0.7"]
    assert table["duration"].tolist()[:3] == ["2", "2", "4"]


def test_cells_follow_the_lag_the_rule_and_renamed_labels(tmp_path):
    late = columns_of(tmp_path, lag=2, rename={"face": "person"})
    assert late["stim_file"].tolist()[:4] == ["", "f1.png", "f2.png", "h1.png"]
    assert late["trial_type"].tolist()[:4] == ["", "face", "face", "house"]
    assert late["label"].tolist()[1] == "person"
    joined = columns_of(tmp_path, assign="until-next")
    assert joined["stim_file"].tolist() == (
        ["f1.png", "f2.png"] + ["h1.png"] * 4 + ["f1.png"] * 2 + ["h2.png"] * 4
    )


def test_cells_of_a_table_are_kept_and_follow_the_lag(tmp_path):
    series = bold(tmp_path)
    rows = pd.DataFrame({"category": ["a", "b"] * 6, "run": 1, "item": [f"i{i}" for i in range(12)]})
    rows.loc[3, "item"] = "n/a"
    rows.to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
    options = {"source": "table", "table": "volumes.tsv", "label_column": "category"}
    table, _ = label_table(parse_labels(options), series, tmp_path)
    assert table["item"].tolist() == ["i0", "i1", "i2", "", *(f"i{i}" for i in range(4, 12))]
    assert table["category"].tolist() == ["a", "b"] * 6
    late, _ = label_table(parse_labels({**options, "lag": 4.0}), series, tmp_path)
    assert late["item"].tolist() == ["", "", *table["item"][:10]]


@pytest.mark.parametrize("how", ["average_blocks", "average_runs"])
def test_averages_have_the_cells_of_all_their_volumes(tmp_path, how):
    table = columns_of(tmp_path)
    made = prepare(bold(tmp_path), table, PrepareConfig(detrend=False, standardize_runs=False, **{how: True}))
    expected = ["f1.png + f2.png", "h1.png", "f1.png", "h2.png"]
    if how == "average_runs":
        expected = ["f1.png + f2.png", "h1.png + h2.png"]
    assert made.table["stim_file"].tolist() == expected
