"""Renaming and merging of labels, for every source."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_helpers import (
    conditions,
    labels_of,
    series_of,
    three_columns,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels

SOURCES = {
    "table": {"source": "table", "table": "v.tsv"},
    "events": {"source": "events", "events": ["e.tsv"]},
    "blocks": {"source": "blocks", "blocks": "2 face, 2 cat, 2 house, 2 rest"},
    "painted": {"source": "painted", "spans": ["0-1 face", "2-3 cat", "4-5 house", "6-7 rest"]},
    "pymvpa": {"source": "pymvpa", "attributes": "a.txt"},
    "fsl": {"source": "fsl", "files": ["face.txt", "cat.txt", "house.txt", "rest.txt"]},
    "spm": {"source": "spm", "files": ["c.mat"]},
}


EIGHT = ["face", "face", "cat", "cat", "house", "house", "rest", "rest"]


def write_all(folder: Path) -> None:
    (folder / "v.tsv").write_text("label\trun\n" + "".join(f"{label}\t1\n" for label in EIGHT))
    (folder / "a.txt").write_text("".join(f"{label} 1\n" for label in EIGHT))
    events = [(4.0 * i, 4.0, label) for i, label in enumerate(EIGHT[::2])]
    (folder / "e.tsv").write_text(
        "onset\tduration\ttrial_type\n" + "".join(f"{a}\t{b}\t{c}\n" for a, b, c in events)
    )
    for onset, duration, label in events:
        three_columns(folder / f"{label}.txt", [(onset, duration)])
    conditions(folder / "c.mat", EIGHT[::2], [[(onset, duration)] for onset, duration, _ in events])


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_labels_of_every_source_can_be_renamed_merged_and_selected(tmp_path, source):
    write_all(tmp_path)
    names = {
        "rename": {"house": "building"},
        "merge": {"animate": ["face", "cat"]},
        "keep": ["animate", "building"],
    }
    config = parse_labels(SOURCES[source] | names)
    table, notes = label_table(config, series_of(n=8), tmp_path)
    assert table["label"].tolist() == ["animate"] * 4 + ["building"] * 2 + ["rest"] * 2
    assert table["block"].tolist() == [0] * 4 + [1] * 2 + [2] * 2
    assert config.excluded(table["label"]) == ("rest",)
    assert "2 of 8 volumes are labeled 'rest' and are excluded." in notes
    assert parse_labels(config.model_dump(mode="json")) == config


def test_notes_report_names_that_do_not_occur(tmp_path):
    write_all(tmp_path)
    names = {"rename": {"hose": "x"}, "merge": {"animate": ["face", "dog"]}, "keep": ["animate", "hause"]}
    for source in ("table", "events"):
        _, notes = label_table(parse_labels(SOURCES[source] | names), series_of(n=8), tmp_path)
        message = " ".join(notes)
        for option, name in (("rename", "hose"), ("merge", "dog"), ("keep", "hause")):
            assert (
                f"No volume is labeled '{name}', which {option} names. The labels are: cat, face" in message
            )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": ["a"], "exclude": ["a"]}, "must not name the same label"),
        ({"rename": {"a": "x", "b": "x"}}, "several become 'x'; use merge"),
        ({"merge": {"x": ["a"], "y": ["a", "b"]}}, "'a' is listed twice"),
        ({"rename": {"a": ""}}, "must not be empty"),
    ],
)
def test_contradictory_names_are_errors(options, message):
    with pytest.raises(InputError, match=message):
        parse_labels({"source": "table", "table": "v.tsv"} | options)


def test_renaming_to_an_existing_label_is_an_error_but_swapping_is_allowed(tmp_path):
    write_all(tmp_path)
    for source in ("table", "events"):
        with pytest.raises(InputError, match=r"'cat' is the name of another label. Use merge"):
            labels_of(SOURCES[source] | {"rename": {"face": "cat"}}, series_of(n=8), tmp_path)
        swapped = labels_of(
            SOURCES[source] | {"rename": {"face": "cat", "cat": "face"}}, series_of(n=8), tmp_path
        )
        assert swapped[:4] == ["cat", "cat", "face", "face"]


def test_merged_events_may_overlap(tmp_path):
    (tmp_path / "e.tsv").write_text("onset\tduration\ttrial_type\n0\t6\tface\n4\t4\tcat\n8\t8\thouse\n")
    config = {"source": "events", "events": ["e.tsv"]}
    with pytest.raises(InputError, match="must not overlap"):
        labels_of(config, series_of(n=8), tmp_path)
    merged = labels_of(config | {"merge": {"animate": ["face", "cat"]}}, series_of(n=8), tmp_path)
    assert merged == ["animate"] * 4 + ["house"] * 4
    assert labels_of(config | {"keep": ["face", "house"]}, series_of(n=8), tmp_path)[:4] == ["face"] * 3 + [
        "cat"
    ]
