"""Maps of a run's models: which model explains which samples, and the files that hold them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from small import write_small

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.pattern import haufe_pattern
from napari_fmri_decoder.pipeline import (
    RunResult,
    explain_run,
    explain_series,
    finish,
    reopen,
    run,
    write_maps,
)
from napari_fmri_decoder.pipeline.explaining import explain_bundle
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.bundle import load_bundle
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_fmri_decoder.training.events import FittedModel

SLAB = "[slab]\nrotate_x = 20\nrotate_z = 5\nstart = 2\nstop = 5"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run of `lda` on a rotated slab."""
    folder = tmp_path_factory.mktemp("study")
    recipe = write_small(folder, f'name = "lda"\n{SLAB}\n[training]\nthreads = 1\n[report]\nfigures = "none"')
    return finish(run(load_recipe(recipe), folder, folder / "run"))


def pattern_of(model: FittedModel, X: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pattern of the second of two classes."""
    weights = model.state["out.weight"].astype(np.float64)
    return haufe_pattern(X, (weights[1:] - weights[:1]) / model.scaler.std)[0]


def test_the_run_folder_has_weights_and_pattern_where_they_belong(result: RunResult) -> None:
    space = result.prepared.samples.space
    for method in ("weights", "pattern"):
        path = result.folder / "layers" / f"stat-{method}_desc-lda_statmap.nii.gz"
        image = nib.load(path)
        np.testing.assert_allclose(image.affine, space.grid.affine, atol=1e-5)
        values = image.get_fdata()
        assert values.shape == (*space.grid.shape, 2)
        assert not values[~space.mask].any()
        assert read(path).names == ("closed", "open")
        about = json.loads(path.with_name(f"stat-{method}_desc-lda_statmap.json").read_text())
        assert about["Maps"] == ["closed", "open"]
        assert about["Method"]["name"] == method
        assert about["SeenInTraining"] is False
        assert "fitted on all 64 samples" in about["Description"]
    found = values[..., 1][space.mask]
    expected = pattern_of(result.model, result.prepared.samples.X)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert about["Units"] == "unit of the prepared voxel per logit"


def test_the_mean_over_folds_uses_the_training_samples_of_each_fold(result: RunResult) -> None:
    samples = result.prepared.samples
    explained = explain_run(result, {"name": "pattern"}, models="folds")
    each = [pattern_of(fold.model, samples.X[fold.split.train]) for fold in result.folds]
    found = explained.maps.values[0, 1][samples.space.mask]
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-4, atol=1e-6)
    assert explained.source == "mean over the models of 4 folds"
    assert not explained.seen


def test_a_reopened_run_gives_the_maps_of_the_run(result: RunResult) -> None:
    again = reopen(result.folder)
    for models in ("folds", "all"):
        for method in ("weights", "pattern"):
            before, after = (
                explain_run(one, {"name": method}, models=models).maps.values for one in (result, again)
            )
            np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-7)


def test_weights_of_a_model_file_need_no_scan_and_a_pattern_needs_one(result: RunResult) -> None:
    bundle = load_bundle(result.folder / "model.safetensors")
    maps, notes = explain_series(bundle, None, {"name": "weights"})
    assert notes == ()
    expected = explain_run(result, {"name": "weights"}).volume
    np.testing.assert_array_equal(maps.data, expected.data)
    with pytest.raises(InputError, match="pattern needs a scan"):
        explain_series(bundle, None, {"name": "pattern"})
    scan = read(result.folder.parent / "small_bold.nii.gz")
    # no volume is excluded, and the runs are given: these are the samples of the run
    by_scan = explain_bundle(bundle, scan, {"name": "pattern"}, runs=(16, 16, 16, 16))
    expected = explain_run(result, {"name": "pattern"}).volume
    np.testing.assert_allclose(by_scan.volume.data, expected.data, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_explained_is_one_sentence(result: RunResult, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="are of a model, not of a single volume"):
        explain_run(result, {"name": "weights"}, 3)
    with pytest.raises(InputError, match="convolution of 'lda'"):
        explain_run(result, {"name": "activation"})
    with pytest.raises(InputError, match="cannot be averaged over folds"):
        explain_run(result, {"name": "activation"}, models="folds")
    with pytest.raises(InputError, match=r"saved as \.nii or \.nii\.gz"):
        write_maps(explain_run(result, {"name": "weights"}), tmp_path / "maps.txt")
