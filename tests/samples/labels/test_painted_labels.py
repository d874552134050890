"""Labels painted as spans of volumes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from label_helpers import (
    bold,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.labels.painted import PaintedLabels
from napari_fmri_decoder.volumes.volume import Part


def test_later_spans_take_precedence(tmp_path):
    config = parse_labels({"source": "painted", "spans": ["1-4 face", "4-5 house"], "run_lengths": [3, 5]})
    table, notes = label_table(config, bold(8), tmp_path)
    assert table["label"].tolist() == ["", "face", "face", "face", "house", "house", "", ""]
    assert table["run"].tolist() == ["1"] * 3 + ["2"] * 5
    assert table["block"].tolist() == [0, 1, 1, 2, 3, 3, 4, 4]  # the end of a run ends a block
    assert notes == ["3 of 8 volumes have no label and are skipped."]
    each_file = parse_labels({"source": "painted", "spans": ["0-7 face"]})
    of_files, _ = label_table(each_file, bold(8, (Part("a.nii", 6), Part("b.nii", 2))), tmp_path)
    assert of_files["run"].tolist() == ["1"] * 6 + ["2"] * 2


@pytest.mark.parametrize("seed", range(5))
def test_repeated_painting_equals_assignment_to_an_array(seed, tmp_path):
    rng = np.random.default_rng(seed)
    array, config = np.full(40, "", dtype=object), PaintedLabels(run_lengths=(15, 25))
    for _ in range(12):
        first, last = sorted(int(v) for v in rng.integers(0, 40, 2))
        label = str(rng.choice(["", "face", "big house"]))
        array[first : last + 1] = label
        config = config.painted(first, last, label)
    config = config.painted(0, 0, "face")
    array[0] = "face"
    table, _ = label_table(config, bold(40), tmp_path)
    assert table["label"].tolist() == array.tolist()
    again, _ = label_table(PaintedLabels.of_table(table), bold(40), tmp_path)
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spans": ["3 face"]}, "must read like"),
        ({"spans": ["5-3 face"]}, "with the first volume not after the last"),
        ({"spans": ["0-8 face"]}, r"within the 8 volumes of the series \(0 to 7\)"),
        ({"spans": ["0-3 face"], "run_lengths": [4, 5]}, "4, 5 add up to 9"),
        ({"spans": ["0-3 face"], "run_lengths": [8, 0]}, "at least one volume"),
    ],
)
def test_invalid_spans_are_errors(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        label_table(parse_labels({"source": "painted"} | options), bold(8), tmp_path)


def test_painting_over_a_table_keeps_subjects_sessions_and_runs(tmp_path):
    path = tmp_path / "v.tsv"
    path.write_text(
        "label\trun\tsubject\tsession\na\t7\t1\tpre\nb\t8\t1\tpre\na\t7\tsub-2\t\nb\tx/y\tsub-2\t\n"
    )
    table, _ = label_table(parse_labels({"source": "table", "table": str(path)}), bold(4), tmp_path)
    taken = PaintedLabels.of_table(table)
    assert taken.run_names[1:3] == ("sub-1/ses-pre/run-8", "sub-sub-2/run-7")
    again, _ = label_table(parse_labels(taken.model_dump(mode="json")), bold(4), tmp_path)
    pd.testing.assert_frame_equal(again, table)
    counted = pd.DataFrame({"volume": [0, 1], "label": ["a", "b"], "run": ["1", "2"], "block": [0, 1]})
    assert PaintedLabels.of_table(counted.assign(subject="", session="")).run_names == ()
