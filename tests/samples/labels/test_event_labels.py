"""Labels from BIDS events files."""

from __future__ import annotations

import pytest
from label_helpers import (
    bold,
    labeled_events,
    write_events,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.read import read, read_series
from napari_fmri_decoder.volumes.volume import Part


def test_a_volume_gets_the_event_at_its_midpoint(tmp_path):
    # TR 2 s: the midpoints are 1, 3, 5, 7, 9, 11 s
    write_events(tmp_path / "e.tsv", (3.0, 2.0, "a"), (5.0, 4.1, "b"))
    config = parse_labels({"source": "events", "events": ["e.tsv"]})
    table, notes = label_table(config, bold(6), tmp_path)
    assert table["label"].tolist() == ["", "a", "b", "b", "b", ""]
    assert notes == ["2 of 6 volumes have no label and are skipped."]
    later, _ = label_table(config.model_copy(update={"lag": 2.0}), bold(6), tmp_path)
    assert later["label"].tolist() == ["", "", "a", "b", "b", "b"]


def test_event_edges_at_a_midpoint_are_robust_to_rounding(tmp_path):
    # (1 + 0.5) 0.7 is 1.0499999999999998 in floating point
    write_events(tmp_path / "e.tsv", (0, 1.05, "a"), (1.05, 1.4, "b"))
    table, _ = label_table(
        parse_labels({"source": "events", "events": ["e.tsv"]}), bold(5, step=0.7), tmp_path
    )
    assert table["label"].tolist() == ["a", "b", "b", "", ""]


def test_events_files_are_found_by_bids_name(tmp_path):
    func = tmp_path / "sub-01" / "ses-a" / "func"
    func.mkdir(parents=True)
    stem = "sub-01_ses-a_task-x_run-0"
    write_events(func / f"{stem}1_events.tsv", (0, 2, "a"))
    write_events(func / f"{stem}2_events.tsv", (2, 2, "b"))
    parts = (
        Part(str(func / f"{stem}1_bold.nii.gz"), 2),
        Part(str(func / f"{stem}2_space-T1w_desc-preproc_bold.nii.gz"), 2),
    )
    table, _ = label_table(parse_labels({"source": "events"}), bold(4, parts), tmp_path)
    assert table["label"].tolist() == ["a", "", "", "b"]
    assert table["run"].tolist() == ["1", "1", "2", "2"]
    assert set(table["subject"]) == {"01"}
    assert set(table["session"]) == {"a"}


def test_events_are_inherited_from_the_dataset_folder(tmp_path):
    func = tmp_path / "sub-01" / "func"
    func.mkdir(parents=True)
    write_events(tmp_path / "task-x_events.tsv", (0, 4, "a"))
    write_events(tmp_path / "task-y_events.tsv", (0, 4, "b"))
    series = bold(2, (Part(str(func / "sub-01_task-x_bold.nii.gz"), 2),))
    table, _ = label_table(parse_labels({"source": "events"}), series, tmp_path)
    assert table["label"].tolist() == ["a", "a"]


def test_error_names_the_image_without_events(tmp_path):
    series = bold(2, (Part(str(tmp_path / "sub-1_run-3_bold.nii.gz"), 2),))
    with pytest.raises(InputError, match=r"none for sub-1_run-3_bold\.nii\.gz"):
        label_table(parse_labels({"source": "events"}), series, tmp_path)


def test_note_reports_events_after_the_scan(tmp_path):
    write_events(tmp_path / "e.tsv", (0, 4, "a"), (30, 4, "late"), (1.2, 0, "press"))
    _, notes = label_table(parse_labels({"source": "events", "events": ["e.tsv"]}), bold(3), tmp_path)
    assert notes[0] == (
        "2 event(s) of e.tsv contain no volume and are skipped, such as press at 1.2 s for 0 s; "
        "the scan lasts 6 s."
    )


def test_error_names_two_overlapping_events(tmp_path):
    write_events(tmp_path / "e.tsv", (0, 10, "long"), (2, 1, "long"), (8, 4, "face"))
    config = parse_labels({"source": "events", "events": ["e.tsv"]})
    with pytest.raises(InputError, match="long at 0 s for 10 s overlaps face at 8 s for 4 s"):
        label_table(config, bold(8), tmp_path)


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("none", ["a", "a", "", "", "b", "b", "rest", "rest"]),
        ("first", ["a", "a", "a", "a", "b", "b", "rest", "rest"]),
        ("last", ["a", "a", "b", "b", "b", "b", "rest", "rest"]),
    ],
)
def test_overlap_selects_the_event_of_a_shared_volume(tmp_path, overlap, expected):
    path = write_events(tmp_path / "e.tsv", (0, 8, "a"), (4, 8, "b"), (0, 16, "rest"))
    config = parse_labels(
        {"source": "events", "events": [str(path)], "exclude": ["rest"], "overlap": overlap}
    )
    table, notes = label_table(config, bold(8), tmp_path)
    assert table["label"].tolist() == expected
    assert any("2 volumes of e.tsv belong to events of different labels" in note for note in notes)


