"""One label, run and block per volume: trimming, notes, and the registry of sources."""

from __future__ import annotations

import pandas as pd
import pytest
from label_helpers import (
    bold,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import LabelsConfig, label_sources, label_table, parse_labels


def test_trimming_drops_the_edges_of_decoded_blocks_only(tmp_path):
    config = parse_labels(
        {"source": "blocks", "blocks": "4 rest, 4 a, 4 b, 2 times", "exclude": ["rest"], "trim_start": 2}
    )
    table, notes = label_table(config, bold(24), tmp_path)
    once = ["rest"] * 4 + ["", "", "a", "a", "", "", "b", "b"]
    assert table["label"].tolist() == once * 2
    assert table["block"].nunique() == 10  # rest, gap, a, gap, b, twice
    assert "8 of 16 labeled volumes are trimmed" in " ".join(notes)
    table, _ = label_table(config.model_copy(update={"trim_end": 1}), bold(24), tmp_path)
    assert table["label"].tolist() == (["rest"] * 4 + ["", "", "a", "", "", "", "b", ""]) * 2


def test_note_reports_blocks_without_volumes_after_trimming(tmp_path):
    config = parse_labels({"source": "painted", "spans": ["0-5 a", "6-7 b"], "trim_start": 1, "trim_end": 1})
    table, notes = label_table(config, bold(8), tmp_path)
    assert table["label"].tolist() == ["", "a", "a", "a", "a", "", "", ""]
    assert any(note.startswith("1 block(s) have no volumes left after trimming") for note in notes)
    with pytest.raises(InputError, match=r"2 block\(s\)"):
        label_table(config.model_copy(update={"trim_start": 6}), bold(8), tmp_path)


def test_note_reports_an_interrupted_run(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t1\nb\t2\nb\t1\n")
    _, notes = label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(3), tmp_path)
    assert notes[0].startswith("Run '1' starts again at volumes 2")


def test_note_reports_an_excluded_label_that_does_not_occur(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t1\nb\t1\n")
    config = parse_labels({"source": "table", "table": "v.tsv", "exclude": ["Rest"]})
    _, notes = label_table(config, bold(2), tmp_path)
    assert notes == ["No volume is labeled 'Rest', which exclude names. The labels are: a, b."]


def test_spellings_of_one_run_are_treated_as_one_run(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t01\nb\t01\na\t1\nb\t2\na\t02\nb\t2.0\n")
    table, notes = label_table(parse_labels({"source": "table", "table": "v.tsv"}), bold(6), tmp_path)
    assert table["run"].tolist() == ["01", "01", "01", "2", "2", "2"]
    assert "Run '1' and run '01' are treated as the same run." in notes


def test_all_sources_are_registered():
    assert {"table", "events", "filename", "blocks", "painted", "fsl", "spm", "openfmri", "pymvpa"} == set(
        label_sources
    )


@pytest.mark.parametrize("name", sorted(label_sources))
def test_every_option_has_a_description(name):
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
def test_options_round_trip_through_a_recipe(options):
    config = parse_labels(options)
    assert parse_labels(config.model_dump(mode="json")) == config
    with pytest.raises(ValueError, match="frozen"):
        config.lag = 3.0


def test_a_custom_source_is_one_class(tmp_path):
    try:

        class Parity(LabelsConfig):
            summary = "Odd and even volumes"
            source: str = "parity"

            def rows(self, series, base):
                labels = ["odd" if i % 2 else "even" for i in range(series.n_volumes)]
                return pd.DataFrame({"label": labels, "run": 1}), []

        table, _ = label_table(parse_labels({"source": "parity"}), bold(3), tmp_path)
        assert table["label"].tolist() == ["even", "odd", "even"]
        assert table["run"].tolist() == ["1", "1", "1"]
    finally:
        label_sources.pop("parity", None)


def test_error_for_unknown_source_lists_known_sources():
    with pytest.raises(
        InputError, match="blocks, events, filename, fsl, openfmri, painted, pymvpa, spm, table; got 'tables'"
    ):
        parse_labels({"source": "tables"})


def test_error_for_unknown_option_lists_known_options():
    with pytest.raises(
        InputError, match=r"tabel: .*Its options are: exclude, .*lag, trim_start, trim_end, .*table"
    ):
        parse_labels({"source": "table", "table": "v.tsv", "tabel": "v.tsv"})
