"""Scores on real fMRI: the slice of Haxby et al. (2001), cleaned by nilearn alone, one run left out.

References (README of the data): logistic regression scaled inside the fold, C = 0.1: 0.667;
ReLU network of 269 hidden units, 300 epochs: 0.635; chance 0.125.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone
from napari_fmri_decoder.volumes.frames import Grid


@pytest.fixture(scope="module")
def faces_and_houses(haxby: Path) -> Samples:
    """864 volumes of eight categories, each run detrended and standardised with its rest."""
    image = nib.load(haxby / "bold.nii.gz")
    mask = nib.load(haxby / "mask.nii.gz").get_fdata() > 0
    table = pd.read_csv(haxby / "volumes.tsv", sep="\t", dtype={"run": str})
    series, runs = image.get_fdata()[mask].T, table["run"].to_numpy()
    X = np.vstack(
        [clean(series[runs == r], detrend=True, standardize="zscore_sample") for r in pd.unique(runs)]
    )
    keep = (table["label"] != "rest").to_numpy()
    table = table.assign(subject="", session="", block=0)[keep].reset_index(drop=True)
    classes = tuple(sorted(table["label"].unique()))
    return Samples(X[keep].astype(np.float32), table, classes, Space(Grid(mask.shape, image.affine), mask))


def accuracy(samples: Samples, options: dict[str, object], **settings: object) -> float:
    config = TrainingConfig.model_validate({"threads": 1, "device": "cpu"} | settings)
    splits = make_splits(SplitConfig(), samples.table)
    events = cross_validate(get_decoder(options), samples, splits, config.resolved(get_decoder(options)))
    folds = [e.result for e in events if isinstance(e, FoldDone)]
    assert len(folds) == 12
    return float(np.mean([fold.test.accuracy for fold in folds]))


def test_linear_has_the_score_of_a_converged_fit(faces_and_houses: Samples) -> None:
    """scikit-learn gives 0.6713 with a tolerance of 1e-8, and the 0.667 of the data's README with 1e-4."""
    assert accuracy(faces_and_houses, {"name": "linear", "C": 0.1}) == pytest.approx(0.6713, abs=0.0012)


def test_lda_has_the_score_of_scikit_learn(faces_and_houses: Samples) -> None:
    samples = faces_and_houses
    reference = cross_val_score(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        samples.X.astype(np.float64),
        samples.y,
        groups=samples.groups,
        cv=LeaveOneGroupOut(),
    ).mean()
    assert reference == pytest.approx(0.729, abs=5e-4)
    assert accuracy(samples, {"name": "lda"}) == pytest.approx(reference, abs=2 / 864)


def test_dummy_is_at_chance(faces_and_houses: Samples) -> None:
    assert accuracy(faces_and_houses, {"name": "dummy"}) == pytest.approx(0.125)


@pytest.mark.slow
def test_mlp_reaches_its_reference(faces_and_houses: Samples) -> None:
    assert accuracy(faces_and_houses, {"name": "mlp"}, epochs=300) >= 0.60


@pytest.mark.slow
def test_linear_with_nested_c_is_no_worse(faces_and_houses: Samples) -> None:
    assert accuracy(faces_and_houses, {"name": "linear", "C": "nested"}) >= 0.64


@pytest.mark.slow
def test_cnn2d_learns_from_a_single_plane(faces_and_houses: Samples) -> None:
    assert accuracy(faces_and_houses, {"name": "cnn2d"}, epochs=10) >= 0.40