def test_other_events_take_precedence_over_excluded_ones(tmp_path):
    write_events(tmp_path / "e.tsv", (0, 10, "rest"), (4, 2, "face"), (5, 2, "rest"))
    config = parse_labels({"source": "events", "events": ["e.tsv"], "exclude": ["rest"]})
    table, _ = label_table(config, bold(5), tmp_path)
    assert table["label"].tolist() == ["rest", "rest", "face", "rest", "rest"]


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("onset\tduration", "1\t2", "lacks trial_type and has onset, duration"),
        ("onset\tduration\ttrial_type", "soon\t2\ta", "row 1 of .* has 'soon'"),
    ],
)
def test_invalid_events_files_are_errors(tmp_path, header, row, message):
    (tmp_path / "e.tsv").write_text(f"{header}\n{row}\n")
    with pytest.raises(InputError, match=message):
        label_table(parse_labels({"source": "events", "events": ["e.tsv"]}), bold(3), tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("nan", 2, "a"), "must have an onset; .* 1 of 2 events have none, the first in row 2"),
        (("n/a", 2, "a"), "must have an onset"),
        (("", 2, "a"), "must have an onset"),
        (("inf", 2, "a"), "row 2 of e.tsv has 'inf'"),
        ((4, -2, "a"), r"must be 0 s or more; .* 1 of 2 .* row 2 \(-2\)"),
        ((4, "2,5", "a"), "row 2 of e.tsv has '2,5'"),
        ((4, "inf", "a"), "row 2 of e.tsv has 'inf'"),
    ],
)
def test_invalid_times_are_errors(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        labeled_events(tmp_path, [(0, 2, "b"), row])


def test_missing_durations_are_zero_and_rows_without_a_label_are_skipped(tmp_path):
    rows = [(0, 4, "a"), (4, 4, "b"), (1, "n/a", "a"), ("n/a", -1, "n/a"), (9, "NaN", "n/a")]
    table, notes = labeled_events(tmp_path, rows)
    assert table["label"].tolist()[:4] == ["a", "a", "b", "b"]
    assert "1 event(s) have no duration and are treated as lasting 0 s." in notes


def test_number_of_events_files_must_match_the_images(tmp_path):
    write_events(tmp_path / "e1.tsv", (0, 4, "a"))
    series = bold(4, (Part("run1.nii", 2), Part("run2.nii", 2)))
    with pytest.raises(InputError, match="found 1 for 2 images"):
        label_table(parse_labels({"source": "events", "events": ["e*.tsv"]}), series, tmp_path)
    with pytest.raises(InputError, match=r"'x\*\.tsv' must match"):
        label_table(parse_labels({"source": "events", "events": ["x*.tsv"]}), series, tmp_path)


def test_events_patterns_are_sorted_naturally(tmp_path):
    for i in (1, 2, 10):
        write_events(tmp_path / f"e{i}.tsv", (0, 2, f"label{i}"))
    series = bold(3, tuple(Part(f"run{i}.nii", 1) for i in (1, 2, 10)))
    table, _ = label_table(parse_labels({"source": "events", "events": ["e*.tsv"]}), series, tmp_path)
    assert table["label"].tolist() == ["label1", "label2", "label10"]
    assert table["run"].tolist() == ["run1", "run2", "run10"]


def test_two_files_of_one_run_are_an_error(tmp_path):
    write_events(tmp_path / "e.tsv", (0, 4, "a"))
    parts = (Part("sub-1_acq-a_run-1_bold.nii", 1), Part("sub-1_acq-b_run-1_bold.nii", 1))
    config = parse_labels({"source": "events", "events": ["e.tsv", "e.tsv"]})
    with pytest.raises(InputError, match=r"sub-1_acq-a_run-1_bold\.nii and sub-1_acq-b_run-1_bold\.nii"):
        label_table(config, bold(2, parts), tmp_path)


def test_events_require_a_tr(tmp_path):
    with pytest.raises(InputError, match="repetition time"):
        label_table(parse_labels({"source": "events"}), bold(2, step=None), tmp_path)


def test_table_and_events_agree_on_real_runs(haxby):
    func = haxby / "sub-1" / "func"
    by_table, _ = label_table(
        parse_labels({"source": "table", "table": "volumes.tsv"}), read(haxby / "bold.nii.gz"), haxby
    )
    by_events, notes = label_table(
        parse_labels({"source": "events"}), read_series(func.glob("*_bold.nii.gz")), haxby
    )
    assert by_events["label"].replace("", "rest").tolist() == by_table["label"].tolist()
    assert by_events["run"].tolist() == by_table["run"].tolist()
    assert by_events["block"].tolist() == by_table["block"].tolist()
    assert notes == ["588 of 1452 volumes have no label and are skipped."]
