"""Whitening removes the covariance that scikit-learn estimates, and is a part of every kind of model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.evaluation.permutation_scores import is_batched, permuted_scores
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.training.bundle.bundle import Bundle, load_bundle, save_bundle
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FittedModel, FoldDone
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import network_inputs, predict_proba
from napari_fmri_decoder.training.tasks.tasks import pack_model, unpack_model
from napari_fmri_decoder.training.whitening import fit_whitening

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

NEAREST_MEAN = {"name": "lda", "shrinkage": 1.0, "priors": "equal"}
"""With a multiple of the identity as covariance, discriminant analysis chooses the nearest mean."""
NETWORKS = [{"name": "mlp", "hidden": 6}, {"name": "cnn2d", "filters": [4], "dense": [8]}]


def config(**values: object) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {"epochs": 2, "threads": 1, "device": "cpu", "whiten": True} | values
    )


def model_of(options: dict, samples: Samples, rows=slice(None), **values: object) -> FittedModel:
    decoder = get_decoder(options)
    X, y = samples.X[rows], samples.y[rows]
    *_, done = fit(decoder, X, y, 3, samples.space, config(**values).resolved(decoder), seed=0)
    assert isinstance(done, FitDone)
    return done.model


def centered(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return X - np.stack([X[y == k].mean(axis=0) for k in range(y.max() + 1)])[y]


def covariance(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean over classes of the covariances that scikit-learn shrinks, as its discriminant analysis does."""
    found = np.zeros((X.shape[1], X.shape[1]))
    for k, n in zip(*np.unique(y, return_counts=True), strict=True):
        scaler = StandardScaler().fit(X[y == k])
        of_class = LedoitWolf().fit(scaler.transform(X[y == k])).covariance_
        found += n / len(y) * scaler.scale_[:, None] * of_class * scaler.scale_
    return found


@pytest.mark.parametrize("features", [7, 40, 172], ids=["few voxels", "fewer", "more than samples"])
def test_it_is_an_inverse_square_root_of_the_covariance_of_scikit_learn(toy: Samples, features: int) -> None:
    X = StandardScaler().fit_transform(toy.X[:, :features].astype(float)).astype(np.float32)
    X[:, 3] = 0  # a constant voxel
    expected = covariance(X.astype(float), toy.y)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(X.astype(float), toy.y)
    np.testing.assert_allclose(expected, theirs.covariance_, atol=1e-12)
    found = fit_whitening(X, toy.y)
    matrix = found.apply(np.eye(features)).T.astype(float)
    inverse = np.linalg.inv(expected)
    np.testing.assert_allclose(matrix.T @ matrix, inverse, rtol=0, atol=1e-6 * np.abs(inverse).max())
    unscaled = matrix / found.scale  # as close to the voxels as an inverse square root can be
    np.testing.assert_allclose(unscaled, unscaled.T, atol=1e-5)
    assert np.linalg.eigvalsh(unscaled)[0] > 0


def test_of_many_samples_the_voxels_are_uncorrelated() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20_000)
    X = (rng.normal(size=(40_000, 3)) @ [[1, 0.8, 0], [0, 1, 0], [0, 0.5, 2]] + y[:, None]).astype(np.float32)
    found = centered(fit_whitening(X, y).apply(X).astype(float), y)
    np.testing.assert_allclose(found.T @ found / len(y), np.eye(3), atol=5e-3)


def test_a_single_voxel_has_variance_one(toy: Samples) -> None:
    found = centered(fit_whitening(toy.X[:, :1], toy.y).apply(toy.X[:, :1]), toy.y)
    assert found.std() == pytest.approx(1, abs=1e-6)


def test_the_nearest_mean_of_whitened_samples_is_discriminant_analysis(toy: Samples, thirds) -> None:
    for split in thirds:
        train, test = split.train, split.test
        scaler = StandardScaler().fit(toy.X[train].astype(float))
        X, held_out = (scaler.transform(toy.X[rows].astype(float)) for rows in (train, test))
        theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[1 / 3] * 3)
        expected = theirs.fit(X, toy.y[train]).predict_proba(held_out)
        whitening = fit_whitening(X.astype(np.float32), toy.y[train])
        nearest = NearestCentroid().fit(whitening.apply(X), toy.y[train])
        logits = -0.5 * (
            np.square(whitening.apply(held_out)[:, None].astype(float) - nearest.centroids_).sum(axis=2)
        )
        np.testing.assert_allclose(softmax(logits, axis=1), expected, atol=1e-5)
        ours = predict_proba(model_of(NEAREST_MEAN, toy, train), toy.X[test], toy.space)
        np.testing.assert_array_equal(ours.argmax(axis=1), expected.argmax(axis=1))


