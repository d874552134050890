"""From events to volumes: what each way gives, missing values, and when the user must choose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.labels.assigning import Event, Way, assign, fill_gaps
from napari_fmri_decoder.samples.labels.onsets import UndecidedError
from napari_fmri_decoder.samples.zmaps import find_runs
from napari_fmri_decoder.volumes.volume import Part, Volume


def series(n: int, step: float = 2.0, runs: int = 1) -> Volume:
    parts = tuple(Part(f"run-{i + 1}_bold.nii", n) for i in range(runs)) if runs > 1 else ()
    return Volume(
        np.zeros((2, 2, 2, n * runs), np.float32), np.eye(4), "bold", step, name="bold", parts=parts
    )


def write(path, rows, columns=("onset", "duration", "trial_type")):
    pd.DataFrame(rows, columns=columns).to_csv(path, sep="\t", index=False)


def labelled(folder, rows, n=8, step=2.0, **options):
    write(folder / "e.tsv", rows)
    config = parse_labels({"source": "events", "events": ["e.tsv"]} | options)
    return label_table(config, series(n, step), folder)


def shown(events, n, step, way):
    return list(assign([Event(*e) for e in events], lambda label: label == "rest", n, step, way).labels)


# -- ways


def test_overlap_gives_a_volume_to_the_label_that_fills_most_of_it():
    events = [
        (0.5, 1.0, "a"),
        (2.4, 0.3, "a"),
        (2.8, 0.4, "b"),
        (3.5, 0.3, "b"),
        (6.0, 1.0, "b"),
        (7.0, 1.0, "a"),
    ]
    way = Way("overlap")
    assert shown(events, 5, 2.0, way) == ["a", "b", "", "b", ""]  # alike: the earlier
    assert shown(events, 5, 2.0, Way("overlap", min_overlap=0.7)) == ["a", "b", "", "b", ""]
    assert shown(events, 5, 2.0, Way("overlap", min_overlap=0.8)) == ["a", "", "", "b", ""]
    assert shown([(2.0, 0.0, "a"), (5.9, 0, "b")], 3, 2.0, way) == ["", "a", "b"]
    assert shown([(2.0, 0.0, "a")], 3, 2.0, Way("overlap", min_overlap=0.1)) == ["", "", ""]


@pytest.mark.parametrize("seed", range(4))
def test_overlap_agrees_with_counting_milliseconds(seed):
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.choice(np.arange(0, 40_000, 50), 24, replace=False)) / 1000
    ends = np.append(onsets[1:], 40.0)
    events = [
        (onset, float(np.round(rng.uniform(0.1, 1.0) * (end - onset), 3)), str(rng.choice(["a", "b", "c"])))
        for onset, end in zip(onsets, ends, strict=True)
    ]
    time = np.full(40_000, "", dtype=object)
    for onset, duration, label in events:
        time[round(onset * 1000) : round((onset + duration) * 1000)] = label
    found = shown(events, 20, 2.0, Way("overlap"))
    for volume in range(20):
        part = time[volume * 2000 : (volume + 1) * 2000]
        counts = {label: int((part == label).sum()) for label in ("a", "b", "c")}
        best = max(counts.values())
        assert counts.get(found[volume], 0) == best
        assert (found[volume] == "") == (best == 0)


@pytest.mark.parametrize(("overlap", "expected"), [("first", "a"), ("last", "b"), ("none", "")])
def test_overlapping_events_are_settled_in_every_way(overlap, expected):
    events = [(0.0, 4.0, "a"), (2.0, 4.0, "b")]
    for how in ("midpoint", "nearest", "overlap"):
        assert shown(events, 3, 2.0, Way(how, overlap=overlap)) == ["a", expected, "b"]
    assert shown(events, 3, 2.0, Way("until-next", overlap=overlap)) == ["a", "b", "b"]


def test_lag_moves_every_way_alike():
    events = [(2.0, 2.0, "a"), (8.0, 2.0, "b")]
    for how in ("midpoint", "nearest", "overlap"):
        assert shown(events, 8, 2.0, Way(how, lag=4.0)) == ["", "", "", "a", "", "", "b", ""]
    assert shown(events, 8, 2.0, Way("until-next", lag=4.0)) == ["", "", "", "a", "a", "a", "b", "b"]


def test_gaps_are_filled_within_blocks_only():
    events = [Event(t, 0.5, "a") for t in (0.0, 2.0, 4.0, 20.0)] + [
        Event(22.0, 0.5, "b"),
        Event(24.0, 0.5, "a"),
    ]
    spans, filled = fill_gaps(events, 1.5)
    assert filled == 2
    assert [(span.onset, span.duration) for span in spans] == [(0, 4.5), (20, 0.5), (22, 0.5), (24, 0.5)]
    assert fill_gaps(events, 1.4)[1] == 0


def test_two_events_in_one_volume_are_refused_naming_them(tmp_path):
    rows = [(0.2, 0.1, "a"), (0.6, 0.1, "b"), (4.2, 0.1, "a")]
    with pytest.raises(
        InputError, match=r"fall into one volume; .* a at 0.2 s for 0.1 s falls into that of b"
    ):
        labelled(tmp_path, rows, assign="nearest")
    table, notes = labelled(tmp_path, rows, assign="nearest", overlap="last")
    assert table["label"].tolist()[:3] == ["b", "", "a"]
    assert any("1 volumes of e.tsv lie in events of different labels" in note for note in notes)


# -- when the user must choose


def haxby_as_published(folder):
    """A block of 24 s each 36 s, listed as twelve pictures of 0.5 s; a volume every 2.5 s."""
    rows = [
        (12 + 36 * i + 2 * k, 0.5, label) for i, label in enumerate(["face", "cat"] * 4) for k in range(12)
    ]
    write(folder / "e.tsv", rows)
    return parse_labels({"source": "events", "events": ["e.tsv"]}), series(121, 2.5)


def test_a_run_of_short_events_does_not_start_until_one_way_is_chosen(tmp_path):
    config, scan = haxby_as_published(tmp_path)
    with pytest.raises(UndecidedError) as error:
        label_table(config, scan, tmp_path)
    said = str(error.value)
    assert "77 of 96" in said
    for word in ('"nearest"', '"overlap"', '"until-next"', '"midpoint"', "fill_gaps", "[zmaps]"):
        assert word in said
    for options in ({"assign": "nearest"}, {"assign": "overlap"}, {"assign": "midpoint"}, {"fill_gaps": 1.5}):
        chosen = config.model_copy(update=options)
        table, _ = label_table(chosen, scan, tmp_path)
        assert set(table["label"]) == {"face", "cat", ""}
        held = (table["label"] != "").sum()
        assert held == 19 if options == {"assign": "midpoint"} else held > 60
    runs, _ = find_runs(config, scan, tmp_path)  # z-maps take them as they are
    assert len(runs[0].events) == 96


@pytest.mark.parametrize("duration", [0.0, 0.3])
def test_events_without_duration_are_no_silent_loss(tmp_path, duration):
    rows = [(2.1 + 4 * i, duration, "ab"[i % 2]) for i in range(6)]
    with pytest.raises(UndecidedError, match="6 of 6"):
        labelled(tmp_path, rows, n=14)
    table, notes = labelled(tmp_path, rows, n=14, assign="nearest")
    assert table["label"].tolist()[1:13:2] == ["a", "b"] * 3
    assert "6 of 6 events hold a volume (assign = nearest)." in notes
    assert labelled(tmp_path, rows, n=14, assign="overlap")[0]["label"].tolist() == table["label"].tolist()
    until, _ = labelled(tmp_path, rows, n=14, assign="until-next")
    assert until["label"].tolist()[1:13] == ["a", "a", "b", "b"] * 3


def test_few_losses_events_within_others_and_those_after_the_images_need_no_choice(tmp_path):
    blocks = [(4.0 * i, 4.0, "ab"[i % 2]) for i in range(10)]
    for extra in ([(1.2, 0.0, "a"), (9.2, 0.1, "a")], [(500.0, 4.0, "a")] * 5, [(40.1, 0.2, "a")]):
        table, _ = labelled(tmp_path, [*blocks, *extra], n=24)
        assert table["label"].tolist()[:20] == ["a", "a", "b", "b"] * 5
    with pytest.raises(UndecidedError, match="2 of 12"):
        labelled(tmp_path, [*blocks, (40.1, 0.2, "a"), (44.1, 0.2, "b")], n=24)
    rest = [(40.1 + 2 * i, 0.2, "rest") for i in range(3)]
    labelled(tmp_path, [*blocks, *rest], n=24, exclude=["rest"])


def test_min_overlap_belongs_to_overlap():
    with pytest.raises(InputError, match="min_overlap is an option of assign"):
        parse_labels({"source": "events", "min_overlap": 1.0})


# -- missing values


MISSING = ["n/a", "nan", "NaN", "N/A", "NA", "None", "null", "", "<NA>"]


@pytest.mark.parametrize("spelling", MISSING)
def test_a_missing_label_is_none_in_every_table(tmp_path, spelling):
    rows = [(4.0 * i, 4.0, label) for i, label in enumerate(["a", spelling, "b", "a", spelling, "b", "b"])]
    by_events, notes = labelled(tmp_path, rows, n=14)
    (tmp_path / "v.tsv").write_text("label\trun\n" + "".join(f"{row[2]}\t1\n" * 2 for row in rows))
    by_table, said = label_table(parse_labels({"source": "table", "table": "v.tsv"}), series(14), tmp_path)
    assert by_table["label"].tolist() == by_events["label"].tolist()
    assert by_table["label"].tolist() == ["a", "a", "", "", "b", "b", "a", "a", "", "", "b", "b", "b", "b"]
    if spelling not in ("", "n/a"):
        assert f"2 of 7 labels are missing values: 2 '{spelling}'" in " ".join(notes)
        assert f"4 of 14 labels are missing values: 4 '{spelling}'" in " ".join(said)


def test_na_is_a_class_of_a_balanced_design_only_and_where_it_is_stated(tmp_path):
    def classes(labels, runs, **options):
        (tmp_path / "v.tsv").write_text(
            "label\trun\n" + "".join(f"{a}\t{b}\n" for a, b in zip(labels, runs, strict=True))
        )
        config = parse_labels({"source": "table", "table": "v.tsv"} | options)
        table, notes = label_table(config, series(len(labels)), tmp_path)
        return set(table["label"]) - {""}, " ".join(notes)

    runs = ["1"] * 6 + ["2"] * 6
    found, notes = classes(["NA", "b", "c"] * 4, runs)
    assert found == {"NA", "b", "c"}
    assert "is taken for a class" in notes
    assert classes(["NA", "b"] * 6, runs)[0] == {"b"}  # rest between blocks of one condition
    assert classes(["NA", "b", "NA", "c"] * 3, runs)[0] == {"b", "c"}
    assert classes(["NA", "b", "c"] * 3 + ["b", "c", "n/a"], runs)[0] == {"b", "c"}
    assert classes(["NA", "b", "NA", "c"] * 3, runs, missing=["n/a"])[0] == {"NA", "b", "c"}
    assert classes(["NA", "b", "c"] * 4, runs, missing=["NA"])[0] == {"b", "c"}


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
def test_times_that_are_none_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        labelled(tmp_path, [(0, 2, "b"), row])


def test_a_missing_duration_counts_as_none_and_a_row_without_a_label_is_no_event(tmp_path):
    rows = [(0, 4, "a"), (4, 4, "b"), (1, "n/a", "a"), ("n/a", -1, "n/a"), (9, "NaN", "n/a")]
    table, notes = labelled(tmp_path, rows)
    assert table["label"].tolist()[:4] == ["a", "a", "b", "b"]
    assert "1 event(s) have no duration and count as lasting 0 s." in notes


# -- the names of runs


def test_spellings_of_one_run_are_one(tmp_path):
    (tmp_path / "v.tsv").write_text("label\trun\na\t01\nb\t01\na\t1\nb\t2\na\t02\nb\t2.0\n")
    table, notes = label_table(parse_labels({"source": "table", "table": "v.tsv"}), series(6), tmp_path)
    assert table["run"].tolist() == ["01", "01", "01", "2", "2", "2"]
    assert "Run '1' and run '01' count as one." in notes
