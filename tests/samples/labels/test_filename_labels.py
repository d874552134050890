"""Labels from file names, or from the order of the files."""

from __future__ import annotations

import pytest
from label_helpers import (
    bold,
    maps,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels


def test_pattern_finds_label_run_and_session(tmp_path):
    series = maps("ses-1_run-1_face_zmap", "ses-1_run-2_house_zmap", "ses-2_run-1_face_zmap")
    pattern = r"ses-(?P<session>\d)_run-(?P<run>\d)_(?P<label>[a-z]+)_zmap"
    table, notes = label_table(parse_labels({"source": "filename", "pattern": pattern}), series, tmp_path)
    assert table["label"].tolist() == ["face", "house", "face"]
    assert table["session"].tolist() == ["1", "1", "2"]
    assert table["run"].tolist() == ["1", "2", "1"]
    assert not notes


def test_note_reports_a_pattern_without_runs(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "^(?P<label>[a-z]+)"})
    table, notes = label_table(config, maps("face_1", "house_1"), tmp_path)
    assert set(table["run"]) == {"1"}
    assert "all volumes are treated as one run" in notes[0]


def test_error_names_a_file_that_does_not_match(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "^(?P<label>[a-z]+)_"})
    with pytest.raises(InputError, match="1 of 2 do not match, such as '007'"):
        label_table(config, maps("face_1", "007"), tmp_path)


def test_maps_by_order_repeat_all_classes_in_each_session(tmp_path):
    letters = [chr(ord("a") + i) for i in range(26)]
    config = parse_labels({"source": "filename", "per_class": 5, "classes": letters, "sessions": 4})
    table, _ = label_table(config, maps(*map(str, range(520))), tmp_path)
    assert table["label"].tolist() == [letters[i // 5 % 26] for i in range(520)]
    assert table["run"].tolist() == [str(i // 130 + 1) for i in range(520)]
    with pytest.raises(InputError, match=r"5 maps x 26 classes x 4 sessions .* make 520, but there are 519"):
        label_table(config, maps(*map(str, range(519))), tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "run-(?P<run>1)"}, r"must have the named group \(\?P<label>"),
        ({"pattern": "(?P<label>"}, "must be a valid regular expression"),
        ({}, "give either pattern, or per_class"),
        ({"pattern": "(?P<label>a)", "per_class": 2, "classes": ["a"]}, "give either pattern"),
    ],
)
def test_invalid_filename_options_are_errors(options, message):
    with pytest.raises(InputError, match=message):
        parse_labels({"source": "filename", **options})


def test_volumes_without_names_are_an_error(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "(?P<label>.)"})
    with pytest.raises(InputError, match="these volumes have none"):
        label_table(config, bold(3), tmp_path)


def test_single_maps_cannot_be_trimmed(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "(?P<label>[a-z])", "trim_end": 1})
    with pytest.raises(InputError, match="no transitions to trim"):
        label_table(config, maps("a", "b"), tmp_path)
