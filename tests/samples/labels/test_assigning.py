"""Labels of volumes by each assignment rule, and errors if the user must choose one."""

from __future__ import annotations

import numpy as np
import pytest
from label_helpers import (
    bold,
    labeled_events,
    write_events,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.labels.assigning import AssignmentRule, assign
from napari_fmri_decoder.samples.labels.event import Event
from napari_fmri_decoder.samples.labels.onsets import UndecidedError
from napari_fmri_decoder.samples.zmaps import find_runs


def labels_by(events, n, step, rule):
    return list(assign([Event(*e) for e in events], lambda label: label == "rest", n, step, rule).labels)


def test_overlap_assigns_the_label_that_fills_most_of_a_volume():
    events = [
        (0.5, 1.0, "a"),
        (2.4, 0.3, "a"),
        (2.8, 0.4, "b"),
        (3.5, 0.3, "b"),
        (6.0, 1.0, "b"),
        (7.0, 1.0, "a"),
    ]
    rule = AssignmentRule("overlap")
    assert labels_by(events, 5, 2.0, rule) == ["a", "b", "", "b", ""]  # a tie: the earlier
    assert labels_by(events, 5, 2.0, AssignmentRule("overlap", min_overlap=0.7)) == ["a", "b", "", "b", ""]
    assert labels_by(events, 5, 2.0, AssignmentRule("overlap", min_overlap=0.8)) == ["a", "", "", "b", ""]
    assert labels_by([(2.0, 0.0, "a"), (5.9, 0, "b")], 3, 2.0, rule) == ["", "a", "b"]
    assert labels_by([(2.0, 0.0, "a")], 3, 2.0, AssignmentRule("overlap", min_overlap=0.1)) == ["", "", ""]


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
    found = labels_by(events, 20, 2.0, AssignmentRule("overlap"))
    for volume in range(20):
        part = time[volume * 2000 : (volume + 1) * 2000]
        counts = {label: int((part == label).sum()) for label in ("a", "b", "c")}
        best = max(counts.values())
        assert counts.get(found[volume], 0) == best
        assert (found[volume] == "") == (best == 0)


@pytest.mark.parametrize(("overlap", "expected"), [("first", "a"), ("last", "b"), ("none", "")])
def test_overlapping_events_are_resolved_by_every_rule(overlap, expected):
    events = [(0.0, 4.0, "a"), (2.0, 4.0, "b")]
    for name in ("midpoint", "nearest", "overlap"):
        assert labels_by(events, 3, 2.0, AssignmentRule(name, overlap=overlap)) == ["a", expected, "b"]
    assert labels_by(events, 3, 2.0, AssignmentRule("until-next", overlap=overlap)) == ["a", "b", "b"]


def test_lag_is_equal_for_all_rules():
    events = [(2.0, 2.0, "a"), (8.0, 2.0, "b")]
    for name in ("midpoint", "nearest", "overlap"):
        assert labels_by(events, 8, 2.0, AssignmentRule(name, lag=4.0)) == ["", "", "", "a", "", "", "b", ""]
    until_next = AssignmentRule("until-next", lag=4.0)
    assert labels_by(events, 8, 2.0, until_next) == ["", "", "", "a", "a", "a", "b", "b"]


def test_error_names_two_events_in_one_volume(tmp_path):
    rows = [(0.2, 0.1, "a"), (0.6, 0.1, "b"), (4.2, 0.1, "a")]
    with pytest.raises(
        InputError, match=r"in the same volume; .* a at 0.2 s for 0.1 s is in the same volume as b"
    ):
        labeled_events(tmp_path, rows, assign="nearest")
    table, notes = labeled_events(tmp_path, rows, assign="nearest", overlap="last")
    assert table["label"].tolist()[:3] == ["b", "", "a"]
    assert any("1 volumes of e.tsv belong to events of different labels" in note for note in notes)


def haxby_as_published(folder):
    """A block of 24 s every 36 s, listed as twelve pictures of 0.5 s; TR 2.5 s."""
    rows = [
        (12 + 36 * i + 2 * k, 0.5, label) for i, label in enumerate(["face", "cat"] * 4) for k in range(12)
    ]
    write_events(folder / "e.tsv", *rows)
    return parse_labels({"source": "events", "events": ["e.tsv"]}), bold(121, step=2.5)


def test_short_events_are_an_error_until_a_rule_is_chosen(tmp_path):
    config, scan = haxby_as_published(tmp_path)
    with pytest.raises(UndecidedError) as error:
        label_table(config, scan, tmp_path)
    message = str(error.value)
    assert "77 of 96" in message
    for word in ('"nearest"', '"overlap"', '"until-next"', '"midpoint"', "fill_gaps", "[zmaps]"):
        assert word in message
    for options in ({"assign": "nearest"}, {"assign": "overlap"}, {"assign": "midpoint"}, {"fill_gaps": 1.5}):
        table, _ = label_table(config.model_copy(update=options), scan, tmp_path)
        assert set(table["label"]) == {"face", "cat", ""}
        n_labeled = (table["label"] != "").sum()
        assert n_labeled == 19 if options == {"assign": "midpoint"} else n_labeled > 60
    runs, _ = find_runs(config, scan, tmp_path)  # z-maps use the events as listed
    assert len(runs[0].events) == 96


@pytest.mark.parametrize("duration", [0.0, 0.3])
def test_events_without_duration_are_not_lost_silently(tmp_path, duration):
    rows = [(2.1 + 4 * i, duration, "ab"[i % 2]) for i in range(6)]
    with pytest.raises(UndecidedError, match="6 of 6"):
        labeled_events(tmp_path, rows, n=14)
    table, notes = labeled_events(tmp_path, rows, n=14, assign="nearest")
    assert table["label"].tolist()[1:13:2] == ["a", "b"] * 3
    assert "6 of 6 events contain a volume (assign = nearest)." in notes
    overlap, _ = labeled_events(tmp_path, rows, n=14, assign="overlap")
    assert overlap["label"].tolist() == table["label"].tolist()
    until, _ = labeled_events(tmp_path, rows, n=14, assign="until-next")
    assert until["label"].tolist()[1:13] == ["a", "a", "b", "b"] * 3


def test_few_lost_events_need_no_choice(tmp_path):
    blocks = [(4.0 * i, 4.0, "ab"[i % 2]) for i in range(10)]
    for extra in ([(1.2, 0.0, "a"), (9.2, 0.1, "a")], [(500.0, 4.0, "a")] * 5, [(40.1, 0.2, "a")]):
        table, _ = labeled_events(tmp_path, [*blocks, *extra], n=24)
        assert table["label"].tolist()[:20] == ["a", "a", "b", "b"] * 5
    with pytest.raises(UndecidedError, match="2 of 12"):
        labeled_events(tmp_path, [*blocks, (40.1, 0.2, "a"), (44.1, 0.2, "b")], n=24)
    rest = [(40.1 + 2 * i, 0.2, "rest") for i in range(3)]
    labeled_events(tmp_path, [*blocks, *rest], n=24, exclude=["rest"])


def test_min_overlap_requires_overlap():
    with pytest.raises(InputError, match="min_overlap is an option of assign"):
        parse_labels({"source": "events", "min_overlap": 1.0})
