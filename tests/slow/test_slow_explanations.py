"""Patterns of linear decoders find the planted regions of the phantom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fmri_decoder.pipeline import RunResult, explain_run, finish, run
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.recipe import make_recipe
from napari_fmri_decoder.samples.example_data.phantom import write_phantom
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.resample import resample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[0, 1, 2, 3, 4])
def decoded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """The phantom of one seed, its rotated slab decoded by `lda`."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder / "data", seed=request.param)
    content = demo_recipe().model_dump(mode="json", exclude_none=True)
    content |= {
        "decoder": {"name": "lda"},
        "training": {"threads": 1},
        "baseline": {"models": ["lda"]},
        "report": {"figures": "none"},
    }
    return finish(run(make_recipe(content), folder, folder / "run"))


def share_in_planted_regions(result: RunResult, values: NDArray[np.float32]) -> float:
    """Fraction of the strongest 1% of the decoded voxels that lie in the planted regions."""
    space = result.prepared.samples.space
    truth = read(Path(result.folder).parent / "data" / "truth.nii.gz")
    planted = resample(np.asarray(truth.data, np.float32), truth.affine, space.grid, "linear")[space.mask] > 0
    strength = np.abs(values[space.mask])
    strongest = np.argsort(strength)[-round(0.01 * len(strength)) :]
    return float(planted[strongest].mean())


@pytest.mark.parametrize("models", ["all", "folds"])
def test_the_strongest_voxels_of_the_pattern_lie_in_the_planted_regions(
    decoded: RunResult, models: str
) -> None:
    explained = explain_run(decoded, {"name": "pattern"}, models=models)
    assert share_in_planted_regions(decoded, explained.maps.values[0, 1]) >= 0.8
