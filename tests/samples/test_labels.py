"""One label and one run per volume, from each source, and what each says about bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import LabelsConfig, label_sources, label_table, parse_labels
from napari_fmri_decoder.samples.labels.base import follow
from napari_fmri_decoder.samples.labels.painted import PaintedLabels
from napari_fmri_decoder.samples.labels.repeating import parse_blocks
from napari_fmri_decoder.volumes.nifti import read, read_series
from napari_fmri_decoder.volumes.volume import Part, Volume


def bold(n: int, parts: tuple[Part, ...] = (), step: float | None = 2.0) -> Volume:
    return Volume(np.zeros((2, 2, 2, n), np.float32), np.eye(4), "bold", step, name="bold", parts=parts)


def maps(*names: str) -> Volume:
    return Volume(np.zeros((2, 2, 2, len(names)), np.float32), np.eye(4), "stat", names=names)


def write_events(path: Path, *rows: tuple[float, float, str]) -> Path:
    pd.DataFrame(rows, columns=["onset", "duration", "trial_type"]).to_csv(path, sep="\t", index=False)
    return path


# -- every source


def test_trimming_takes_the_edges_of_each_block_and_none_of_what_is_excluded(tmp_path):
    config = parse_labels(
        {"source": "blocks", "blocks": "4 rest, 4 a, 4 b, 2 times", "exclude": ["rest"], "trim_start": 2}
    )
    table, notes = label_table(config, bold(24), tmp_path)
    once = ["rest"] * 4 + ["", "", "a", "a", "", "", "b", "b"]
    assert table["label"].tolist() == once * 2
    assert table["block"].nunique() == 10  # rest, gap, a, gap, b, twice; no label lies in two blocks
    assert "8 of 16 labelled volumes are trimmed" in " ".join(notes)
    table, _ = label_table(config.model_copy(update={"trim_end": 1}), bold(24), tmp_path)
    assert table["label"].tolist() == (["rest"] * 4 + ["", "", "a", "", "", "", "b", ""]) * 2


def test_blocks_that_are_trimmed_away_are_told(tmp_path):
    config = parse_labels({"source": "painted", "spans": ["0-5 a", "6-7 b"], "trim_start": 1, "trim_end": 1})
    table, notes = label_table(config, bold(8), tmp_path)
    assert table["label"].tolist() == ["", "a", "a", "a", "a", "", "", ""]
    assert any(note.startswith("1 block(s) are no longer than what is trimmed") for note in notes)
    with pytest.raises(InputError, match=r"2 block\(s\)"):
        label_table(config.model_copy(update={"trim_start": 6}), bold(8), tmp_path)


def test_single_maps_have_nothing_to_trim(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "(?P<label>[a-z])", "trim_end": 1})
    with pytest.raises(InputError, match="no transitions to trim"):
        label_table(config, maps("a", "b"), tmp_path)


def test_sources_are_found_by_name():
    assert {"table", "events", "filename", "blocks", "painted", "fsl", "spm", "openfmri", "pymvpa"} == set(
        label_sources
    )


@pytest.mark.parametrize("name", sorted(label_sources))
def test_every_option_is_described(name):
    for field in label_sources[name].model_fields.values():
        assert field.description or field.default == name


@pytest.mark.parametrize(
    "options",
    [
        {"source": "table", "table": "volumes.tsv", "exclude": ["rest"], "lag": 0.0},
        {"source": "events", "events": ["*.tsv"], "lag": 5.0},
        {"source": "filename", "pattern": "(?P<label>[a-z]+)"},
        {"source": "blocks", "blocks": "4 closed, 4 open, 48 times", "chunk": 64},
    ],
)
def test_options_survive_the_way_through_a_recipe(options):
    config = parse_labels(options)
    assert parse_labels(config.model_dump(mode="json")) == config
    with pytest.raises(ValueError, match="frozen"):
        config.lag = 3.0


def test_a_source_of_ones_own_is_one_class(tmp_path):
    try:

        class Parity(LabelsConfig):
            source: str = "parity"

            def rows(self, series, base):
                labels = ["odd" if i % 2 else "even" for i in range(series.n_volumes)]
                return pd.DataFrame({"label": labels, "run": 1}), []

        table, _ = label_table(parse_labels({"source": "parity"}), bold(3), tmp_path)
        assert table["label"].tolist() == ["even", "odd", "even"]
        assert table["run"].tolist() == ["1", "1", "1"]
    finally:
        label_sources.pop("parity", None)


def test_unknown_source_lists_the_known_ones():
    with pytest.raises(
        InputError, match="blocks, events, filename, fsl, openfmri, painted, pymvpa, spm, table; got 'tables'"
    ):
        parse_labels({"source": "tables"})


def test_unknown_option_is_named_with_the_known_ones():
    with pytest.raises(
        InputError, match=r"tabel: .*Its options are: exclude, .*lag, trim_start, trim_end, .*table"
    ):
        parse_labels({"source": "table", "table": "v.tsv", "tabel": "v.tsv"})


# -- table


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
        "1 of 5 volumes have no label and are left out.",
        "1 of 5 volumes are labelled 'rest' and are excluded.",
    ]


def test_nilearns_copy_of_haxby_is_read_by_naming_its_columns(tmp_path):
    (tmp_path / "labels.txt").write_text("labels chunks\nrest 0\nface 0\nface 1\n")
    config = parse_labels(
        {"source": "table", "table": "labels.txt", "label_column": "labels", "run_column": "chunks"}
    )
    table, _ = label_table(config, bold(3), tmp_path)
    assert table["run"].tolist() == ["0", "0", "1"]


def test_sessions_and_subjects_of_a_table_are_kept(tmp_path):
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
def test_what_is_wrong_with_a_table_is_said(tmp_path, text, message):
    (tmp_path / "v.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(3), tmp_path)


def test_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"label table must be a file that exists, got .*v\.tsv"):
        label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(3), tmp_path)


def test_a_run_in_two_places_is_told(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t1\nb\t2\nb\t1\n")
    _, notes = label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(3), tmp_path)
    assert notes[0].startswith("Run '1' begins anew at volumes 2")


def test_an_excluded_label_that_does_not_occur_is_told(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t1\nb\t1\n")
    config = parse_labels({"source": "table", "table": "v.tsv", "exclude": ["Rest"]})
    _, notes = label_table(config, bold(2), tmp_path)
    assert notes == ["No volume is labelled 'Rest', which is to be excluded. The labels are: a, b."]


# -- lag


def test_lag_moves_labels_later_but_never_into_the_next_run():
    rows = pd.DataFrame({"label": list("abcd"), "run": ["1", "1", "2", "2"]})
    assert follow(rows, 2.5, 2.5)["label"].tolist() == ["", "a", "", "c"]
    assert follow(rows, 1.0, 2.5)["label"].tolist() == ["a", "b", "c", "d"]
    assert follow(rows, 1.5, 2.5)["label"].tolist() == ["", "a", "", "c"]
    assert follow(rows, -2.5, 2.5)["label"].tolist() == ["b", "", "d", ""]


def test_lag_means_the_same_for_tables_and_events(tmp_path):
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


def test_lag_needs_a_series_in_time(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t1\nb\t1\n")
    with pytest.raises(InputError, match="lag = 5 s"):
        label_table(parse_labels({"source": "table", "table": "v.tsv", "lag": 5}), maps("a", "b"), tmp_path)


# -- events


def test_a_volume_belongs_to_the_event_that_holds_its_middle(tmp_path):
    # TR 2 s: the middles are 1, 3, 5, 7, 9, 11 s
    write_events(tmp_path / "e.tsv", (3.0, 2.0, "a"), (5.0, 4.1, "b"))
    config = parse_labels({"source": "events", "events": ["e.tsv"]})
    table, notes = label_table(config, bold(6), tmp_path)
    assert table["label"].tolist() == ["", "a", "b", "b", "b", ""]
    assert notes == ["2 of 6 volumes have no label and are left out."]
    later, _ = label_table(config.model_copy(update={"lag": 2.0}), bold(6), tmp_path)
    assert later["label"].tolist() == ["", "", "a", "b", "b", "b"]


def test_an_edge_at_a_volumes_middle_is_not_lost_to_rounding(tmp_path):
    # (1 + 0.5) 0.7 is 1.0499999999999998 in floating point
    write_events(tmp_path / "e.tsv", (0, 1.05, "a"), (1.05, 1.4, "b"))
    table, _ = label_table(
        parse_labels({"source": "events", "events": ["e.tsv"]}), bold(5, step=0.7), tmp_path
    )
    assert table["label"].tolist() == ["a", "b", "b", "", ""]


def test_events_are_found_beside_each_file_by_their_bids_names(tmp_path):
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


BIDS = (Part("sub-02_ses-a_task-x_run-05_bold.nii", 2), Part("sub-02_ses-a_task-x_run-07_bold.nii", 2))


@pytest.mark.parametrize(
    "labels",
    [
        {"source": "blocks", "blocks": "1 a, 1 b"},
        {"source": "painted", "spans": ["0-1 a", "2-3 b"]},
        {"source": "table", "table": "labels.tsv"},
    ],
)
def test_runs_of_several_bids_files_have_their_bids_names(tmp_path, labels):
    (tmp_path / "labels.tsv").write_text("label\na\nb\na\nb\n")
    table, _ = label_table(parse_labels(labels), bold(4, BIDS), tmp_path)
    assert table["run"].tolist() == ["5", "5", "7", "7"]
    assert set(table["subject"]) == {"02"}
    assert set(table["session"]) == {"a"}
    others = (Part("morning.nii", 2), Part("evening.nii", 2))
    alike = (Part("sub-1_acq-a_run-1_bold.nii", 2), Part("sub-1_acq-b_run-1_bold.nii", 2))
    for parts in (others, alike):  # nothing in these names tells the runs apart
        table, _ = label_table(parse_labels(labels), bold(4, parts), tmp_path)
        assert table["run"].tolist() == ["1", "1", "2", "2"]
        assert set(table["subject"]) == {""}


def test_events_are_inherited_from_the_top_of_a_dataset(tmp_path):
    func = tmp_path / "sub-01" / "func"
    func.mkdir(parents=True)
    write_events(tmp_path / "task-x_events.tsv", (0, 4, "a"))
    write_events(tmp_path / "task-y_events.tsv", (0, 4, "b"))
    series = bold(2, (Part(str(func / "sub-01_task-x_bold.nii.gz"), 2),))
    table, _ = label_table(parse_labels({"source": "events"}), series, tmp_path)
    assert table["label"].tolist() == ["a", "a"]


def test_missing_events_name_the_file_that_lacks_them(tmp_path):
    series = bold(2, (Part(str(tmp_path / "sub-1_run-3_bold.nii.gz"), 2),))
    with pytest.raises(InputError, match=r"none for sub-1_run-3_bold\.nii\.gz"):
        label_table(parse_labels({"source": "events"}), series, tmp_path)


def test_events_beyond_the_images_are_told(tmp_path):
    write_events(tmp_path / "e.tsv", (0, 4, "a"), (30, 4, "late"), (1.2, 0, "press"))
    _, notes = label_table(parse_labels({"source": "events", "events": ["e.tsv"]}), bold(3), tmp_path)
    assert notes[0] == (
        "2 event(s) of e.tsv hold no volume and are left out, such as press at 1.2 s for 0 s; "
        "the images last 6 s."
    )


def test_overlapping_events_are_refused_naming_two(tmp_path):
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
def test_overlap_says_which_event_a_shared_volume_shows(tmp_path, overlap, expected):
    path = write_events(tmp_path / "e.tsv", (0, 8, "a"), (4, 8, "b"), (0, 16, "rest"))
    config = parse_labels(
        {"source": "events", "events": [str(path)], "exclude": ["rest"], "overlap": overlap}
    )
    table, notes = label_table(config, bold(8), tmp_path)
    assert table["label"].tolist() == expected
    assert any("2 volumes of e.tsv lie in events of different labels" in note for note in notes)


def test_an_excluded_event_gives_way_to_the_one_that_it_overlaps(tmp_path):
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
def test_what_is_wrong_with_events_is_said(tmp_path, header, row, message):
    (tmp_path / "e.tsv").write_text(f"{header}\n{row}\n")
    with pytest.raises(InputError, match=message):
        label_table(parse_labels({"source": "events", "events": ["e.tsv"]}), bold(3), tmp_path)


def test_as_many_events_files_as_bold_files(tmp_path):
    write_events(tmp_path / "e1.tsv", (0, 4, "a"))
    series = bold(4, (Part("run1.nii", 2), Part("run2.nii", 2)))
    with pytest.raises(InputError, match="found 1 for 2 images"):
        label_table(parse_labels({"source": "events", "events": ["e*.tsv"]}), series, tmp_path)
    with pytest.raises(InputError, match=r"'x\*\.tsv' must match"):
        label_table(parse_labels({"source": "events", "events": ["x*.tsv"]}), series, tmp_path)


def test_events_patterns_count_as_the_bold_files_do(tmp_path):
    for i in (1, 2, 10):
        write_events(tmp_path / f"e{i}.tsv", (0, 2, f"label{i}"))
    series = bold(3, tuple(Part(f"run{i}.nii", 1) for i in (1, 2, 10)))
    table, _ = label_table(parse_labels({"source": "events", "events": ["e*.tsv"]}), series, tmp_path)
    assert table["label"].tolist() == ["label1", "label2", "label10"]
    assert table["run"].tolist() == ["run1", "run2", "run10"]


def test_two_files_of_one_run_are_refused(tmp_path):
    write_events(tmp_path / "e.tsv", (0, 4, "a"))
    parts = (Part("sub-1_acq-a_run-1_bold.nii", 1), Part("sub-1_acq-b_run-1_bold.nii", 1))
    config = parse_labels({"source": "events", "events": ["e.tsv", "e.tsv"]})
    with pytest.raises(InputError, match=r"sub-1_acq-a_run-1_bold\.nii and sub-1_acq-b_run-1_bold\.nii"):
        label_table(config, bold(2, parts), tmp_path)


def test_events_need_a_tr(tmp_path):
    with pytest.raises(InputError, match="seconds between volumes"):
        label_table(parse_labels({"source": "events"}), bold(2, step=None), tmp_path)


# -- file names


def test_pattern_finds_label_run_and_session(tmp_path):
    series = maps("ses-1_run-1_face_zmap", "ses-1_run-2_house_zmap", "ses-2_run-1_face_zmap")
    pattern = r"ses-(?P<session>\d)_run-(?P<run>\d)_(?P<label>[a-z]+)_zmap"
    table, notes = label_table(parse_labels({"source": "filename", "pattern": pattern}), series, tmp_path)
    assert table["label"].tolist() == ["face", "house", "face"]
    assert table["session"].tolist() == ["1", "1", "2"]
    assert table["run"].tolist() == ["1", "2", "1"]
    assert not notes


def test_pattern_without_runs_says_that_all_are_one(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "^(?P<label>[a-z]+)"})
    table, notes = label_table(config, maps("face_1", "house_1"), tmp_path)
    assert set(table["run"]) == {"1"}
    assert "all volumes count as one run" in notes[0]


def test_pattern_that_misses_a_name_shows_it(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "^(?P<label>[a-z]+)_"})
    with pytest.raises(InputError, match="1 of 2 lack it, such as '007'"):
        label_table(config, maps("face_1", "007"), tmp_path)


def test_maps_by_order_go_through_all_classes_in_each_session(tmp_path):
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
        ({"pattern": "(?P<label>"}, "must be a regular expression"),
        ({}, "give either pattern, or per_class"),
        ({"pattern": "(?P<label>a)", "per_class": 2, "classes": ["a"]}, "give either pattern"),
    ],
)
def test_what_is_wrong_with_the_options_of_names_is_said(options, message):
    with pytest.raises(InputError, match=message):
        parse_labels({"source": "filename", **options})


def test_names_of_nothing_are_refused(tmp_path):
    config = parse_labels({"source": "filename", "pattern": "(?P<label>.)"})
    with pytest.raises(InputError, match="these volumes have none"):
        label_table(config, bold(3), tmp_path)


# -- repeating blocks


def test_the_notebooks_blocks_and_chunks(tmp_path):
    config = parse_labels({"source": "blocks", "blocks": "4 closed, 4 open, 48 times", "chunk": 64})
    table, _ = label_table(config, bold(384), tmp_path)
    assert table["label"].tolist() == (["closed"] * 4 + ["open"] * 4) * 48
    assert table["run"].tolist() == [str(i // 64 + 1) for i in range(384)]
    assert table["block"].tolist() == [i // 4 for i in range(384)]


def test_blocks_repeat_to_the_end_and_files_are_runs(tmp_path):
    config = parse_labels({"source": "blocks", "blocks": "2 eyes closed, 2 eyes open"})
    table, _ = label_table(config, bold(8, (Part("a.nii", 4), Part("b.nii", 4))), tmp_path)
    assert table["label"].tolist() == ["eyes closed", "eyes closed", "eyes open", "eyes open"] * 2
    assert table["run"].tolist() == ["1"] * 4 + ["2"] * 4


def test_blocks_must_fill_the_series(tmp_path):
    config = parse_labels({"source": "blocks", "blocks": "4 closed, 4 open, 48 times"})
    with pytest.raises(InputError, match="8 volumes, 48 times, are 384, but there are 380"):
        label_table(config, bold(380), tmp_path)


def test_runs_must_hold_whole_blocks(tmp_path):
    config = parse_labels({"source": "blocks", "blocks": "10 rest, 20 task", "chunk": 64})
    with pytest.raises(
        InputError, match=r"begins at volume 64, within the block of volumes 60 to 69.*such as 60"
    ):
        label_table(config, bold(120), tmp_path)


@pytest.mark.parametrize("spec", ["", "closed, open", "4, 4", "0 closed, 4 open", "4 a, 0 times", "3 times"])
def test_blocks_that_cannot_be_read_are_refused_at_once(spec):
    with pytest.raises(InputError, match="must read like"):
        parse_blocks(spec)
    with pytest.raises(InputError, match="must read like"):
        parse_labels({"source": "blocks", "blocks": spec})


# -- spans that are painted


def test_spans_give_their_volumes_a_label_and_a_later_one_covers_an_earlier(tmp_path):
    config = parse_labels({"source": "painted", "spans": ["1-4 face", "4-5 house"], "run_lengths": [3, 5]})
    table, notes = label_table(config, bold(8), tmp_path)
    assert table["label"].tolist() == ["", "face", "face", "face", "house", "house", "", ""]
    assert table["run"].tolist() == ["1"] * 3 + ["2"] * 5
    assert table["block"].tolist() == [0, 1, 1, 2, 3, 3, 4, 4]  # a run's border parts a block
    assert notes == ["3 of 8 volumes have no label and are left out."]
    each_file = parse_labels({"source": "painted", "spans": ["0-7 face"]})
    of_files, _ = label_table(each_file, bold(8, (Part("a.nii", 6), Part("b.nii", 2))), tmp_path)
    assert of_files["run"].tolist() == ["1"] * 6 + ["2"] * 2


@pytest.mark.parametrize("seed", range(5))
def test_painting_over_and_over_is_what_painting_an_array_is(seed, tmp_path):
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
        ({"spans": ["5-3 face"]}, "its first volume not after its last"),
        ({"spans": ["0-8 face"]}, r"within the 8 volumes of the series \(0 to 7\)"),
        ({"spans": ["0-3 face"], "run_lengths": [4, 5]}, "4, 5 make 9"),
        ({"spans": ["0-3 face"], "run_lengths": [8, 0]}, "at least one volume"),
    ],
)
def test_spans_that_do_not_fit_are_refused(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        label_table(parse_labels({"source": "painted"} | options), bold(8), tmp_path)


# -- real data


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
    assert notes == ["588 of 1452 volumes have no label and are left out."]
