"""Options of the tests of maps; the thresholds are no options."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_fmri_decoder.explain.proof.thresholds import FEWEST_DRAWS, FEWEST_SHIFTS
from napari_fmri_decoder.options import Options

Test = Literal[
    "model-randomization",
    "label-randomization",
    "faithfulness",
    "roar",
    "stability",
    "captum",
    "plausibility",
]


class ProofConfig(Options):
    """How the tests of a map are made."""

    leave_out: tuple[Test, ...] = Field(
        (), description="Tests that are not made; they are listed as not tested."
    )
    draws: int = Field(
        FEWEST_DRAWS,
        description="Random networks, and networks trained on permuted labels.",
        ge=FEWEST_DRAWS,
        le=1000,
    )
    shifts: int = Field(FEWEST_SHIFTS, description="Shifted copies of the map.", ge=FEWEST_SHIFTS, le=10_000)
    refits: int = Field(4, description="Networks trained from other seeds, for stability.", ge=0, le=100)
    volumes: int = Field(
        32, description="Held-out samples that are explained, spread over all of them.", ge=2, le=100_000
    )
    seed: int = Field(0, description="Seed of all random numbers.", ge=0, le=2**32 - 1)
