"""Blocks, which splits and permutations keep together."""

from __future__ import annotations

import pandas as pd

from napari_fmri_decoder.samples.blocks import number_blocks, run_starts


def rows(labels: str, runs: str, volumes: list[int] | None = None) -> pd.DataFrame:
    volume = volumes or list(range(len(labels)))
    made = pd.DataFrame({"volume": volume, "label": list(labels), "run": list(runs)})
    return made.assign(subject="", session="")


def test_a_block_ends_with_its_label_its_run_or_a_gap():
    assert number_blocks(rows("aabbaa", "111111")).tolist() == [0, 0, 1, 1, 2, 2]
    assert number_blocks(rows("aaaa", "1122")).tolist() == [0, 0, 1, 1]
    assert number_blocks(rows("aaaa", "1111", [0, 1, 5, 6])).tolist() == [0, 0, 1, 1]
    assert number_blocks(rows("", "")).tolist() == []


def test_runs_of_different_sessions_are_different():
    table = rows("aaaa", "1111").assign(session=["x", "x", "y", "y"])
    assert number_blocks(table).tolist() == [0, 0, 1, 1]
    assert run_starts(table) == {"x/1": [0], "y/1": [2]}
