"""Labels from the OpenFMRI layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_helpers import (
    FACE,
    HOUSE,
    WANTED,
    labels_of,
    series_of,
    three_columns,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.volume import Part, Volume


def openfmri(folder: Path, key: str = "task001 cond001 face\ntask001 cond002 big house\n") -> Volume:
    model = folder / "models" / "model001"
    model.mkdir(parents=True)
    (model / "condition_key.txt").write_text(key)
    parts = []
    for run in ("task001_run001", "task001_run002"):
        onsets = folder / "sub003" / "model" / "model001" / "onsets" / run
        three_columns(onsets / "cond001.txt", FACE)
        three_columns(onsets / "cond002.txt", HOUSE)
        parts.append(Part(str(folder / "sub003" / "BOLD" / run / "bold.nii.gz"), 16))
    return series_of(*parts, n=32)


@pytest.mark.parametrize("onsets", [(), ("sub003/model/model001/onsets/*/cond*.txt",)])
def test_conditions_are_named_by_the_key(tmp_path, onsets):
    series = openfmri(tmp_path)
    config = parse_labels(
        {"source": "openfmri", "condition_key": "models/model001/condition_key.txt", "onsets": onsets}
    )
    table, _ = label_table(config, series, tmp_path)
    assert table["label"].tolist() == [label.replace("house", "big house") for label in WANTED] * 2
    assert table[["subject", "run"]].drop_duplicates().to_numpy().tolist() == [["3", "1"], ["3", "2"]]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("task001 cond001 face\n", "condition_key.txt has no cond002 of task 1"),
        ("task001 face\n", "must read like .* line 1 of condition_key.txt is 'task001 face'"),
    ],
)
def test_error_names_a_condition_without_a_name(tmp_path, key, message):
    series = openfmri(tmp_path, key)
    with pytest.raises(InputError, match=message):
        labels_of(
            {"source": "openfmri", "condition_key": "models/model001/condition_key.txt"}, series, tmp_path
        )
