"""A decoder is one class in one file, found by its name."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest

from napari_fmri_decoder.decoders import get_decoder, registry
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.errors import InputError


def test_the_decoders_of_the_design_are_there() -> None:
    assert {"mlp", "cnn2d", "cnn3d", "linear", "dummy"} <= set(registry)


def test_options_of_a_recipe_reach_the_decoder() -> None:
    decoder = get_decoder({"name": "cnn2d", "filters": [8, 16], "dropout": 0.1})
    assert decoder.model_dump() == {
        "name": "cnn2d",
        "preset": "torch",
        "filters": (8, 16),
        "dense": (1024, 256, 64),
        "dropout": 0.1,
    }
    assert get_decoder({"name": "linear", "C": "nested"}).model_dump()["C"] == "nested"


def test_a_new_subclass_is_found_by_its_name() -> None:
    class Wide(MLP):
        name: Literal["wide"] = "wide"  # type: ignore[assignment]

    try:
        assert isinstance(get_decoder({"name": "wide"}), Wide)
    finally:
        del registry["wide"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "mpl"}, "cnn2d, cnn3d, dummy, linear, mlp"),
        ({}, "cnn2d, cnn3d, dummy, linear, mlp"),
        ({"name": "mlp", "hiden": 3}, "hiden.*hidden, dropout"),
        ({"name": "mlp", "dropout": 1.5}, "dropout.*less than 1.*1.5"),
        ({"name": "linear", "C": -1}, "C.*greater than 0.*-1"),
        ({"name": "cnn2d", "filters": []}, "filters.*at least 1"),
        ({"name": "cnn2d", "filters": [0]}, "filters.*greater than 0"),
    ],
)
def test_wrong_options_are_told_with_what_would_be_right(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        get_decoder(options)


def test_a_form_can_list_decoders_without_loading_torch() -> None:
    code = (
        "import sys; from napari_fmri_decoder.decoders import get_decoder; "
        "get_decoder({'name': 'cnn2d'}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
