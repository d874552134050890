"""Fit the models of a run and compute z-values: by nilearn, and by a faster method for LSS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.zmaps.design import Design


def z_values(Y: NDArray[np.float64], models: Sequence[Design], noise: str) -> Iterator[NDArray[np.float64]]:
    """Fit several models to the same voxels.

    Parameters
    ----------
    Y : (n, voxels) float64 array
        Time courses without NaN; none constant.
    models : sequence of Design
    noise : {"ar1", "ols"}

    Yields
    ------
    (targets, voxels) float64 array
        For each model, the z-values of its targets, equal to those of nilearn's `FirstLevelModel`.
    """
    if noise == "ols" and len(models) > 1:
        yield from _fit_separate(Y, models)
        return
    from nilearn.glm import compute_contrast
    from nilearn.glm.first_level import run_glm

    for model in models:
        labels, results = run_glm(Y, model.matrix, noise_model=noise)
        unit = np.eye(model.matrix.shape[1])
        contrasts = [compute_contrast(labels, results, unit[column]) for column in model.columns]
        yield np.array([contrast.z_score() for contrast in contrasts])


def _fit_separate(Y: NDArray[np.float64], models: Sequence[Design]) -> Iterator[NDArray[np.float64]]:
    """Fit models that share drift, constant and confounds by least squares.

    The shared regressors are projected out of the voxels once, and out of the event regressors of each
    model. By the Frisch-Waugh-Lovell theorem, coefficients, their variance and residuals equal those of the
    full model. The remaining model of a trial has about 2 to 10 regressors.
    """
    from nilearn.glm import Contrast

    shared = models[0].matrix[:, models[0].n_events :]
    basis = _basis(shared)
    rest = Y - basis @ (basis.T @ Y)
    squares = np.einsum("ij,ij->j", rest, rest)
    for model in models:
        events = model.matrix[:, : model.n_events]
        events = events - basis @ (basis.T @ events)
        inverse = np.linalg.pinv(events)  # (events, n)
        products = events.T @ rest
        beta = (inverse @ inverse.T) @ products
        # Residual sum of squares without computing residuals; rounding must not make it negative.
        error = np.maximum(squares - np.einsum("ij,ij->j", beta, products), 0)
        dof = model.matrix.shape[0] - model.matrix.shape[1]
        columns = list(model.columns)
        spread = (inverse[columns] ** 2).sum(axis=1)
        yield np.array(
            [
                Contrast(beta[column], error / dof * part, dof=dof).z_score()
                for column, part in zip(columns, spread, strict=True)
            ]
        )


def _basis(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, rank) orthonormal basis of the columns of a matrix."""
    left, values, _ = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=0), full_matrices=False)
    return np.asarray(left[:, values > values[0] * 1e-10])
