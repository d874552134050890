"""A small data set for tests: two conditions, four runs, one responding region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_fmri_decoder.volumes.frames import apply_affine
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

SHAPE = (14, 16, 8)
AFFINE = np.array([[-4.0, 0, 0, 26], [0, 4, 0, -30], [0, 0, 4, -14], [0, 0, 0, 1]])
PLACE_MM = np.array([-10.0, 14, 2])
"""Where the two conditions differ."""


def series(n_runs: int = 4, seed: int = 0, strength: float = 12.0) -> tuple[Volume, pd.DataFrame]:
    """Series of 16 volumes per run in blocks of four, TR 2 s, and its label table."""
    rng = np.random.default_rng(seed)
    n = 16 * n_runs
    labels = np.tile(np.repeat(["closed", "open", "open", "closed"], 4), n_runs)
    mm = apply_affine(AFFINE, np.stack(np.indices(SHAPE), axis=-1))
    inside = (np.abs(mm - apply_affine(AFFINE, (np.array(SHAPE) - 1) / 2)) < [24, 28, 14]).all(axis=-1)
    blob = np.exp(-((mm - PLACE_MM) ** 2).sum(axis=-1) / (2 * 5.0**2))
    data = 400 + 20 * rng.normal(size=(*SHAPE, n))
    data += strength * blob[..., None] * (labels == "open")
    data *= inside[..., None]
    table = pd.DataFrame({"label": labels, "run": np.repeat(np.arange(1, n_runs + 1), 16)})
    return Volume(data.astype(np.float32), AFFINE, "bold", 2.0, name="small_bold"), table


def write_small(folder: Path, decoder: str = 'name = "linear"', **kwargs: object) -> Path:
    """Write series, table and recipe to a folder; return the path of the recipe."""
    volume, table = series(**kwargs)  # type: ignore[arg-type]
    write(volume, folder / "small_bold.nii.gz")
    table.to_csv(folder / "volumes.tsv", sep="\t", index=False)
    recipe = folder / "recipe.toml"
    recipe.write_text(
        "\n".join(
            [
                '[data]\nimages = "small_bold.nii.gz"',
                '[labels]\nsource = "table"\ntable = "volumes.tsv"',
                "[prepare]\ndetrend = true\nstandardize_runs = true",
                f"[decoder]\n{decoder}",
            ]
        )
    )
    return recipe
