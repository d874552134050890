"""PCA and t-SNE compared with plain linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_fakes import make_samples

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.projections import pca, tsne


def test_pca_is_the_singular_value_decomposition_of_scaled_voxels() -> None:
    X = make_samples(signal=1.0).X * np.linspace(1, 9, 12, dtype=np.float32) + 100
    found = pca(X)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    u, s, _ = np.linalg.svd(scaled.astype(np.float64), full_matrices=False)
    np.testing.assert_allclose(found.explained, s**2 / (s**2).sum(), rtol=1e-3)
    np.testing.assert_allclose(np.abs(found.points), np.abs(u[:, :2] * s[:2]), rtol=1e-2, atol=1e-3)


def test_a_constant_voxel_does_not_change_pca() -> None:
    X = make_samples(signal=1.0).X
    padded = np.hstack([X, np.full((len(X), 1), 7, dtype=np.float32)])
    np.testing.assert_allclose(np.abs(pca(padded).points), np.abs(pca(X).points), atol=1e-3)


def test_tsne_separates_groups_and_is_reproducible_with_its_seed() -> None:
    samples = make_samples(("a", "b"), length=6, signal=8.0)
    first, again = tsne(samples.X, seed=4), tsne(samples.X, seed=4)
    np.testing.assert_array_equal(first.points, again.points)
    assert first.explained.size == 0
    away = np.linalg.norm(first.points[:, None] - first.points[None], axis=2) + np.eye(len(samples.X)) * 1e9
    assert (samples.y[away.argmin(axis=1)] == samples.y).all()


@pytest.mark.parametrize("n", [4, 5, 31])
def test_tsne_accepts_few_samples(n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    assert np.isfinite(tsne(X).points).all()


@pytest.mark.parametrize("layout", [pca, tsne])
def test_too_few_or_equal_samples_are_an_error(layout: type) -> None:
    with pytest.raises(InputError, match="at least 4 samples"):
        layout(np.zeros((3, 5), dtype=np.float32))
    with pytest.raises(InputError, match="samples that differ"):
        layout(np.ones((9, 5), dtype=np.float32))
    assert layout(np.arange(8, dtype=np.float32)[:, None]).points.shape == (8, 2)
