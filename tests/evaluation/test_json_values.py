"""Values for JSON."""

from __future__ import annotations

import json

import numpy as np

from napari_fmri_decoder.evaluation.json_values import finite_or_none


def test_numbers_that_are_not_finite_become_null_at_all_levels() -> None:
    values = {"a": (1, float("nan")), "b": [{"c": float("inf"), "d": "nan"}], "e": np.float64("-inf")}
    text = json.dumps(finite_or_none(values), allow_nan=False)
    assert json.loads(text) == {"a": [1, None], "b": [{"c": None, "d": "nan"}], "e": None}
