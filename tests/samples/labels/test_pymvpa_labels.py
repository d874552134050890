"""Labels from PyMVPA attributes files."""

from __future__ import annotations

import pytest
from label_helpers import (
    series_of,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels


@pytest.mark.parametrize("head", ["", "targets chunks\n", "labels chunks\n"])
def test_attributes_are_label_and_chunk_of_each_volume(tmp_path, head):
    (tmp_path / "attributes.txt").write_text(head + "rest 0\nface 0\nrest 1\nface 1\n")
    config = parse_labels({"source": "pymvpa", "attributes": "attributes.txt", "exclude": ["rest"]})
    table, _ = label_table(config, series_of(n=4), tmp_path)
    assert table["label"].tolist() == ["rest", "face", "rest", "face"]
    assert table["run"].tolist() == ["0", "0", "1", "1"]
    with pytest.raises(InputError, match=r"found 4 in attributes.txt for 5 volumes"):
        label_table(config, series_of(n=5), tmp_path)
    (tmp_path / "attributes.txt").write_text("a b c\n")
    with pytest.raises(InputError, match="found 3 columns"):
        label_table(config, series_of(n=4), tmp_path)
