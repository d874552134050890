"""What `fmri-decoder models` prints."""

from __future__ import annotations

import pytest

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.decoders.summary import input_shape_of, summarize
from napari_fmri_decoder.errors import InputError


def test_cnn2d_is_counted_as_in_the_notebook() -> None:
    decoder = get_decoder({"name": "cnn2d"})
    summary = summarize(decoder, input_shape_of((40, 56, 3), decoder.layout), 2)
    assert (summary.total, summary.trainable, summary.statistics) == (2_345_602, 2_342_466, 3_136)
    rows = {row.name: row for row in summary.rows}
    assert rows["conv1"].output_shape == (32, 38, 54)
    assert rows["conv1"].parameters == 3 * 3 * 3 * 32 + 32
    assert rows["norm1"].statistics == 64
    assert "2,345,602 parameters, 2,342,466 of them trainable" in str(summary)
    assert summary.notes == ()


def test_a_summary_carries_what_was_adapted() -> None:
    summary = summarize(get_decoder({"name": "cnn2d"}), (1, 40, 20), 8)
    assert "cnn2d has 2." in summary.notes[0]
    assert summary.notes[0] in str(summary)


def test_a_network_too_large_for_memory_is_counted_all_the_same() -> None:
    decoder = get_decoder({"name": "mlp"})
    n, h = 2_000_000, 1_000_001
    assert summarize(decoder, (n,), 2).total == n * h + h + h * 2 + 2


def test_shapes_are_accepted_as_users_give_them() -> None:
    assert input_shape_of((40, 56, 3), "planes") == (3, 40, 56)
    assert input_shape_of((40, 56, 3), "volume") == (1, 40, 56, 3)
    assert input_shape_of((40, 56, 3), "vector") == (6720,)
    assert input_shape_of((992,), "vector") == (992,)


@pytest.mark.parametrize(("shape", "layout"), [((40, 56), "planes"), ((), "vector"), ((0, 5, 5), "volume")])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], layout: str) -> None:
    with pytest.raises(InputError, match="For example: 40 56 3"):
        input_shape_of(shape, layout)
