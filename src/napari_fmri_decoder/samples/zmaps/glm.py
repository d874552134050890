"""Fit the models of a run, and give the z-value of each map: nilearn's least squares, and LSS made quick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.zmaps.design import Design


def z_values(Y: NDArray[np.float64], models: Sequence[Design], noise: str) -> Iterator[NDArray[np.float64]]:
    """Fit models to the same voxels, one after the other.

    Parameters
    ----------
    Y : (n, voxels) float64 array
        Time courses without NaN, none constant.
    models : sequence of Design
    noise : {"ar1", "ols"}

    Yields
    ------
    (targets, voxels) float64 array
        Of each model, the z-values of its targets, as nilearn's `FirstLevelModel` has them.
    """
    if noise == "ols" and len(models) > 1:
        yield from _apart(Y, models)
        return
    from nilearn.glm import compute_contrast
    from nilearn.glm.first_level import run_glm

    for model in models:
        labels, results = run_glm(Y, model.matrix, noise_model=noise)
        unit = np.eye(model.matrix.shape[1])
        contrasts = [compute_contrast(labels, results, unit[column]) for column in model.columns]
        yield np.array([contrast.z_score() for contrast in contrasts])


def _apart(Y: NDArray[np.float64], models: Sequence[Design]) -> Iterator[NDArray[np.float64]]:
    """Fit by least squares models that share drift, constant and confounds.

    These are taken out of the voxels once, and out of the few regressors of events of each model,
    which leaves coefficients, their variance and residuals as they are in the whole model (Frisch,
    Waugh and Lovell). What remains of a trial's model is 2 to some 10 regressors.
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
        # The squares of the residuals, without the residuals; rounding must not make them negative.
        error = np.maximum(squares - np.einsum("ij,ij->j", beta, products), 0)
        free = model.matrix.shape[0] - model.matrix.shape[1]
        columns = list(model.columns)
        spread = (inverse[columns] ** 2).sum(axis=1)
        yield np.array(
            [
                Contrast(beta[column], error / free * part, dof=free).z_score()
                for column, part in zip(columns, spread, strict=True)
            ]
        )


def _basis(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, rank) orthonormal columns that span those of a matrix."""
    left, values, _ = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=0), full_matrices=False)
    return np.asarray(left[:, values > values[0] * 1e-10])
