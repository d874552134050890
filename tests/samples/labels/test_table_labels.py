"""Labels from a table with one row per volume."""

from __future__ import annotations

import pytest
from label_helpers import (
    bold,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels


@pytest.mark.parametrize("mark", ["\t", ",", ";", " "])
def test_table_gives_label_run_and_block_of_each_volume(tmp_path, mark):
    rows = ["volume label run", "0 rest 1", "1 face 1", "2 face 1", "3 face 2", "4 n/a 2"]
    (tmp_path / "volumes.txt").write_text("\n".join(row.replace(" ", mark) for row in rows))
    config = parse_labels({"source": "table", "table": "volumes.txt", "exclude": ["rest"]})
    table, notes = label_table(config, bold(5), tmp_path)
    assert table["label"].tolist() == ["rest", "face", "face", "face", ""]
    assert table["run"].tolist() == ["1", "1", "1", "2", "2"]
    assert table["block"].tolist() == [0, 1, 1, 2, 3]
    assert table["volume"].tolist() == [0, 1, 2, 3, 4]
    assert table["subject"].tolist() == [""] * 5
    assert notes == [
        "1 of 5 volumes have no label and are skipped.",
        "1 of 5 volumes are labeled 'rest' and are excluded.",
    ]


def test_column_names_can_be_set_as_for_nilearns_haxby(tmp_path):
    (tmp_path / "labels.txt").write_text("labels chunks\nrest 0\nface 0\nface 1\n")
    config = parse_labels(
        {"source": "table", "table": "labels.txt", "label_column": "labels", "run_column": "chunks"}
    )
    table, _ = label_table(config, bold(3), tmp_path)
    assert table["run"].tolist() == ["0", "0", "1"]


def test_sessions_and_subjects_of_a_table_are_used(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\tsession\tsubject\na\t01\tx\tp1\nb\t01\ty\tp1\n")
    table, _ = label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(2), tmp_path)
    assert table[["subject", "session", "run"]].to_numpy().tolist() == [["p1", "x", "01"], ["p1", "y", "01"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label\trun\na\t1\nb\t1\n", "found 2 rows in v.tsv for 3 volumes"),
        ("label\tsession\na\t1\nb\t1\nb\t1\n", "lacks run and has label, session"),
        ("volume\tlabel\trun\n1\ta\t1\n2\ta\t1\n3\tb\t1\n", "must count 0, 1, 2 .* row 0 of v.tsv has '1'"),
        ("label\trun\na\t1\nb\t\nb\t1\n", "1 of 3 do not, the first at volume 1"),
        ("label\trun\n\t1\n\t1\nn/a\t1\n", "none of 3 has"),
        ("label\trun\na\t1\t3\nb\n", "row 1 of .* has 3, the header 2"),
        ("", "must have a header"),
    ],
)
def test_invalid_tables_are_errors(tmp_path, text, message):
    (tmp_path / "v.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(3), tmp_path)


def test_error_names_the_missing_table(tmp_path):
    with pytest.raises(InputError, match=r"label table must be a file that exists, got .*v\.tsv"):
        label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(3), tmp_path)
