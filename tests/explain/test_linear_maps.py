"""Weights and patterns of linear decoders: those of scikit-learn, of nilearn, and of the formula."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.decoding import Decoder as NilearnDecoder
from nilearn.maskers import NiftiMasker
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.svm import LinearSVC

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import explain_samples, get_explainer, mean_explanation
from napari_fmri_decoder.explain.pattern import haufe_pattern
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FittedModel, FoldDone
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.volumes.frames import Grid, rotation

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

AFFINE = np.eye(4)
AFFINE[:3, :3] = rotation(10, -20, 5) @ np.diag([-3.0, 3.0, 4.0])
SHAPE = (6, 5, 4)

REFERENCES: dict[str, tuple[dict[str, Any], ClassifierMixin]] = {
    "lda": ({"name": "lda"}, LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
    "logistic": ({"name": "linear", "C": 0.1}, LogisticRegression(C=0.1, tol=1e-9, max_iter=10_000)),
    "svm": ({"name": "linear", "loss": "svm", "C": 0.01}, LinearSVC(C=0.01, random_state=0, max_iter=10_000)),
}


def samples_of(n_classes: int, *, scale: bool = True) -> Samples:
    """Patterns in four runs, in an irregular mask; `scale`: voxels differ in mean and deviation."""
    rng = np.random.default_rng(n_classes)
    mask = rng.random(SHAPE) < 0.7
    n, n_features = 4 * n_classes * 6, int(mask.sum())
    y = np.tile(np.arange(n_classes), 4 * 6)
    runs = np.repeat(np.arange(4), n_classes * 6)
    X = rng.normal(size=(n, n_features)) + 0.7 * rng.normal(size=(n_classes, n_features))[y]
    for run in range(4):
        X[runs == run] = (X[runs == run] - X[runs == run].mean(axis=0)) / X[runs == run].std(axis=0)
    if scale:
        X = X * rng.uniform(0.5, 20, n_features) + rng.normal(size=n_features) * 50
    names = tuple("abcdefgh"[:n_classes])
    table = pd.DataFrame(
        {
            "volume": np.arange(n),
            "label": np.array(names)[y],
            "subject": "",
            "session": "",
            "run": runs.astype(str),
            "block": np.arange(n),
        }
    )
    return Samples(X.astype(np.float32), table, names, Space(Grid(SHAPE, AFFINE), mask))


def fitted(options: dict[str, Any], samples: Samples, **training: Any) -> FittedModel:
    decoder = get_decoder(options)
    config = TrainingConfig(threads=1, **training).resolved(decoder)
    (model,) = (e.model for e in refit(decoder, samples, config) if isinstance(e, FitDone))
    return model


def maps_of(method: str, model: FittedModel, samples: Samples, **options: Any) -> NDArray[np.float64]:
    """(class, features) values inside the mask; outside they must be 0."""
    explained = mean_explanation(
        get_explainer({"name": method, **options}), model, samples.X, samples.space
    ).named(samples.classes)
    assert explained.names == samples.classes
    assert explained.grid is samples.space.grid
    values = explained.values[0]
    assert not values[:, ~samples.space.mask].any()
    return values[:, samples.space.mask].astype(np.float64)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_weights_are_those_of_scikit_learn(name: str, n_classes: int) -> None:
    options, reference = REFERENCES[name]
    samples = samples_of(n_classes)
    model = fitted(options, samples)
    X = samples.X.astype(np.float64)
    mean, std = X.mean(axis=0), X.std(axis=0)
    coef = reference.fit((X - mean) / std, samples.y).coef_
    if n_classes == 2:
        coef = np.vstack([-coef, coef])
    tolerance = 2e-4 * np.abs(coef).max()
    np.testing.assert_allclose(maps_of("weights", model, samples, voxels="scaled"), coef, atol=tolerance)
    found = maps_of("weights", model, samples)
    np.testing.assert_allclose(found * std, coef, atol=tolerance)
    # in the units of the prepared voxels, they give the decision values of the samples
    expected = reference.decision_function((X - mean) / std)
    decision = (X - mean) @ found.T + reference.intercept_ * (1 if n_classes > 2 else np.array([-1, 1]))
    decision = decision[:, 1] if n_classes == 2 else decision
    np.testing.assert_allclose(decision, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_mean_over_folds_is_that_of_nilearns_decoder(n_classes: int) -> None:
    """Standardized within runs, every training set is scaled already, as nilearn leaves it."""
    samples = samples_of(n_classes, scale=False)
    decoder = get_decoder(REFERENCES["svm"][0])
    config = TrainingConfig(threads=1).resolved(decoder)
    splits = make_splits(SplitConfig(), samples.table)
    events = cross_validate(decoder, samples, splits, config)
    folds = [e.result for e in events if isinstance(e, FoldDone)]
    found = np.mean([maps_of("weights", fold.model, samples) for fold in folds], axis=0)

    masker = NiftiMasker(nib.Nifti1Image(samples.space.mask.astype(np.uint8), AFFINE), standardize=None).fit()
    nilearns = NilearnDecoder(
        estimator="svc",  # LinearSVC
        mask=masker,
        cv=LeaveOneGroupOut(),
        screening_percentile=100,
        standardize=None,
        param_grid={"C": [0.01]},
        scoring="accuracy",
    )
    labels = samples.table["label"].to_numpy()
    nilearns.fit(masker.inverse_transform(samples.X), labels, groups=samples.groups)
    for k in range(n_classes):
        # of two classes, nilearn stores the weights for the second, whose decision value is positive, under
        # the name of the first
        image = nilearns.coef_img_[samples.classes[1 - k if n_classes == 2 else k]]
        expected = np.ravel(masker.transform(image))
        np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)
        np.testing.assert_allclose(found[k], expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_patterns_are_those_of_the_formula(name: str, n_classes: int) -> None:
    """cov(X) W cov(s)^-1 with covariances of NumPy, in the units of the voxels and scaled."""
    samples = samples_of(n_classes)
    model = fitted(REFERENCES[name][0], samples)
    X = samples.X.astype(np.float64)
    for voxels in ("prepared", "scaled"):
        data = X if voxels == "prepared" else X / X.std(axis=0)
        weights = maps_of("weights", model, samples, voxels=voxels)
        W = weights[1:].T if n_classes == 2 else weights.T
        scores = data @ W
        inverse = np.linalg.pinv(np.atleast_2d(np.cov(scores.T)), rcond=1e-8)
        expected = (np.cov(data.T) @ W @ inverse).T
        if n_classes == 2:
            expected = np.vstack([-expected, expected])
        found = maps_of("pattern", model, samples, voxels=voxels)
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_a_pattern_of_two_classes_is_that_of_mne() -> None:
    """MNE: cov(X) w, without the variance of the decision values, which is one number here."""
    samples = samples_of(2)
    model = fitted({"name": "lda"}, samples)
    X = samples.X - samples.X.mean(axis=0, dtype=np.float64)
    w = maps_of("weights", model, samples)[1]
    of_mne = X.T @ (X @ w) / (len(X) - 1)
    found = maps_of("pattern", model, samples)[1]
    np.testing.assert_allclose(found, of_mne / np.var(X @ w, ddof=1), rtol=1e-3, atol=1e-4)


def test_a_pattern_finds_the_signal_and_not_the_voxel_that_removes_noise() -> None:
    """The example of Haufe et al.: the second voxel has only noise, and a weight as large as the first."""
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(2, 20_000))
    X = np.column_stack([signal + noise, noise]).astype(np.float32)
    weights = np.array([[1.0, -1.0]])
    np.testing.assert_allclose(haufe_pattern(X, weights), [[1.0, 0.0]], atol=0.02)


def test_screened_voxels_are_0_and_a_copy_of_a_voxel_has_its_pattern() -> None:
    samples = samples_of(3)
    model = fitted({"name": "lda"}, samples, screening=20)
    assert model.screened is not None
    for method in ("weights", "pattern"):
        found = maps_of(method, model, samples)
        np.testing.assert_array_equal(found.any(axis=0), model.screened)


def test_no_matrix_of_voxels_by_voxels_is_made() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 50_000)).astype(np.float32)  # 8 MB; the covariance would have 20 GB
    tracemalloc.start()
    haufe_pattern(X, rng.normal(size=(8, 50_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_a_class_that_was_not_trained_has_empty_maps() -> None:
    samples = samples_of(3)
    kept = samples.table["label"] != "b"
    part = Samples(
        samples.X[kept], samples.table[kept].reset_index(drop=True), samples.classes, samples.space
    )
    model = fitted({"name": "lda"}, part)
    for method in ("weights", "pattern"):
        assert maps_of(method, model, part).any(axis=1).tolist() == [True, False, True]


def test_bad_input_gives_one_sentence() -> None:
    samples = samples_of(2)
    model, space = fitted({"name": "lda"}, samples), samples.space
    pattern = get_explainer({"name": "pattern"})
    with pytest.raises(InputError, match="at least two samples for its covariance, got 1"):
        explain_samples(pattern, model, samples.X[:1], space)
    with pytest.raises(InputError, match="all are the same"):
        explain_samples(pattern, model, np.repeat(samples.X[:1], 5, axis=0), space)
    with pytest.raises(InputError, match=r"Only a linear decoder .* 'dummy' is none"):
        explain_samples(pattern, fitted({"name": "dummy"}, samples), samples.X, space)