def test_a_linear_layer_takes_it_into_its_weights(toy: Samples) -> None:
    model = model_of({"name": "linear", "C": 0.1}, toy)
    assert model.whitening is None
    X = StandardScaler().fit_transform(toy.X.astype(float)).astype(np.float32)
    inputs = fit_whitening(X, toy.y).apply(X)
    from sklearn.linear_model import LogisticRegression

    theirs = LogisticRegression(C=0.1, max_iter=10_000, tol=1e-9).fit(inputs.astype(float), toy.y)
    np.testing.assert_allclose(
        predict_proba(model, toy.X, toy.space), theirs.predict_proba(inputs.astype(float)), atol=2e-5
    )


@pytest.mark.parametrize("options", NETWORKS)
def test_a_network_gets_whitened_inputs(options: dict, toy: Samples) -> None:
    model = model_of(options, toy)
    X = StandardScaler().fit_transform(toy.X.astype(float)).astype(np.float32)
    expected = toy.space.arrange(fit_whitening(X, toy.y).apply(X), model.decoder.layout)
    np.testing.assert_allclose(network_inputs(model, toy.X, toy.space), expected, atol=1e-5)


@pytest.mark.parametrize("options", [*NETWORKS, {"name": "linear"}])
@pytest.mark.parametrize("screening", [0, 0.5])
def test_a_saved_model_whitens_again(options: dict, screening: float, toy: Samples, tmp_path) -> None:
    model = model_of(options, toy, screening=screening)
    expected = predict_proba(model, toy.X, toy.space)
    back = load_bundle(save_bundle(Bundle(model, toy.space, toy.classes), tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(predict_proba(back.model, toy.X, back.space), expected)
    stored, _ = unpack_model(pack_model(model, []), model.decoder)
    np.testing.assert_array_equal(predict_proba(stored, toy.X, toy.space), expected)


def test_a_file_with_axes_of_other_voxels_is_refused(toy: Samples, tmp_path) -> None:
    model = model_of(NETWORKS[0], toy)
    whitening = model.whitening
    for wrong in (
        replace(whitening, axes=whitening.axes[:, :-1], scale=whitening.scale[:-1]),
        replace(whitening, axes=whitening.axes[:-1]),
        replace(whitening, gains=whitening.gains * np.nan),
    ):
        path = save_bundle(
            Bundle(replace(model, whitening=wrong), toy.space, toy.classes), tmp_path / "m.safetensors"
        )
        with pytest.raises(InputError, match="whitening"):
            load_bundle(path)


def test_the_test_set_has_no_influence(toy: Samples, poisoned: Samples, thirds) -> None:
    decoder = get_decoder(NETWORKS[0])
    settings = config().resolved(decoder)
    clean, other = (
        next(e.result for e in cross_validate(decoder, s, thirds, settings) if isinstance(e, FoldDone))
        for s in (toy, poisoned)
    )
    np.testing.assert_array_equal(clean.model.whitening.axes, other.model.whitening.axes)
    np.testing.assert_array_equal(clean.train_probabilities, other.train_probabilities)


def test_the_validation_set_has_no_influence(toy: Samples) -> None:
    held_out = toy.groups == "5"
    decoder = get_decoder(NETWORKS[0])
    settings = config(validation="runs").resolved(decoder)
    *_, done = fit(decoder, toy.X, toy.y, 3, toy.space, settings, seed=0, groups=toy.groups)
    alone = model_of(NETWORKS[0], toy, ~held_out)
    np.testing.assert_array_equal(done.model.whitening.axes, alone.whitening.axes)


@pytest.mark.parametrize("options", [{"name": "mlp", "hidden": 6}, NEAREST_MEAN])
def test_each_permutation_whitens_by_its_own_labels(options: dict, toy: Samples, thirds) -> None:
    decoder = get_decoder(options)
    settings = config().resolved(decoder)
    assert not is_batched(decoder, toy, thirds, settings)
    (score,) = run_to_end(permuted_scores(decoder, toy, thirds, settings, [2]))
    relabeled = permuted(toy, settings.seed, 2)
    one_by_one = [
        e.result
        for e in cross_validate(decoder, relabeled, thirds, settings, permutation=2)
        if isinstance(e, FoldDone)
    ]
    assert score == pytest.approx(np.mean([result.test.accuracy for result in one_by_one]))
    X = one_by_one[0].model.scaler.apply(toy.X[thirds[0].train])
    if one_by_one[0].model.whitening is not None:
        expected = fit_whitening(X, relabeled.y[thirds[0].train])
        np.testing.assert_array_equal(one_by_one[0].model.whitening.axes, expected.axes)


def test_one_sample_per_class_is_refused(toy: Samples) -> None:
    with pytest.raises(InputError, match="Whitening needs samples that differ within their class"):
        fit_whitening(toy.X[:3], toy.y[:3])
