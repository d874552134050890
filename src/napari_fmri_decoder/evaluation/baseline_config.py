"""Options of the baselines, the simple models that every decoder is compared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_fmri_decoder.options import Options

Baseline = Literal["lda", "linear"]


class BaselineConfig(Options):
    """The linear models that are fitted on the same folds as the decoder; "dummy" always is."""

    models: tuple[Baseline, ...] = Field(
        ("lda", "linear"),
        max_length=10,
        description="Linear models to compare with, on the same folds. lda: discriminant analysis with "
        "shrinkage; linear: logistic regression, with C chosen by runs within the training set.",
    )
