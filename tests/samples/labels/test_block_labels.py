"""Labels from repeating blocks."""

from __future__ import annotations

import pytest
from label_helpers import (
    bold,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.labels.blocks import parse_blocks
from napari_fmri_decoder.volumes.volume import Part


def test_blocks_and_chunks_of_the_original_notebook(tmp_path):
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


def test_runs_must_contain_whole_blocks(tmp_path):
    config = parse_labels({"source": "blocks", "blocks": "10 rest, 20 task", "chunk": 64})
    with pytest.raises(
        InputError, match=r"starts at volume 64, within the block of volumes 60 to 69.*such as 60"
    ):
        label_table(config, bold(120), tmp_path)


@pytest.mark.parametrize("spec", ["", "closed, open", "4, 4", "0 closed, 4 open", "4 a, 0 times", "3 times"])
def test_invalid_block_specifications_are_errors(spec):
    with pytest.raises(InputError, match="must read like"):
        parse_blocks(spec)
    with pytest.raises(InputError, match="must read like"):
        parse_labels({"source": "blocks", "blocks": spec})
