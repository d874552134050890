"""The phantom is as difficult as real data, and reproducible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from napari_fmri_decoder.evaluation.label_permutation import permute_labels
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.example_data import make_phantom, write_phantom
from napari_fmri_decoder.samples.example_data.phantom import PHANTOM_SLAB
from napari_fmri_decoder.samples.example_data.phantom_anatomy import EYES
from napari_fmri_decoder.samples.masks import resample_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.frames import apply_affine
from napari_fmri_decoder.volumes.read import read

# LinearSVC warns about its iterations on 384 samples, which does not affect its predictions here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def phantom():
    return make_phantom()


@pytest.fixture(scope="module")
def table(phantom):
    full = phantom.table.assign(subject="", session="")
    return full.assign(block=number_blocks(full))


@pytest.fixture(scope="module")
def slab(phantom, table):
    return prepare(phantom.bold, table, PrepareConfig(), mask=phantom.mask, slab=SlabConfig(**PHANTOM_SLAB))


def _svc(X: np.ndarray, y: np.ndarray, runs: np.ndarray) -> float:
    model = make_pipeline(StandardScaler(), LinearSVC(C=1.0, max_iter=300, random_state=0))
    return float(cross_val_score(model, X, y, groups=runs, cv=LeaveOneGroupOut()).mean())


def _best_threshold(X: np.ndarray, y: np.ndarray) -> float:
    """Accuracy of the best threshold of the best single voxel, by exhaustive search."""
    order = np.argsort(X, axis=0)
    hits = np.vstack([np.zeros((1, X.shape[1])), np.cumsum(y[order], axis=0)])
    cut = np.arange(len(y) + 1)[:, None]
    right = (cut - hits) + (hits[-1] - hits)
    return float(np.maximum(right, len(y) - right).max() / len(y))


def test_design_equals_that_of_the_original_notebook(phantom):
    labels = phantom.table["label"].to_numpy()
    np.testing.assert_array_equal(labels, np.tile(np.repeat(["closed", "open"], 4), 48))
    assert phantom.table["run"].astype(str).value_counts().to_dict() == {str(i): 64 for i in range(1, 7)}
    assert phantom.bold.shape[3] == 384
    np.testing.assert_allclose(phantom.bold.grid.voxel_size, 4, atol=0.5)


def test_the_slab_contains_eyes_and_visual_cortex(phantom, slab):
    truth, _ = resample_mask(phantom.truth, slab.space.grid)
    planted = truth & slab.space.mask
    assert 0 < planted.sum() <= 0.05 * slab.space.n_features
    mm = apply_affine(slab.space.grid.affine, np.argwhere(planted))
    for eye in EYES:
        assert np.linalg.norm(mm - eye, axis=1).min() < 8
    assert (mm[:, 1] < -60).any(), "posterior, in V1"


def test_no_single_voxel_separates_the_conditions(phantom, slab):
    assert _best_threshold(slab.X, slab.y) <= 0.75
    raw = np.asarray(phantom.bold.data)[phantom.mask.at(0) > 0].T
    assert _best_threshold(raw, slab.y) <= 0.75


def test_a_linear_svm_decodes_held_out_runs_imperfectly(slab):
    assert 0.80 <= _svc(slab.X, slab.y, slab.groups) <= 0.95


def test_permuted_block_labels_are_not_decoded(slab):
    scores = []
    for seed in range(2):
        shuffled = slab.relabeled(permute_labels(slab.table, np.random.default_rng(seed)))
        scores.append(_svc(slab.X, shuffled.y, slab.groups))
    assert 0.42 <= np.mean(scores) <= 0.58


def test_noise_is_correlated_in_space_and_time(phantom):
    data = np.asarray(phantom.bold.data[..., :64], dtype=float)
    inside = phantom.mask.at(0) > 0
    neighbors = inside[:-1] & inside[1:]
    centered = data - data.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centered**2).mean(axis=-1))
    scale[scale == 0] = 1
    z = centered / scale[..., None]
    assert (z[:-1] * z[1:]).mean(axis=-1)[neighbors].mean() > 0.2
    assert (z[..., :-1] * z[..., 1:]).mean(axis=-1)[inside].mean() > 0.2


def test_the_phantom_depends_only_on_the_seed(phantom):
    np.testing.assert_array_equal(make_phantom().bold.data, phantom.bold.data)
    assert not np.array_equal(make_phantom(1).bold.data, phantom.bold.data)


def test_written_files_can_be_read(phantom, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_fmri_decoder.samples.example_data.phantom.make_phantom", lambda seed: phantom)
    paths = write_phantom(tmp_path)
    bold = read(paths.bold)
    assert (bold.kind, bold.step) == ("bold", phantom.bold.step)
    np.testing.assert_array_equal(bold.at(100), phantom.bold.at(100))
    np.testing.assert_allclose(bold.affine, phantom.bold.affine)
    assert read(paths.mask).kind == "mask"
    assert read(paths.anatomy).kind == "anatomy"
    assert pd.read_csv(paths.table, sep="\t")["label"].tolist() == phantom.table["label"].tolist()
