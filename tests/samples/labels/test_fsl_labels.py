"""Labels from FSL three-column files."""

from __future__ import annotations

import pytest
from label_helpers import (
    FACE,
    HOUSE,
    WANTED,
    labels_of,
    series_of,
    three_columns,
    two_runs,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels


@pytest.mark.parametrize(
    "name",
    ["run-{run}_{label}.txt", "{label}_run0{run}.txt", "run00{run}/{label}.txt", "Run{run}/{label}.ev"],
)
def test_three_column_files_are_matched_to_runs_by_path(tmp_path, name):
    for run, (first, second) in ((1, (FACE, HOUSE)), (2, (HOUSE, FACE))):
        three_columns(tmp_path / "ev" / name.format(run=run, label="face"), first)
        three_columns(tmp_path / "ev" / name.format(run=run, label="house"), second)
    pattern = "ev/**/*.*" if "/" in name else "ev/*.txt"
    table, notes = label_table(
        parse_labels({"source": "fsl", "files": [pattern]}), two_runs(tmp_path), tmp_path
    )
    swapped = [{"face": "house", "house": "face"}.get(label, label) for label in WANTED]
    assert table["label"].tolist() == WANTED + swapped
    assert table["run"].tolist() == ["1"] * 16 + ["2"] * 16
    assert notes == ["16 of 32 volumes have no label and are skipped."]


def test_rows_with_zero_weight_are_skipped_and_other_weights_are_noted(tmp_path):
    (tmp_path / "face.txt").write_text("0 4 1\n16\t4\t0.5\n")
    (tmp_path / "house.txt").write_text("onset duration weight\n8 4 1\n")
    (tmp_path / "empty.txt").write_text("0 0 0\n")
    config = parse_labels({"source": "fsl", "files": ["face.txt", "house.txt", "empty.txt"]})
    table, notes = label_table(config, series_of(), tmp_path)
    assert table["label"].tolist() == [
        "face",
        "face",
        "",
        "",
        "house",
        "house",
        "",
        "",
        "face",
        "face",
        *[""] * 6,
    ]
    assert notes[0] == "1 file(s) have different weights, which labels do not use."
    pattern = parse_labels({"source": "fsl", "files": ["face.txt", "house.txt"], "pattern": "^(?P<label>.)"})
    assert set(label_table(pattern, series_of(), tmp_path)[0]["label"]) == {"f", "h", ""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 4\n", "must have onset, duration and weight on each line; face.txt has 2 columns"),
        ("0 4 1\n8 soon 1\n", "row 2 of face.txt has 'soon'"),
        ("0 -4 1\n", "negative one, the first in row 1"),
        ("nan 4 1\n", "must have an onset"),
        ("0 4 1\n0 4 x\n", "Weights must be numbers; row 2 of face.txt has 'x'"),
    ],
)
def test_invalid_three_column_files_are_errors(tmp_path, text, message):
    (tmp_path / "face.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        labels_of({"source": "fsl", "files": ["face.txt"]}, series_of(), tmp_path)


def test_unmatched_onset_files_are_an_error(tmp_path):
    three_columns(tmp_path / "face.txt", FACE)
    with pytest.raises(InputError, match=r"face\.txt \(no run\) matches 0 of 2 images"):
        labels_of({"source": "fsl", "files": ["face.txt"]}, two_runs(tmp_path), tmp_path)
