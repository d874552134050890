"""Conditions on columns, compared with pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_fmri_decoder.samples.conditions import rows_where

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "label": RNG.choice(["face", "house", "face_old"], 60),
        "rt": RNG.choice(["0.5", "1", "1.5", "", "n.d."], 60),
        "run": RNG.choice(["1", "2", "10"], 60),
    }
)
NUMBERS = pd.to_numeric(TABLE["rt"], errors="coerce")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, np.ones(60, dtype=bool)),
        ({"label": ("face",)}, TABLE["label"] == "face"),
        ({"label": ("face*",)}, TABLE["label"].str.startswith("face")),
        ({"run": ("1", "10")}, TABLE["run"].isin(["1", "10"])),
        ({"rt": (">1",)}, NUMBERS > 1),
        ({"rt": (">= 1",)}, NUMBERS >= 1),
        ({"rt": ("< 1", "1.5")}, (NUMBERS < 1) | (TABLE["rt"] == "1.5")),
        ({"rt": ("<=1e0",), "label": ("house",)}, (NUMBERS <= 1) & (TABLE["label"] == "house")),
    ],
)
def test_rows_are_those_of_pandas(where, expected):
    np.testing.assert_array_equal(rows_where(where, TABLE), expected)
