"""Missing labels in tables and events files."""

from __future__ import annotations

import pytest
from label_helpers import (
    bold,
    labeled_events,
)

from napari_fmri_decoder.samples.labels import label_table, parse_labels

MISSING = ["n/a", "nan", "NaN", "N/A", "NA", "None", "null", "", "<NA>"]


@pytest.mark.parametrize("spelling", MISSING)
def test_missing_values_mean_no_label_in_every_table(tmp_path, spelling):
    rows = [(4.0 * i, 4.0, label) for i, label in enumerate(["a", spelling, "b", "a", spelling, "b", "b"])]
    by_events, notes = labeled_events(tmp_path, rows, n=14)
    (tmp_path / "v.tsv").write_text("label\trun\n" + "".join(f"{row[2]}\t1\n" * 2 for row in rows))
    by_table, table_notes = label_table(
        parse_labels({"source": "table", "table": "v.tsv"}), bold(14), tmp_path
    )
    assert by_table["label"].tolist() == by_events["label"].tolist()
    assert by_table["label"].tolist() == ["a", "a", "", "", "b", "b", "a", "a", "", "", "b", "b", "b", "b"]
    if spelling not in ("", "n/a"):
        assert f"2 of 7 labels are missing values: 2 '{spelling}'" in " ".join(notes)
        assert f"4 of 14 labels are missing values: 4 '{spelling}'" in " ".join(table_notes)


def test_na_is_a_class_only_in_a_balanced_design_or_if_set(tmp_path):
    def classes(labels, runs, **options):
        (tmp_path / "v.tsv").write_text(
            "label\trun\n" + "".join(f"{a}\t{b}\n" for a, b in zip(labels, runs, strict=True))
        )
        config = parse_labels({"source": "table", "table": "v.tsv"} | options)
        table, notes = label_table(config, bold(len(labels)), tmp_path)
        return set(table["label"]) - {""}, " ".join(notes)

    runs = ["1"] * 6 + ["2"] * 6
    found, notes = classes(["NA", "b", "c"] * 4, runs)
    assert found == {"NA", "b", "c"}
    assert "is treated as a class" in notes
    assert classes(["NA", "b"] * 6, runs)[0] == {"b"}  # rest between blocks of one condition
    assert classes(["NA", "b", "NA", "c"] * 3, runs)[0] == {"b", "c"}
    assert classes(["NA", "b", "c"] * 3 + ["b", "c", "n/a"], runs)[0] == {"b", "c"}
    assert classes(["NA", "b", "NA", "c"] * 3, runs, missing=["n/a"])[0] == {"NA", "b", "c"}
    assert classes(["NA", "b", "c"] * 4, runs, missing=["NA"])[0] == {"b", "c"}
