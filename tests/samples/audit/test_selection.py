"""Voxels that were chosen by the labels are found; regions are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from audit_samples import samples
from scipy.ndimage import gaussian_filter
from sklearn.feature_selection import f_classif

from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.audit.findings import AuditInput
from napari_fmri_decoder.samples.audit.selection import compare_with_outside
from napari_fmri_decoder.samples.masks import parse_mask
from napari_fmri_decoder.samples.outside import Outside
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.volumes.frames import Grid

SHAPE = (12, 14, 10)


def noise(made: Samples, seed: int, smooth: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(len(made.X), *SHAPE)).astype(np.float32)
    if smooth:
        X = np.stack([gaussian_filter(volume, smooth) for volume in X])
    return (X / X.std()).reshape(len(X), -1)


def masked(made: Samples, X: np.ndarray, mask: np.ndarray) -> tuple[Samples, Outside]:
    """Divide voxels into those inside and outside a mask."""
    space = Space(Grid(SHAPE, np.diag([3.0, 3, 3, 1])), mask.reshape(SHAPE))
    inside = replace(made, X=np.ascontiguousarray(X[:, mask]), space=space)
    return inside, Outside(X[:, ~mask], int((~mask).sum()))


def found(made: Samples, outside: Outside | None, **more: object) -> list[str]:
    splits = make_splits(SplitConfig(), made.table)
    findings = audit(made, splits, outside=outside, **more)
    return [f.code for f in findings if f.code in ("voxels-chosen-by-labels", "mask-not-compared")]


def by_blocks(X: np.ndarray, made: Samples) -> tuple[np.ndarray, np.ndarray]:
    block = made.table["block"].to_numpy()
    means = np.stack([X[block == one].mean(axis=0) for one in np.unique(block)])
    return means, np.array([made.y[block == one][0] for one in np.unique(block)])


@pytest.mark.parametrize("classes", [2, 8])
@pytest.mark.parametrize("n_runs", [2, 6])
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_the_best_voxels_of_noise_are_found(classes, n_runs, smooth):
    rng = np.random.default_rng(n_runs)
    names = [chr(97 + i) for i in range(classes)] * (8 // classes)
    order = np.concatenate([rng.permutation(names) for _ in range(n_runs)])
    made = samples(n_runs=n_runs, per_run=32, labels=np.repeat(order, 4).tolist())
    X = noise(made, 1, smooth)
    means, y = by_blocks(X, made)
    for F in (f_classif(X, made.y)[0], f_classif(means, y)[0]):
        for k in (10, 50, 200):
            mask = np.zeros(X.shape[1], dtype=bool)
            mask[np.argsort(F)[-k:]] = True
            assert found(*masked(made, X, mask)) == ["voxels-chosen-by-labels"]


def ball(center: tuple[int, int, int], radius: float) -> np.ndarray:
    distance = np.indices(SHAPE) - np.array(center)[:, None, None, None]
    return ((distance**2).sum(axis=0) <= radius**2).ravel()


def test_regions_are_not_reported_whatever_their_effect():
    made = samples(n_runs=6)
    for seed in range(10):
        X = noise(made, 10 + seed, seed % 2)
        rng = np.random.default_rng(seed)
        both = ball((3, 7, 5), 2.5) | ball((9, 7, 5), 2.5)
        for strength in (0, 0.2, 0.5, 2):
            effect = strength * (0.5 + rng.normal(size=both.sum()))
            informed = X.copy()
            informed[:, both] += (made.y[:, None] - 0.5) * effect
            assert found(*masked(made, informed.astype(np.float32), both)) == []


def test_the_comparison_uses_the_f_of_scikit_learn():
    made = samples(n_runs=4)
    X = noise(made, 3, 0)
    mask = ball((5, 5, 5), 2.5)
    X[:, mask] += (made.y[:, None] - 0.5) * 0.8
    inside, outside = masked(made, X, mask)
    data = AuditInput(inside, make_splits(SplitConfig(), made.table), 4, outside=outside)
    area, relative = compare_with_outside(data, outside.of_samples(inside))
    means, y = by_blocks(X, made)
    areas = []
    for F in (f_classif(X, made.y)[0], f_classif(means, y)[0]):
        areas.append((F[mask][:, None] > F[~mask]).mean())
    assert area == pytest.approx(max(areas), abs=1e-3)
    p = np.median(f_classif(means, y)[1][mask])
    assert relative == pytest.approx(p / (0.5 * mask.mean()), rel=1e-2)


def test_a_small_mask_from_a_file_without_voxels_outside_gives_a_note():
    made = samples()
    assert found(made, None, mask=parse_mask("mask.nii")) == ["mask-not-compared"]
    assert found(made, None, mask=parse_mask({"strategy": "file", "path": "a.nii", "labels": [3]})) == []
    assert found(made, None, mask=parse_mask({"strategy": "floors"})) == []
    assert found(made, None) == []
