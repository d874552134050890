"""Runs from files, and the lag, for sources that list one label per volume."""

from __future__ import annotations

import pandas as pd
import pytest
from label_helpers import (
    bold,
    maps,
    write_events,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.labels.per_volume import apply_lag
from napari_fmri_decoder.volumes.volume import Part

BIDS = (Part("sub-02_ses-a_task-x_run-05_bold.nii", 2), Part("sub-02_ses-a_task-x_run-07_bold.nii", 2))


@pytest.mark.parametrize(
    "labels",
    [
        {"source": "blocks", "blocks": "1 a, 1 b"},
        {"source": "painted", "spans": ["0-1 a", "2-3 b"]},
        {"source": "table", "table": "labels.tsv"},
    ],
)
def test_runs_of_bids_files_have_their_bids_names(tmp_path, labels):
    (tmp_path / "labels.tsv").write_text("label\na\nb\na\nb\n")
    table, _ = label_table(parse_labels(labels), bold(4, BIDS), tmp_path)
    assert table["run"].tolist() == ["5", "5", "7", "7"]
    assert set(table["subject"]) == {"02"}
    assert set(table["session"]) == {"a"}
    others = (Part("morning.nii", 2), Part("evening.nii", 2))
    alike = (Part("sub-1_acq-a_run-1_bold.nii", 2), Part("sub-1_acq-b_run-1_bold.nii", 2))
    for parts in (others, alike):  # these names do not distinguish the runs
        table, _ = label_table(parse_labels(labels), bold(4, parts), tmp_path)
        assert table["run"].tolist() == ["1", "1", "2", "2"]
        assert set(table["subject"]) == {""}


def test_lag_shifts_labels_within_their_run():
    rows = pd.DataFrame({"label": list("abcd"), "run": ["1", "1", "2", "2"]})
    assert apply_lag(rows, 2.5, 2.5)["label"].tolist() == ["", "a", "", "c"]
    assert apply_lag(rows, 1.0, 2.5)["label"].tolist() == ["a", "b", "c", "d"]
    assert apply_lag(rows, 1.5, 2.5)["label"].tolist() == ["", "a", "", "c"]
    assert apply_lag(rows, -2.5, 2.5)["label"].tolist() == ["b", "", "d", ""]


def test_lag_is_equal_for_tables_and_events(tmp_path):
    events = write_events(tmp_path / "run_events.tsv", (2.0, 4.0, "a"), (6.0, 6.0, "b"))
    (tmp_path / "v.tsv").write_text("label\trun\n\t1\na\t1\na\t1\nb\t1\nb\t1\nb\t1\n\t1\n\t1\n")
    for lag in (0.0, 1.0, 2.0, 4.5):
        by_table, _ = label_table(
            parse_labels({"source": "table", "table": "v.tsv", "lag": lag}), bold(8), tmp_path
        )
        by_events, _ = label_table(
            parse_labels({"source": "events", "events": [events.name], "lag": lag}), bold(8), tmp_path
        )
        assert by_table["label"].tolist() == by_events["label"].tolist()


def test_lag_requires_a_time_series(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t1\nb\t1\n")
    with pytest.raises(InputError, match="lag = 5 s"):
        label_table(parse_labels({"source": "table", "table": "v.tsv", "lag": 5}), maps("a", "b"), tmp_path)
